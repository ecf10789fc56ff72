package functions

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func combine() []query.Function {
	return []query.Function{
		{
			Name: "aggregate", Group: "Combine", Call: aggregate,
			Params: []query.Param{list, aggFunc, xFilesFactor},
			Description: "One series of all: func of their values at each time. func is average, avg_zero, median, sum, min, max, diff, stddev, count, " +
				"range, multiply or last. A time with less than xFilesFactor of the values is null.",
		},
		{
			Name: "aggregateWithWildcards", Group: "Combine", Call: aggregateWithWildcards,
			Params:    []query.Param{list, aggFunc, {Name: "position", Type: query.NodeNumber, Multiple: true}},
			Signature: "(seriesList, func, *positions)",
			Description: "Series whose names are the same without the parts at these positions, counted from 0, become one: func of their values at " +
				"each time. It is called what is left of the name.",
		},
		{
			Name: "group", Group: "Combine", Call: group,
			Params:      []query.Param{{Name: "seriesLists", Type: query.SeriesList, Multiple: true}},
			Description: "All series of several lists, as one list.",
		},
		{
			Name: "countSeries", Group: "Combine", Call: countSeries, Aggregator: true,
			Params:      []query.Param{{Name: "seriesLists", Type: query.SeriesList, Multiple: true}},
			Description: "How many series there are, whether or not they have a value: a line.",
		},
		{
			Name: "multiplySeries", Group: "Combine", Call: multiplySeries, Aggregator: true,
			Params:      []query.Param{lists},
			Description: "The product of all series at each time, null where one is. A single series stays as it is.",
		},
		aggregating("sumSeries", "sum", "The sum of all series at each time."),
		aggregating("sum", "sum", "The sum of all series at each time."),
		aggregating("averageSeries", "average", "The mean of all series at each time, of those that are not null."),
		aggregating("avg", "average", "The mean of all series at each time, of those that are not null."),
		aggregating("minSeries", "min", "The least of all series at each time."),
		aggregating("maxSeries", "max", "The greatest of all series at each time."),
		aggregating("rangeOfSeries", "rangeOf", "The greatest less the least of all series at each time."),
		aggregating("diffSeries", "diff", "The first series less all others, at each time; where the first is null, the next one counts as the first."),
		aggregating("stddevSeries", "stddev", "The standard deviation of all series at each time: sqrt(sum((v - mean)^2) / n), of those that are not null."),
		withWildcards("sumSeriesWithWildcards", "sum", true),
		withWildcards("averageSeriesWithWildcards", "average", true),
		withWildcards("multiplySeriesWithWildcards", "multiply", true),
	}
}

// aggFunc is a parameter that names what makes one value of several.
var aggFunc = query.Param{Name: "func", Type: query.AggFunc, Required: true}

// aggregating makes a function that aggregates all series it gets.
func aggregating(name, how, description string) query.Function {
	return query.Function{Name: name, Group: "Combine", Params: []query.Param{lists}, Aggregator: true, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			return combined(c, c.AllSeries("seriesLists"), how, c.XFilesFactor())
		}}
}

// plainly returns by what a function of the table does nothing but aggregate, or else what aggregates by that name.
func plainly(name string) (how string, ok bool) {
	switch name {
	case "multiplySeries", "countSeries":
		return "", false // they are more than that
	case "avg":
		return "average", true
	}
	_, err := query.AggByName(name)
	return name, err == nil
}

// withWildcards makes an aggregateWithWildcards whose function is said.
func withWildcards(name, how string, aggregator bool) query.Function {
	return query.Function{Name: name, Group: "Combine", Aggregator: aggregator,
		Params:      []query.Param{list, {Name: "position", Type: query.NodeNumber, Multiple: true}},
		Description: "aggregateWithWildcards with the function " + how + ".",
		Call:        func(c *query.Call) ([]*query.Series, error) { return wildcarded(c, how) }}
}

func aggregate(c *query.Call) ([]*query.Series, error) {
	return combined(c, c.Series("seriesList"), c.Text("func"), xff(c))
}

// combined returns one series of all, none when there are none. Its tags are those that all have.
func combined(c *query.Call, all []*query.Series, how string, xff float64) ([]*query.Series, error) {
	how = strings.TrimSuffix(how, "Series")
	agg, err := query.AggByName(how)
	if err != nil {
		return nil, err
	}
	grid, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	name := how + "Series(" + query.PathExpressions(all) + ")"
	tags := query.Common(all)
	if _, ok := tags.Lookup("name"); !ok {
		tags = tags.With("name", name)
	}
	s := query.NewSeries(name, grid.Start, grid.End, grid.Step, c.Aggregate(all, agg, xff))
	s.Tags = tags.With("aggregatedBy", how)
	s.XFilesFactor, s.Whole = xff, agg.Whole
	return []*query.Series{s}, nil
}

func aggregateWithWildcards(c *query.Call) ([]*query.Series, error) {
	return wildcarded(c, c.Text("func"))
}

func wildcarded(c *query.Call, how string) ([]*query.Series, error) {
	drop := map[int]bool{}
	for _, v := range c.Values("position") {
		drop[int(v.Number)] = true
	}
	groups := grouped(c.Series("seriesList"), func(s *query.Series) string {
		var kept []string
		for i, part := range strings.Split(s.Name, ".") {
			if !drop[i] {
				kept = append(kept, part)
			}
		}
		return strings.Join(kept, ".")
	})
	made, err := groups.combine(c, how)
	if err != nil {
		return nil, err
	}
	for i, s := range made {
		s.Name = groups[i].key
	}
	return made, nil
}

func group(c *query.Call) ([]*query.Series, error) { return c.AllSeries("seriesLists"), nil }

func countSeries(c *query.Call) ([]*query.Series, error) {
	if len(c.Values("seriesLists")) == 0 {
		s := query.NewSeries("0", c.From, c.Until, (c.Until-c.From)/2, c.Make(3))
		s.PathExpression, s.Whole, s.XFilesFactor = "countSeries()", true, c.XFilesFactor()
		return []*query.Series{s}, nil
	}
	all := c.AllSeries("seriesLists")
	grid, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	longest := 0
	for _, s := range all {
		longest = max(longest, (len(s.Values)+s.ValuesPerPoint-1)/s.ValuesPerPoint)
	}
	values := c.Make(longest)
	for i := range values {
		values[i] = float64(len(all))
	}
	s := query.NewSeries("countSeries("+query.PathExpressions(all)+")", grid.Start, grid.End, grid.Step, values)
	s.Whole, s.XFilesFactor = true, c.XFilesFactor()
	return []*query.Series{s}, nil
}

func multiplySeries(c *query.Call) ([]*query.Series, error) {
	all := c.AllSeries("seriesLists")
	if len(c.Values("seriesLists")) == 1 && len(all) == 1 {
		return all, nil
	}
	return combined(c, all, "multiply", c.XFilesFactor())
}
