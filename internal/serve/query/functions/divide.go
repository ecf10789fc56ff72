package functions

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/libm"
)

var first2 = []query.Param{
	{Name: "seriesListFirstPos", Type: query.SeriesList, Required: true},
	{Name: "seriesListSecondPos", Type: query.SeriesList, Required: true},
}

func pairs() []query.Function {
	return []query.Function{
		{
			Name: "aggregateSeriesLists", Group: "Combine", Call: aggregateSeriesLists,
			Params:      append(slices.Clone(first2), aggFunc, xFilesFactor),
			Description: "func of the first series of both lists, of the second of both, and so on. The lists are as long as each other.",
		},
		pairwise("sumSeriesLists", "sum", true), pairwise("diffSeriesLists", "diff", true), pairwise("multiplySeriesLists", "multiply", true),
		{
			Name: "divideSeries", Group: "Combine", Call: divideSeries,
			Params:      []query.Param{{Name: "dividendSeriesList", Type: query.SeriesList, Required: true}, {Name: "divisorSeries", Type: query.SeriesList, Required: true}},
			Description: "Each series divided by the same one, null where that is 0 or null.",
		},
		{
			Name: "divideSeriesLists", Group: "Combine", Call: divideSeriesLists,
			Params:      []query.Param{{Name: "dividendSeriesList", Type: query.SeriesList, Required: true}, {Name: "divisorSeriesList", Type: query.SeriesList, Required: true}},
			Description: "The first series of a list divided by the first of another, the second by the second, and so on. The lists are as long as each other.",
		},
		{
			Name: "powSeries", Group: "Combine", Call: powSeries, Aggregator: true,
			Params:      []query.Param{{Name: "seriesList", Type: query.SeriesList, Required: true, Multiple: true}},
			Signature:   "(*seriesLists)",
			Description: "The first series to the power of the second, that to the power of the third, and so on; null where it is no real number, or too great.",
		},
		{
			Name: "weightedAverage", Group: "Combine", Call: weightedAverage,
			Params: []query.Param{{Name: "seriesListAvg", Type: query.SeriesList, Required: true}, {Name: "seriesListWeight", Type: query.SeriesList, Required: true}, nodes},
			Description: "sum(value * weight) / sum(weight) at each time. A value's weight is the series of the second list that has these parts of its path, or " +
				"tags, in common with it.",
		},
	}
}

// pairwise makes an aggregateSeriesLists whose function is said.
func pairwise(name, how string, aggregator bool) query.Function {
	return query.Function{Name: name, Group: "Combine", Params: first2, Aggregator: aggregator,
		Description: "aggregateSeriesLists with the function " + how + ".",
		Call:        func(c *query.Call) ([]*query.Series, error) { return aggregatedPairs(c, how, c.XFilesFactor()) }}
}

func aggregateSeriesLists(c *query.Call) ([]*query.Series, error) {
	return aggregatedPairs(c, c.Text("func"), xff(c))
}

func aggregatedPairs(c *query.Call, how string, xff float64) ([]*query.Series, error) {
	return eachPair(c, "seriesListFirstPos", "seriesListSecondPos", func(a, b *query.Series) (*query.Series, error) {
		aName, bName := a.Name, b.Name
		made, err := combined(c, []*query.Series{a, b}, how, xff)
		if err != nil {
			return nil, err
		}
		made[0].Name = strings.TrimSuffix(how, "Series") + "Series(" + aName + "," + bName + ")"
		return made[0], nil
	})
}

