package functions

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func percentiles() []query.Function {
	return []query.Function{
		{
			Name: "percentileOfSeries", Group: "Combine", Call: percentileOfSeries,
			Params: []query.Param{list, {Name: "n", Type: query.Float, Required: true}, {Name: "interpolate", Type: query.Boolean, Default: false}},
			Description: "The n-th percentile of all series at each time: of k values in rising order the one at n/100 * (k+1), rounded up, or with " +
				"interpolate between the two beside it.",
			Source: "method 6 of R. J. Hyndman and Y. Fan, The American Statistician 50(4), 1996",
		},
		removing("removeAbovePercentile", "Nulls for values over the n-th percentile of their series.", true),
		removing("removeBelowPercentile", "Nulls for values under the n-th percentile of their series.", false),
		removingValues("removeAboveValue", "Nulls for values over n.", true),
		removingValues("removeBelowValue", "Nulls for values under n.", false),
	}
}

// threshold is the parameter n of functions that look at values.
var threshold = query.Param{Name: "n", Type: query.Float, Required: true}

func percentileOfSeries(c *query.Call) ([]*query.Series, error) {
	n, all := c.Float("n"), c.Series("seriesList")
	if !(n > 0) {
		return nil, c.Errorf("The requested percent is required to be greater than 0")
	}
	grid, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	columns, rows := query.Columns(all)
	values, interpolate := c.Make(rows), c.Bool("interpolate")
	var outside atomic.Bool
	c.FullRows(columns, rows, func(i int, row []float64) {
		v, ok := percentile(row, n, interpolate)
		if values[i] = v; !ok {
			outside.Store(true)
		}
	})
	if outside.Load() {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	s := query.NewSeries("percentileOfSeries("+all[0].PathExpression+","+query.FormatG(n)+")", grid.Start, grid.End, grid.Step, values)
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

// percentile returns the n-th percentile of values, none of which is null, and whether there is such a one; null of none. It changes
// the order of values.
func percentile(values []float64, n float64, interpolate bool) (v float64, ok bool) {
	k := len(values)
	if k == 0 {
		return query.Null(), true
	}
	place := n / 100 * float64(k+1)
	rank := int(max(-1, min(place, float64(k)+2)))
	fraction := place - float64(rank)
	if !interpolate {
		rank += int(math.Ceil(fraction))
	}
	at := rank - 1
	switch {
	case rank == 0:
		at = 0
	case at == k:
		at = k - 1
	case rank < 0 || at > k:
		return query.Null(), false
	}
	v = query.Nth(values, at)
	if !interpolate || rank == k {
		return v, true
	}
	if rank > k {
		return query.Null(), false
	}
	return v + fraction*(query.Nth(values, rank)-v), true
}

// removing makes a function that removes values over or under a percentile of their series.
func removing(name, description string, above bool) query.Function {
	return query.Function{Name: name, Group: "Filter Data", Params: []query.Param{list, threshold}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			n, all := c.Float("n"), c.Series("seriesList")
			if n == 0 {
				return nil, c.Errorf("The requested percent is required to be greater than 0")
			}
			var outside atomic.Bool
			scratch := sync.Pool{New: func() any { return new([]float64) }}
			c.Each(all, func(_ int, s *query.Series) {
				rename(s, name, n)
				full := scratch.Get().(*[]float64)
				*full = query.NotNull((*full)[:0], s.Values)
				limit, ok := percentile(*full, n, false)
				scratch.Put(full)
				switch {
				case !ok:
					outside.Store(true)
				case !query.IsNull(limit):
					s.Tags = s.Tags.With("nPercentile", query.FormatFloat(n))
					remove(c, s, limit, above)
				}
			})
			if outside.Load() {
				return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
			}
			return all, nil
		}}
}

// remove makes values null that are over a limit, or under it.
func remove(c *query.Call, s *query.Series, limit float64, above bool) {
	to := s.Room(c, len(s.Values))
	if above {
		for i, v := range s.Values {
			to[i] = unless(v > limit, v)
		}
	} else {
		for i, v := range s.Values {
			to[i] = unless(v < limit, v)
		}
	}
	s.Replace(to)
}

// removingValues makes a function that removes values over or under a number.
func removingValues(name, description string, above bool) query.Function {
	return query.Function{Name: name, Group: "Filter Data", Params: []query.Param{list, threshold}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			n, all := c.Float("n"), c.Series("seriesList")
			c.Each(all, func(_ int, s *query.Series) {
				rename(s, name, n)
				remove(c, s, n, above)
			})
			return all, nil
		}}
}

// rename calls a series by the function that was applied to it.
func rename(s *query.Series, function string, n float64) {
	s.Name = function + "(" + s.Name + ", " + query.FormatG(n) + ")"
	s.PathExpression = s.Name
}
