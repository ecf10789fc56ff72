package functions

import (
	"math"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var percentiles = []query.Function{
	{
		Name: "percentileOfSeries", Group: "Combine", Call: percentileOfSeries,
		Params: []query.Param{list, {Name: "n", Type: query.Float, Required: true}, {Name: "interpolate", Type: query.Boolean, Default: false}},
		Description: "The n-th percentile of all series at each time: of k values in rising order the one at n/100 * (k+1), rounded up, or with " +
			"interpolate between the two beside it (method 6 of Hyndman and Fan, 1996).",
	},
	removing("removeAbovePercentile", "Nulls for values over the n-th percentile of their series.", true),
	removing("removeBelowPercentile", "Nulls for values under the n-th percentile of their series.", false),
	removingValues("removeAboveValue", "Nulls for values over n.", func(v, n float64) bool { return v > n }),
	removingValues("removeBelowValue", "Nulls for values under n.", func(v, n float64) bool { return v < n }),
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
	full, interpolate, outside := make([]float64, 0, len(all)), c.Bool("interpolate"), false
	values := c.Rows(all, func(row []float64) float64 {
		full = notNull(full[:0], row)
		v, ok := percentile(full, n, interpolate)
		outside = outside || !ok
		return v
	})
	if outside {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	s := query.NewSeries("percentileOfSeries("+all[0].PathExpression+","+query.FormatG(n)+")", grid.Start, grid.End, grid.Step, values)
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

// notNull appends those of values that are not null.
func notNull(dst, values []float64) []float64 {
	for _, v := range values {
		if v == v {
			dst = append(dst, v)
		}
	}
	return dst
}

// percentile returns the n-th percentile of values, none of which is null, and whether there is such a one; null of none. It changes
// the order of values.
func percentile(values []float64, n float64, interpolate bool) (v float64, ok bool) {
	k := len(values)
	if k == 0 {
		return query.Null, true
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
		return query.Null, false
	}
	v = nth(values, at)
	if !interpolate || rank == k {
		return v, true
	}
	if rank > k {
		return query.Null, false
	}
	return v + fraction*(nth(values, rank)-v), true
}

// nth returns the value that would be at place k if values were in rising order, by Hoare's selection (1961); those under it are before
// it then, those over it behind.
func nth(values []float64, k int) float64 {
	from, to := 0, len(values)-1
	for from < to {
		pivot := middle(values[from], values[(from+to)/2], values[to])
		i, j := from, to
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			to = j
		case k >= i:
			from = i
		default:
			return values[k]
		}
	}
	return values[k]
}

// middle returns the second greatest of three.
func middle(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// removing makes a function that removes values over or under a percentile of their series.
func removing(name, description string, above bool) query.Function {
	return query.Function{Name: name, Group: "Filter Data", Params: []query.Param{list, threshold}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			n, all := c.Float("n"), c.Series("seriesList")
			if n == 0 {
				return nil, c.Errorf("The requested percent is required to be greater than 0")
			}
			outside := make([]bool, len(all))
			c.Each(all, func(i int, s *query.Series) {
				rename(s, name, n)
				limit, ok := percentile(notNull(c.Make(len(s.Values))[:0], s.Values), n, false)
				if outside[i] = !ok; !ok || query.IsNull(limit) {
					return
				}
				s.Tags = s.Tags.With("nPercentile", query.FormatFloat(n))
				remove(s.Own(c), limit, above)
			})
			for _, o := range outside {
				if o {
					return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
				}
			}
			return all, nil
		}}
}

func remove(values []float64, limit float64, above bool) {
	for i, v := range values {
		if above && v > limit || !above && v < limit {
			values[i] = query.Null
		}
	}
}

// removingValues makes a function that removes values for which beyond holds.
func removingValues(name, description string, beyond func(v, n float64) bool) query.Function {
	return query.Function{Name: name, Group: "Filter Data", Params: []query.Param{list, threshold}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			n, all := c.Float("n"), c.Series("seriesList")
			c.Each(all, func(_ int, s *query.Series) {
				rename(s, name, n)
				values := s.Own(c)
				for i, v := range values {
					if beyond(v, n) {
						values[i] = query.Null
					}
				}
			})
			return all, nil
		}}
}

// rename calls a series by the function that was applied to it.
func rename(s *query.Series, function string, n float64) {
	s.Name = function + "(" + s.Name + ", " + query.FormatG(n) + ")"
	s.PathExpression = s.Name
}
