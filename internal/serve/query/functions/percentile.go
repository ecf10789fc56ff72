package functions

import (
	"math"
	"slices"
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
				"interpolate between the two beside it (method 6 of Hyndman and Fan, 1996).",
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
	c.Split(rows, rows*len(all), func(from, to int) {
		fullRows(columns, from, to, func(i int, row []float64) {
			v, ok := percentile(row, n, interpolate)
			if values[i] = v; !ok {
				outside.Store(true)
			}
		})
	})
	if outside.Load() {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	s := query.NewSeries("percentileOfSeries("+all[0].PathExpression+","+query.FormatG(n)+")", grid.Start, grid.End, grid.Step, values)
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

// turned is how many rows are put together at a time: columns are read in cache lines.
const turned = 32

// fullRows calls fn with each row from..to of columns, without nulls; fn may change its order.
func fullRows(columns [][]float64, from, to int, fn func(i int, row []float64)) {
	k := len(columns)
	rows, n := make([]float64, turned*k), make([]int, turned)
	for ; from < to; from += turned {
		clear(n)
		for _, col := range columns {
			if from >= len(col) {
				continue
			}
			for i, v := range col[from:min(from+turned, to, len(col))] {
				if v == v {
					rows[i*k+n[i]] = v
					n[i]++
				}
			}
		}
		for i := range min(turned, to-from) {
			fn(from+i, rows[i*k:i*k+n[i]])
		}
	}
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
	v = nth(values, at)
	if !interpolate || rank == k {
		return v, true
	}
	if rank > k {
		return query.Null(), false
	}
	return v + fraction*(nth(values, rank)-v), true
}

// sampleFrom is the length from which on nth looks at a sample first; with less it saves nothing.
const sampleFrom = 2000

// maxRounds bounds what values in a malicious order cost: some 30 rounds are usual for a million.
const maxRounds = 100

// nth returns the value that would be at place k if values were in rising order; those under it are before it then,
// those over it behind. It is Floyd and Rivest's selection (CACM 18(3), 1975, algorithm 489): a pivot that a sample
// shows to be near place k leaves little of either side, and branches that go one way mostly.
func nth(values []float64, k int) float64 {
	from, to := 0, len(values)-1
	for rounds := 0; from < to; rounds++ {
		if rounds == maxRounds {
			slices.Sort(values[from : to+1])
			return values[k]
		}
		if to-from > sampleFrom {
			sampled(values, from, to, k)
		}
		i, j := partition(values, from, to, values[k])
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

// sampled puts at place k what is at the place that belongs to it in a sample around k.
func sampled(values []float64, from, to, k int) {
	n, i := float64(to-from+1), float64(k-from+1)
	z := math.Log(n)
	size := 0.5 * math.Exp(2*z/3)
	spread := 0.5 * math.Sqrt(z*size*(n-size)/n)
	if i < n/2 {
		spread = -spread
	}
	low := max(from, int(float64(k)-i*size/n+spread))
	high := min(to, int(float64(k)+(n-i)*size/n+spread))
	if low <= k && k <= high {
		nth(values[low:high+1], k-low)
	}
}

// partition puts what is under pivot before place i, what is over it behind place j, of from..to.
func partition(values []float64, from, to int, pivot float64) (i, j int) {
	i, j = from, to
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
	return i, j
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
				*full = notNull((*full)[:0], s.Values)
				limit, ok := percentile(*full, n, false)
				scratch.Put(full)
				switch {
				case !ok:
					outside.Store(true)
				case !query.IsNull(limit):
					s.Tags = s.Tags.With("nPercentile", query.FormatFloat(n))
					remove(s.Own(c), limit, above)
				}
			})
			if outside.Load() {
				return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
			}
			return all, nil
		}}
}

// remove makes values null that are over a limit, or under it.
func remove(values []float64, limit float64, above bool) {
	if above {
		for i, v := range values {
			if v > limit {
				values[i] = query.Null()
			}
		}
		return
	}
	for i, v := range values {
		if v < limit {
			values[i] = query.Null()
		}
	}
}

// removingValues makes a function that removes values over or under a number.
func removingValues(name, description string, above bool) query.Function {
	return query.Function{Name: name, Group: "Filter Data", Params: []query.Param{list, threshold}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			n, all := c.Float("n"), c.Series("seriesList")
			c.Each(all, func(_ int, s *query.Series) {
				rename(s, name, n)
				remove(s.Own(c), n, above)
			})
			return all, nil
		}}
}

// rename calls a series by the function that was applied to it.
func rename(s *query.Series, function string, n float64) {
	s.Name = function + "(" + s.Name + ", " + query.FormatG(n) + ")"
	s.PathExpression = s.Name
}
