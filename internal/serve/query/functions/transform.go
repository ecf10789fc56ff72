package functions

import (
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func transform() []query.Function {
	return []query.Function{
		{
			Name: "scale", Group: "Transform", Call: scale,
			Params:      []query.Param{list, {Name: "factor", Type: query.Float, Required: true}},
			Description: "Each value times factor.",
		},
		{
			Name: "summarize", Group: "Transform", Call: summarize,
			Params: []query.Param{list,
				{Name: "intervalString", Type: query.Interval, Required: true, Suggestions: []any{"10min", "1h", "1d"}},
				{Name: "func", Type: query.AggFunc, Default: "sum"},
				{Name: "alignToFrom", Type: query.Boolean, Default: false}},
			Description: "One value for each interval: func of the values in it. Intervals begin at multiples of their length, or with alignToFrom at the " +
				"first value.",
		},
	}
}

func scale(c *query.Call) ([]*query.Series, error) {
	all, factor := c.Series("seriesList"), c.Float("factor")
	suffix, tag := ","+query.FormatG(factor)+")", query.FormatFloat(factor)
	c.Each(all, func(_ int, s *query.Series) {
		s.Tags = s.Tags.With("scale", tag)
		s.Name = "scale(" + s.Name + suffix
		s.PathExpression = s.Name
		s.Whole = false
		to := s.Room(c, len(s.Values))
		for i, v := range s.Values {
			to[i] = v * factor
		}
		s.Replace(to)
	})
	return all, nil
}

func summarize(c *query.Call) ([]*query.Series, error) {
	interval, align, how := c.Seconds("intervalString"), c.Bool("alignToFrom"), c.Text("func")
	agg, err := summing(c)
	if err != nil {
		return nil, err
	}
	if interval <= 0 {
		return nil, c.Errorf("the interval must be more than nothing")
	}
	return c.Map(c.Series("seriesList"), func(s *query.Series) *query.Series {
		return summary(c, s, interval, align, how, agg)
	}), nil
}

// summing returns the function that sums up. As in graphite-web the old names, as
// sumSeries, are none here, though they are declared.
func summing(c *query.Call) (*query.Agg, error) {
	if name := c.Text("func"); strings.HasSuffix(name, "Series") {
		return nil, c.Errorf("Unsupported aggregation function: %s", name)
	}
	return c.Agg("func")
}

func summary(c *query.Call, s *query.Series, interval int64, align bool, how string, agg *query.Agg) *query.Series {
	start, end, mark := s.Start, s.End, ""
	if align {
		mark = ", true"
	} else {
		start, end = start-start%interval, end-end%interval+interval
	}
	values := summarized(c, s, interval, start, end, agg)
	if align {
		end = start + int64(len(values))*interval
	}
	interval0 := c.Text("intervalString")
	out := s.Derive("summarize("+s.Name+`, "`+interval0+`", "`+how+`"`+mark+")", values)
	out.Tags = s.Tags.With("summarize", interval0).With("summarizeFunction", how)
	out.Start, out.End, out.Step, out.Whole = start, end, interval, agg.Whole
	return out
}

// summarized returns agg of the points of s in each interval from start, which is not after that of s. An interval with less than
// the series' XFilesFactor of its points is null.
func summarized(c *query.Call, s *query.Series, interval, start, end int64, agg *query.Agg) []float64 {
	points := s.Points()
	if n := (s.End - s.Start + s.Step - 1) / s.Step; int64(len(points)) > n {
		points = points[:n]
	}
	out := c.Make(int((end - start + interval - 1) / interval))
	first := 0
	for k := range out {
		end := start + int64(k+1)*interval - s.Start // seconds of points
		next := max(first, min(len(points), int((end+s.Step-1)/s.Step)))
		part := points[first:next]
		out[k], first = query.Null(), next
		if enough(part, float64(interval)/float64(s.Step), s.XFilesFactor) {
			out[k] = agg.Of(part)
		}
	}
	return out
}

// enough reports whether some of values are not null, and at least factor of n.
func enough(values []float64, n, factor float64) bool {
	if factor <= 0 {
		return slices.ContainsFunc(values, func(v float64) bool { return v == v }) // mostly the first
	}
	full := query.Count(values)
	return full > 0 && full/n >= factor
}
