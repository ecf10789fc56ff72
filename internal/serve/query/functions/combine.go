package functions

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var combine = []query.Function{
	{
		Name: "aggregate", Group: "Combine", Call: aggregate,
		Params: []query.Param{list, {Name: "func", Type: query.AggFunc, Required: true}, xFilesFactor},
		Description: "One series of all: func of their values at each time. func is average, avg_zero, median, sum, min, max, diff, stddev, count, " +
			"range, multiply or last. A time with less than xFilesFactor of the values is null.",
	},
	{
		Name: "group", Group: "Combine", Call: group,
		Params:      []query.Param{{Name: "seriesLists", Type: query.SeriesList, Multiple: true}},
		Description: "All series of several lists, as one list.",
	},
	aggregating("sumSeries", "sum", "The sum of all series at each time."),
	aggregating("sum", "sum", "The sum of all series at each time."),
	aggregating("averageSeries", "average", "The mean of all series at each time, of those that are not null."),
	aggregating("avg", "average", "The mean of all series at each time, of those that are not null."),
}

// aggregating makes a function that aggregates all series it gets.
func aggregating(name, how, description string) query.Function {
	return query.Function{Name: name, Group: "Combine", Params: []query.Param{lists}, Aggregator: true, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			return combined(c, c.AllSeries("seriesLists"), how, c.XFilesFactor())
		}}
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

func group(c *query.Call) ([]*query.Series, error) { return c.AllSeries("seriesLists"), nil }
