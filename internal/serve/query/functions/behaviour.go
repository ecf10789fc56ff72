package functions

import "github.com/logmetrics/logmetrics/internal/serve/query"

func behaviour() []query.Function {
	return []query.Function{
		{
			Name: "changed", Group: "Special", Call: changedValues, Params: []query.Param{list},
			Description: "1 where a value is another than the last one before it that is not null, else 0.",
		},
		{
			Name: "consolidateBy", Group: "Special", Params: []query.Param{list, {Name: "consolidationFunc", Type: query.String, Required: true,
				Options: []string{"sum", "average", "avg", "min", "max", "first", "last", "avg_zero"}}},
			Description: "How several values become one when there are more than can be shown: sum, average, min, max, first or last.",
			Call:        func(c *query.Call) ([]*query.Series, error) { return consolidated(c, c.Text("consolidationFunc")), nil },
		},
		{
			Name: "cumulative", Group: "Special", Params: []query.Param{list}, Description: "consolidateBy sum.",
			Call: func(c *query.Call) ([]*query.Series, error) { return consolidated(c, "sum"), nil },
		},
		{
			Name: "setXFilesFactor", Group: "Special", Call: setXFilesFactor, Params: xffParams,
			Description: "The share of values that must not be null when several become one, for these series, and in functions that come later in the request.",
		},
		{
			Name: "xFilesFactor", Group: "Special", Call: setXFilesFactor, Params: xffParams,
			Description: "The share of values that must not be null when several become one, for these series, and in functions that come later in the request.",
		},
		{
			Name: "fallbackSeries", Group: "Special", Params: []query.Param{list, {Name: "fallback", Type: query.SeriesList, Required: true}},
			Description: "The series, or those of fallback when there are none.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				if all := c.Series("seriesList"); len(all) > 0 {
					return all, nil
				}
				return c.Series("fallback"), nil
			},
		},
	}
}

var xffParams = []query.Param{list, {Name: "xFilesFactor", Type: query.Float, Required: true}}

func changedValues(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		called(s, "changed", "", "")
		values, before := s.Own(c), query.Null()
		for i, v := range values {
			values[i] = 0
			if v == v {
				if before == before && v != before {
					values[i] = 1
				}
				before = v
			}
		}
		s.Whole = true
	})
	return all, nil
}

func consolidated(c *query.Call, how string) []*query.Series {
	all := c.Series("seriesList")
	for _, s := range all {
		s.Consolidation = how
		s.Tags = s.Tags.With("consolidateBy", how)
		s.Name = "consolidateBy(" + s.Name + `,"` + how + `")`
		s.PathExpression = s.Name
	}
	return all
}

func setXFilesFactor(c *query.Call) ([]*query.Series, error) {
	all, xff := c.Series("seriesList"), c.Float("xFilesFactor")
	c.SetXFilesFactor(xff)
	for _, s := range all {
		s.XFilesFactor = xff
		s.Tags = s.Tags.With("xFilesFactor", query.FormatFloat(xff))
	}
	return all, nil
}