// eachPair returns fn of each two series at the same place of two lists.
func eachPair(c *query.Call, first, second string, fn func(a, b *query.Series) (*query.Series, error)) ([]*query.Series, error) {
	as, bs := c.Series(first), c.Series(second)
	if len(as) != len(bs) {
		return nil, c.Errorf("%s and %s argument must have equal length", first, second)
	}
	out := make([]*query.Series, len(as))
	for i := range as {
		s, err := fn(as[i], bs[i])
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// quotientOf makes a series of two, on their common grid: their quotients, times a factor.
func quotientOf(c *query.Call, name string, a, b *query.Series, factor float64) (*query.Series, error) {
	grid, err := query.Normalize([]*query.Series{a, b})
	if err != nil {
		return nil, err
	}
	x, y := a.Points(), b.Points()
	s := query.NewSeries(name, grid.Start, grid.End, grid.Step, quotients(c.Make(max(len(x), len(y))), x, y, factor))
	s.XFilesFactor = c.XFilesFactor()
	return s, nil
}

// quotients puts into to, which may be a, the quotient of the values at each place, times a factor; null behind the end of the shorter.
func quotients(to, a, b []float64, factor float64) []float64 {
	n := min(len(a), len(b))
	for i, v := range a[:n] {
		to[i] = quotient(v, b[i]) * factor
	}
	return nullFrom(to, n)
}

// nullFrom makes values null from a place on.
func nullFrom(values []float64, from int) []float64 {
	for i := from; i < len(values); i++ {
		values[i] = query.Null()
	}
	return values
}

// quotient is a/b, null when b is 0 or one of them null.
func quotient(a, b float64) float64 { return unless(b == 0, a/b) }

// unless is v, or null; it needs no branch. With all bits set a float64 is NaN.
func unless(null bool, v float64) float64 {
	return math.Float64frombits(math.Float64bits(v) | -uint64(one(null)))
}

func divided(c *query.Call, a, b *query.Series) (*query.Series, error) {
	return quotientOf(c, "divideSeries("+a.Name+","+b.Name+")", a, b, 1)
}

func divideSeries(c *query.Call) ([]*query.Series, error) {
	dividends, divisor := c.Series("dividendSeriesList"), c.Series("divisorSeries")
	switch {
	case len(divisor) == 0:
		for _, s := range dividends {
			s.Name = "divideSeries(" + s.Name + ",MISSING)"
			s.PathExpression = s.Name
			s.Replace(c.MakeNull(len(s.Values)))
		}
		return dividends, nil
	case len(divisor) > 1:
		return nil, c.Errorf("divideSeries second argument must reference exactly 1 series (got %d)", len(divisor))
	}
	out := make([]*query.Series, len(dividends))
	for i, s := range dividends {
		var err error
		if out[i], err = divided(c, s, divisor[0]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func divideSeriesLists(c *query.Call) ([]*query.Series, error) {
	return eachPair(c, "dividendSeriesList", "divisorSeriesList", func(a, b *query.Series) (*query.Series, error) { return divided(c, a, b) })
}

func powSeries(c *query.Call) ([]*query.Series, error) {
	all := c.AllSeries("seriesList")
	grid, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	values := c.Rows(all, func(row []float64) float64 {
		v := row[0]
		for _, exponent := range row[1:] {
			v = power(v, exponent)
		}
		return v
	})
	s := query.NewSeries("powSeries("+strings.Join(names, ",")+")", grid.Start, grid.End, grid.Step, values)
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

// power is a to the power of b, null where that is no finite number.
func power(a, b float64) float64 {
	if query.IsNull(a) || query.IsNull(b) {
		return query.Null() // also 1 to the power of null
	}
	v := libm.Pow(a, b)
	if math.IsInf(v, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return query.Null()
	}
	return v
}

// weighted is a value with its weight.
type weighted struct{ value, weight *query.Series }

func weightedAverage(c *query.Call) ([]*query.Series, error) {
	values, weights := c.Series("seriesListAvg"), c.Series("seriesListWeight")
	if len(values) != len(weights) {
		return nil, c.Errorf("weightedAverage must receive the same number of series for seriesListAvg and seriesListWeight but received respectively %d and %d",
			len(values), len(weights))
	}
	weighed := weightedOf(c, values, weights)
	if len(weighed) == 0 {
		return nil, nil
	}
	above, err := combined(c, weighed, "sum", c.XFilesFactor())
	if err != nil {
		return nil, err
	}
	below, err := combined(c, weights, "sum", c.XFilesFactor())
	if err != nil {
		return nil, err
	}
	shown := make([]string, len(c.Values("nodes")))
	for i, v := range c.Values("nodes") {
		shown[i] = v.String()
	}
	name := "weightedAverage(" + sortedPaths(values) + ", " + sortedPaths(weights) + ", " + strings.Join(shown, ",") + ")"
	x, y := above[0].Values, below[0].Values
	s := query.NewSeries(name, above[0].Start, above[0].End, above[0].Step, quotients(c.Make(max(len(x), len(y))), x, y, 1))
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

// weightedOf returns value * weight of those that have the nodes in common, in the order in which they come.
func weightedOf(c *query.Call, values, weights []*query.Series) []*query.Series {
	nodes, places := c.Nodes("nodes"), map[string]int{}
	var found []weighted
	place := func(s *query.Series) *weighted {
		key := query.AggKey(s, nodes)
		i, ok := places[key]
		if !ok {
			i = len(found)
			places[key], found = i, append(found, weighted{})
		}
		return &found[i]
	}
	for i := range values {
		place(values[i]).value = values[i]
		place(weights[i]).weight = weights[i]
	}
	var out []*query.Series
	for _, w := range found {
		if w.value == nil || w.weight == nil {
			continue
		}
		v := products(c, w.value.Points(), w.weight.Points())
		s := query.NewSeries("product("+w.weight.Name+","+w.value.Name+")", w.value.Start, w.value.End, w.value.Step, v)
		s.XFilesFactor = c.XFilesFactor()
		out = append(out, s)
	}
	return out
}

// products returns the product of the values at each place, null behind the end of the shorter.
func products(c *query.Call, a, b []float64) []float64 {
	out := c.Make(max(len(a), len(b)))
	n := min(len(a), len(b))
	for i, v := range a[:n] {
		out[i] = v * b[i]
	}
	return nullFrom(out, n)
}

// sortedPaths returns the path expressions of a list, each once, sorted.
func sortedPaths(all []*query.Series) string {
	paths := make([]string, len(all))
	for i, s := range all {
		paths[i] = s.PathExpression
	}
	slices.SortFunc(paths, cmp.Compare)
	return strings.Join(slices.Compact(paths), ",")
}
