package functions

import (
	"math"
	"math/bits"
	"slices"
	"sort"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// slide returns, for each value but the first n, agg of the n before it.
func slide(c *query.Call, values []float64, n int, agg *query.Agg, factor float64) []float64 {
	if n = min(n, len(values)); n <= 0 {
		return c.MakeNull(len(values) - n) // such windows hold nothing, and there are more of them than values
	}
	out := c.Make(len(values) - n)
	gaps, mean := int(query.Count(values)) < len(values), false
	switch agg.Name { // out[i] is of values[i:i+n]; what it is of nulls alone does not matter
	case "min", "max":
		slideExtreme(values, out, n, agg.Name == "max")
	case "median":
		slideMedian(c, values, out, n)
	case "sum", "total":
		slideSum(c, values, out, n, gaps, 1)
	case "average", "avg", "avg_zero": // nulls are not there, so that they are no zeros either
		if mean = gaps; gaps {
			slideSum(c, values, out, n, gaps, 1)
		} else {
			slideSum(c, values, out, n, gaps, float64(n))
		}
	default:
		slideAny(c, values, out, n, agg.Of)
	}
	if gaps || !query.Xff(n, n, factor) {
		finish(values, out, n, factor, mean)
	}
	return out
}

// inParts goes through windows of n values by parts, and looks before each whether the client is still there. A part is a
// millisecond's work, and a multiple of eight.
func inParts(c *query.Call, windows, n int, fn func(from, to int)) {
	size := max(1<<20/n&^7, 8)
	for from := 0; from < windows; from += size {
		c.Alive()
		fn(from, min(from+size, windows))
	}
}

// slideAny has no better way than to look at each window.
func slideAny(c *query.Call, values, out []float64, n int, of func([]float64) float64) {
	full := make([]float64, 0, n)
	inParts(c, len(out), n, func(from, to int) {
		for i := from; i < to; i++ {
			full = query.NotNull(full[:0], values[i:i+n])
			out[i] = of(full)
		}
	})
}

// finish makes windows null that have less than factor of their values, or none, and means of sums.
func finish(values, out []float64, n int, factor float64, mean bool) {
	least := 1 + sort.Search(n, func(k int) bool { return query.Xff(k+1, n, factor) })
	full := int(query.Count(values[:n]))
	for i := range out {
		switch {
		case full < least:
			out[i] = query.Null()
		case mean:
			out[i] /= float64(full)
		}
		full += one(values[i+n] == values[i+n]) - one(values[i] == values[i])
	}
}

// one is 1 for what is true; it needs no branch.
func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// slideSum makes sums, each by a number, as if they were added up from left to right. Where that does not round, what leaves a
// window can be taken from the sum before; elsewhere that would end in another last bit.
func slideSum(c *query.Call, values, out []float64, n int, gaps bool, by float64) {
	if gaps {
		values = zerosForNulls(c, values)
	}
	if !addExactly(values, n) {
		inParts(c, len(out), n, func(from, to int) { sumWindows(values[from:], out[from:to], n, by) })
		return
	}
	total := query.Sum(values[:n])
	for i := range out {
		out[i] = total / by
		total += values[i+n] - values[i]
	}
}

// zerosForNulls returns values with zeros for nulls, which add nothing to a sum.
func zerosForNulls(c *query.Call, values []float64) []float64 {
	full := c.Make(len(values))
	for i, v := range values {
		if v == v {
			full[i] = v
		}
	}
	return full
}

// addExactly reports whether no sum of n of values is rounded, in whatever order they are added: all are multiples of the same power of
// two, and such sums have no more than the 53 bits of a float64. Whole numbers are of that kind, and most decimals are not.
func addExactly(values []float64, n int) bool {
	const point = 52 // bits behind a float64's first one
	lowest, highest := math.MaxInt, 0
	for _, v := range values {
		if v == 0 {
			continue
		}
		b := math.Float64bits(v)
		exponent := int(b >> point & 0x7ff)
		if exponent == 0 || exponent == 0x7ff {
			return false // hardly a number
		}
		lowest = min(lowest, exponent+bits.TrailingZeros64(b|1<<point))
		highest = max(highest, exponent+point+1)
		if highest+bits.Len(uint(n)) > lowest+point+1 {
			return false
		}
	}
	return true
}

// sumWindows adds up eight windows at a time, each from left to right, and divides.
func sumWindows(values, out []float64, n int, by float64) {
	const k = 8
	for ; len(out) >= k; values, out = values[k:], out[k:] {
		var s0, s1, s2, s3, s4, s5, s6, s7 float64
		for i := range n {
			v := values[i : i+k : i+k]
			s0, s1, s2, s3 = s0+v[0], s1+v[1], s2+v[2], s3+v[3]
			s4, s5, s6, s7 = s4+v[4], s5+v[5], s6+v[6], s7+v[7]
		}
		out[0], out[1], out[2], out[3] = s0/by, s1/by, s2/by, s3/by
		out[4], out[5], out[6], out[7] = s4/by, s5/by, s6/by, s7/by
	}
	for i := range out {
		out[i] = query.Sum(values[i:i+n]) / by
	}
}

// slideExtreme makes the greatest, or the least, of each window. Values that a later one beats are forgotten, so that what is
// left is in order, and each is looked at twice (Lemire, Nordic Journal of Computing 13, 2006).
func slideExtreme(values, out []float64, n int, greatest bool) {
	best := make([]int, 0, n+1) // places of values, each better than those behind it
	head := 0
	for i := range len(out) + n - 1 {
		if v := values[i]; v == v {
			for len(best) > head && (greatest && values[best[len(best)-1]] <= v || !greatest && values[best[len(best)-1]] >= v) {
				best = best[:len(best)-1]
			}
			best = append(best, i)
		}
		if i < n-1 {
			continue
		}
		for head < len(best) && best[head] <= i-n {
			head++
		}
		if head > n { // make room again
			best, head = append(best[:0], best[head:]...), 0
		}
		if head < len(best) {
			out[i-n+1] = values[best[head]]
		}
	}
}

// slideMedian makes the median of each window, which is kept in order.
func slideMedian(c *query.Call, values, out []float64, n int) {
	window := query.NotNull(make([]float64, 0, n), values[:n])
	slices.Sort(window)
	inParts(c, len(out), n, func(from, to int) {
		for i := from; i < to; i++ {
			out[i] = middle(window)
			window = exchanged(window, values[i], values[i+n])
		}
	})
}

// middle is the median of values in rising order.
func middle(window []float64) float64 {
	switch n := len(window); {
	case n == 0:
		return query.Null()
	case n%2 == 0:
		return (window[n/2-1] + window[n/2]) / 2
	default:
		return window[n/2]
	}
}

// exchanged takes a value out of those in rising order, and puts another in; either may be null.
func exchanged(window []float64, old, v float64) []float64 {
	from, to := places(window, old, v)
	switch {
	case old != old && v != v:
	case old != old:
		return slices.Insert(window, to, v)
	case v != v:
		return slices.Delete(window, from, from+1)
	case from < to:
		copy(window[from:], window[from+1:to])
		window[to-1] = v
	default:
		copy(window[to+1:from+1], window[to:from])
		window[to] = v
	}
	return window
}

// places returns how many of values in rising order are less than a, and than b. It searches for both at once, and without
// branches, for these would go either way.
func places(window []float64, a, b float64) (forA, forB int) {
	n := len(window)
	for ; n > 1; n -= n / 2 {
		half := n / 2
		forA += half & -one(window[forA+half-1] < a)
		forB += half & -one(window[forB+half-1] < b)
	}
	if n == 1 {
		forA += one(window[forA] < a)
		forB += one(window[forB] < b)
	}
	return forA, forB
}
