package functions

import (
	"errors"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func special() []query.Function {
	return []query.Function{
		{
			Name: "constantLine", Group: "Special", Call: constantLine,
			Params:      []query.Param{{Name: "value", Type: query.Float, Required: true}},
			Description: "A line at value: three points over the whole range.",
		},
		{
			Name: "statistic", Group: "Special", Module: "logmetrics", Call: readBySource,
			Params: []query.Param{list, {Name: "statistic", Type: query.String, Required: true, Options: query.Statistics}},
			Description: "Of each bucket of a path or seriesByTag() its minimum, maximum, standard deviation, sum, average, or how many samples it has. " +
				"With maxDataPoints a tier as coarse as gives so many points is read; for averages and deviations, of which several make none of all, one that gives no more.",
			Source: "what logmetrics keeps of each bucket",
		},
		{
			Name: "seriesByTag", Group: "Special", Call: readBySource,
			Params: []query.Param{{Name: "tagExpressions", Type: query.String, Required: true, Multiple: true}},
			Description: "The series for whose tags all expressions hold: tag=value, tag!=value, tag=~expression, tag!=~expression. One at least must ask " +
				"for a value that is not empty.",
		},
	}
}

func constantLine(c *query.Call) ([]*query.Series, error) {
	v := c.Float("value")
	text := query.FormatFloat(v)
	values := c.Make(3)
	values[0], values[1], values[2] = v, v, v
	s := query.NewSeries(text, c.From, c.Until, (c.Until-c.From)/2, values)
	s.PathExpression, s.XFilesFactor = "constantLine("+text+")", c.XFilesFactor()
	return []*query.Series{s}, nil
}

// readBySource is for what stands in the table for its description only: the evaluation has the source read it.
func readBySource(*query.Call) ([]*query.Series, error) {
	return nil, errors.New("BUG: not a function that is called")
}
