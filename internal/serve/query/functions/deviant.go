package functions

import (
	"slices"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func deviants() []query.Function {
	return []query.Function{
		{
			Name: "mostDeviant", Group: "Filter Series", Call: mostDeviant, Params: []query.Param{list, howMany},
			Description: "The n series whose values deviate most from their mean: by the variance, sum((v - mean)^2) / k, of all k values that are not null.",
		},
		{
			Name: "averageOutsidePercentile", Group: "Filter Series", Call: averageOutsidePercentile, Params: []query.Param{list, threshold},
			Description: "The series whose mean is not between the (100-n)-th and the n-th percentile of all means; n under 50 means 100-n.",
		},
		{
			Name: "removeBetweenPercentile", Group: "Filter Series", Call: removeBetweenPercentile, Params: []query.Param{list, threshold},
			Description: "The series that have a value, at any time, which is not between the (100-n)-th and the n-th percentile of all series then; n under 50 " +
				"means 100-n.",
		},
	}
}

func mostDeviant(c *query.Call) ([]*query.Series, error) {
	all := slices.DeleteFunc(c.Series("seriesList"), func(s *query.Series) bool { return query.Count(s.Points()) == 0 })
	return sliced(sorted(c, all, variance, true), c.Int("n")), nil
}

func variance(values []float64) float64 {
	mean := query.Average(values)
	squares, n := 0.0, 0
	for _, v := range values {
		if v == v {
			squares += (v - mean) * (v - mean)
			n++
		}
	}
	return squares / float64(n)
}

// outer returns n, or 100-n where that is more.
func outer(n float64) float64 {
	if n < 50 {
		return 100 - n
	}
	return n
}

// band is what lies between two percentiles.
type band struct{ low, high float64 }

// bandOf returns that of values, whose order it changes; nulls must not be among them.
func bandOf(values []float64, n float64) (b band, ok bool) {
	var ok1, ok2 bool
	b.low, ok1 = percentile(values, 100-n, false)
	b.high, ok2 = percentile(values, n, false)
	return b, ok1 && ok2
}

func (b band) has(v float64) bool { return b.low < v && v < b.high }

func averageOutsidePercentile(c *query.Call) ([]*query.Series, error) {
	all, n := c.Series("seriesList"), outer(c.Float("n"))
	means := aggregates(c, all, query.Average)
	between, ok := bandOf(query.NotNull(nil, means), n)
	if !ok {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	var out []*query.Series
	for i, s := range all {
		if !between.has(means[i]) {
			out = append(out, s)
		}
	}
	return out, nil
}

func removeBetweenPercentile(c *query.Call) ([]*query.Series, error) {
	all, n := c.Series("seriesList"), outer(c.Float("n"))
	columns, rows := query.Columns(all)
	bands := make([]band, rows)
	var outside atomic.Bool
	c.FullRows(columns, rows, func(i int, row []float64) {
		var ok bool
		if bands[i], ok = bandOf(row, n); !ok {
			outside.Store(true)
		}
	})
	if outside.Load() {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	var out []*query.Series
	for i, s := range all {
		if anyOutside(columns[i], bands) {
			out = append(out, s)
		}
	}
	return out, nil
}

// anyOutside reports whether a value is not in its band; null is in none.
func anyOutside(values []float64, bands []band) bool {
	for i, v := range values {
		if !bands[i].has(v) {
			return true
		}
	}
	return false
}
