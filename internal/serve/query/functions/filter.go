package functions

import (
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func filter() []query.Function {
	return []query.Function{
		{
			Name: "grep", Group: "Filter Series", Call: matching(true),
			Params:      []query.Param{list, {Name: "pattern", Type: query.String, Required: true}},
			Description: "The series in whose name a regular expression matches.",
		},
		{
			Name: "exclude", Group: "Filter Series", Call: matching(false),
			Params:      []query.Param{list, {Name: "pattern", Type: query.String, Required: true}},
			Description: "The series in whose name a regular expression does not match.",
		},
		{
			Name: "filterSeries", Group: "Filter Series", Call: filterSeries,
			Params: []query.Param{list, aggFunc,
				{Name: "operator", Type: query.String, Required: true, Options: []string{"!=", "<", "<=", "=", ">", ">="}},
				{Name: "threshold", Type: query.Float, Required: true}},
			Description: "The series of which func of all values is in this relation to threshold. Where that is null, only !=, < and <= hold.",
		},
		comparing("averageAbove", "average", ">"), comparing("averageBelow", "average", "<="),
		comparing("currentAbove", "last", ">"), comparing("currentBelow", "last", "<="),
		comparing("maximumAbove", "max", ">"), comparing("maximumBelow", "max", "<="),
		comparing("minimumAbove", "min", ">"), comparing("minimumBelow", "min", "<="),
		{
			Name: "removeEmptySeries", Group: "Filter Series", Call: removeEmptySeries, Params: []query.Param{list, xFilesFactor},
			Description: "The series that have a value, and no less than xFilesFactor of all values.",
		},
		{
			Name: "unique", Group: "Filter Series", Call: unique, Params: []query.Param{lists},
			Description: "The first series of each name.",
		},
		{
			Name: "useSeriesAbove", Group: "Filter Series", Call: useSeriesAbove,
			Params: []query.Param{list, {Name: "value", Type: query.Float, Required: true}, {Name: "search", Type: query.String, Required: true},
				{Name: "replace", Type: query.String, Required: true}},
			Description: "For each series whose greatest value is over value, the series that has its name with what matches a regular expression replaced, as in aliasSub.",
		},
	}
}

func matching(keep bool) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) {
		p, err := newPattern(c, c.Text("pattern"))
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(c.Series("seriesList"), func(s *query.Series) bool { return p.search(s.Name) != keep }), nil
	}
}

func filterSeries(c *query.Call) ([]*query.Series, error) {
	return compared(c, c.Text("func"), c.Text("operator"), c.Float("threshold"))
}

// comparing makes a filterSeries of which all but the threshold is said.
func comparing(name, how, operator string) query.Function {
	return query.Function{Name: name, Group: "Filter Series", Params: []query.Param{list, threshold},
		Description: "The series whose " + how + " of all values is " + operator + " n.",
		Call:        func(c *query.Call) ([]*query.Series, error) { return compared(c, how, operator, c.Float("n")) }}
}

func compared(c *query.Call, how, operator string, n float64) ([]*query.Series, error) {
	agg, err := query.AggByName(how)
	if err != nil {
		return nil, err
	}
	all := c.Series("seriesList")
	values := aggregates(c, all, agg.Of)
	var out []*query.Series
	for i, s := range all {
		if holds(values[i], operator, n) {
			out = append(out, s)
		}
	}
	return out, nil
}

// holds reports whether v is in a relation to n; null is under all numbers.
func holds(v float64, operator string, n float64) bool {
	switch operator {
	case "=":
		return v == n
	case "!=":
		return v != n
	case ">":
		return v > n
	case ">=":
		return v >= n
	case "<":
		return query.IsNull(v) || v < n
	}
	return query.IsNull(v) || v <= n
}

// aggregates returns fn of the values of each series.
func aggregates(c *query.Call, all []*query.Series, fn func([]float64) float64) []float64 {
	out := c.Make(len(all))
	c.Each(all, func(i int, s *query.Series) { out[i] = fn(s.Points()) })
	return out
}

func removeEmptySeries(c *query.Call) ([]*query.Series, error) {
	xff := c.Float("xFilesFactor") // not the request's
	return slices.DeleteFunc(c.Series("seriesList"), func(s *query.Series) bool {
		points := s.Points()
		return !query.Xff(int(query.Count(points)), len(points), xff)
	}), nil
}

func unique(c *query.Call) ([]*query.Series, error) {
	seen := map[string]bool{}
	var out []*query.Series
	for _, s := range c.AllSeries("seriesLists") {
		if !seen[s.Name] {
			seen[s.Name] = true
			out = append(out, s)
		}
	}
	return out, nil
}

func useSeriesAbove(c *query.Call) ([]*query.Series, error) {
	search, err := newPattern(c, c.Text("search"))
	if err != nil {
		return nil, err
	}
	replace, err := search.replacement(c, c.Text("replace"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range c.Series("seriesList") {
		if query.Max(s.Points()) > c.Float("value") {
			names = append(names, search.sub(s.Name, replace))
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	found, err := c.Eval("group("+strings.Join(names, ",")+")", c.From, c.Until)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(s *query.Series) bool { return len(s.Values) == 0 }), nil
}
