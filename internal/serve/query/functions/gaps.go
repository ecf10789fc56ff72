package functions

import (
	"math"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func gaps() []query.Function {
	gapLimit := query.Param{Name: "limit", Type: query.IntOrInf, Default: math.Inf(1)} // how many nulls in a row are filled
	return []query.Function{
		{
			Name: "interpolate", Group: "Transform", Params: []query.Param{list, gapLimit}, Call: filling("interpolate", line),
			Description: "Up to limit nulls in a row become values on the line between those beside them.",
		},
		{
			Name: "keepLastValue", Group: "Transform", Params: []query.Param{list, gapLimit}, Call: filling("keepLastValue", hold),
			Description: "Up to limit nulls in a row become the value before them.",
		},
		{
			Name: "transformNull", Group: "Transform", Call: transformNull,
			Params:      []query.Param{list, {Name: "default", Type: query.Float, Default: 0}, {Name: "referenceSeries", Type: query.SeriesList}},
			Description: "Nulls become default, with referenceSeries only where one of these has a value.",
		},
		{
			Name: "isNonNull", Group: "Transform", Call: isNonNull, Params: []query.Param{list},
			Description: "1 for a value, 0 for null.",
		},
		{
			Name: "compressPeriodicGaps", Group: "Transform", Call: compressPeriodicGaps, Params: []query.Param{list},
			Description: "A series that has a value in each n-th step only gets n times the step: summarize(series, step, 'last') with a step that is guessed. n is the distance " +
				"of the first two values that are not 0, if a third one stands alone as far behind them; else the series stays as it is.",
		},
	}
}

// filling makes a function that fills gaps: fill gets a series' values, and where in them a gap is.
func filling(name string, fill func(values []float64, from, to int)) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) {
		all, limit := c.Series("seriesList"), c.Float("limit")
		c.Each(all, func(_ int, s *query.Series) {
			s.Name = name + "(" + s.Name + ")"
			s.PathExpression = s.Name
			values := s.Own(c)
			for i := 0; i < len(values); i++ {
				from := i
				for i < len(values) && query.IsNull(values[i]) {
					i++
				}
				if from > 0 && from < i && float64(i-from) <= limit {
					fill(values, from, i)
				}
			}
		})
		return all, nil
	}
}

// hold repeats the value before a gap.
func hold(values []float64, from, to int) {
	for i := from; i < to; i++ {
		values[i] = values[from-1]
	}
}

// line connects both ends of a gap, if it has two.
func line(values []float64, from, to int) {
	if to == len(values) {
		return
	}
	first, last := values[from-1], values[to]
	for i := from; i < to; i++ {
		values[i] = first + float64(i-from+1)*(last-first)/float64(to-from+1)
	}
}

func transformNull(c *query.Call) ([]*query.Series, error) {
	all, with, reference := c.Series("seriesList"), c.Float("default"), c.Series("referenceSeries")
	arguments, some := ","+query.FormatG(with), []float64(nil)
	if len(reference) > 0 {
		arguments += ",referenceSeries"
		some = c.Rows(reference, query.Max)
	}
	c.Each(all, func(_ int, s *query.Series) {
		called(s, "transformNull", c.Value("default").String(), arguments)
		if some != nil {
			s.Tags = s.Tags.With("referenceSeries", "1")
		}
		values := s.Own(c)
		for i, v := range values {
			if query.IsNull(v) && (some == nil || i < len(some) && !query.IsNull(some[i])) {
				values[i] = with
			}
		}
	})
	return all, nil
}

func isNonNull(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		called(s, "isNonNull", "1", "")
		values := s.Own(c)
		for i, v := range values {
			values[i] = 1
			if query.IsNull(v) {
				values[i] = 0
			}
		}
		s.Whole = true
	})
	return all, nil
}

func compressPeriodicGaps(c *query.Call) ([]*query.Series, error) {
	return c.Map(c.Series("seriesList"), func(s *query.Series) *query.Series {
		s.Name = "compressPeriodicGaps(" + s.Name + ")"
		s.PathExpression = s.Name
		points, step := s.Points(), s.PointStep()
		first, n := period(points)
		if n == 0 {
			return s
		}
		points = points[first:]
		out := s.Derive(s.Name, query.Consolidate(c.Make((len(points) + n - 1) / n)[:0], points, n, "last", s.XFilesFactor))
		out.Start, out.Step, out.Whole = s.Start+int64(first)*step, int64(n)*step, s.Whole
		out.End = out.Start + int64(len(out.Values)-1)*out.Step // of the last value, as graphite-web has it
		return out
	}), nil
}

// period guesses how far apart values are, 0: no gaps that come again, and where the first is.
func period(points []float64) (first, n int) {
	next := func(i int) int {
		for i < len(points) && (query.IsNull(points[i]) || points[i] == 0) {
			i++
		}
		return i
	}
	first = next(0)
	second := next(first + 1)
	n = second - first
	third := second + n
	if n < 2 || third+1 >= len(points) || next(third) != third || !query.IsNull(points[third-1]) || !query.IsNull(points[third+1]) {
		return 0, 0
	}
	return first, n
}
