package functions

import (
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// slideExtreme puts into out the greatest, or the least, of each n values before one. Values that a later one beats are
// forgotten, so that what is left is in order, and each is looked at twice (Lemire, Nordic Journal of Computing 13, 2006).
func slideExtreme(values, out []float64, n int, factor float64, greatest bool) {
	best := make([]int, 0, n+1) // places of values, each better than those behind it
	full, head := 0, 0
	for i := range len(out) + n - 1 {
		if v := values[i]; v == v {
			full++
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
		k := i - n + 1
		out[k] = query.Null()
		if query.Xff(full, n, factor) {
			out[k] = values[best[head]]
		}
		if old := values[k]; old == old {
			full--
		}
	}
}

// slideMedian puts into out the median of each n values before one; the window is kept in order.
func slideMedian(values, out []float64, n int, factor float64) {
	window := make([]float64, 0, n)
	for i := range len(out) + n - 1 {
		if v := values[i]; v == v {
			at, _ := slices.BinarySearch(window, v)
			window = slices.Insert(window, at, v)
		}
		if i < n-1 {
			continue
		}
		k, full := i-n+1, len(window)
		out[k] = query.Null()
		if query.Xff(full, n, factor) {
			out[k] = window[full/2]
			if full%2 == 0 {
				out[k] = (window[full/2-1] + window[full/2]) / 2
			}
		}
		if old := values[k]; old == old {
			at, _ := slices.BinarySearch(window, old)
			window = slices.Delete(window, at, at+1)
		}
	}
}
