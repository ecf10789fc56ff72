package query

import "math"

// consolidations are the names that consolidateBy may say.
var consolidations = map[string]func(values []float64, nulls int) float64{
	"":         mean,
	"average":  mean,
	"avg":      mean,
	"avg_zero": func(v []float64, nulls int) float64 { return sum(v) / float64(len(v)+nulls) },
	"sum":      func(v []float64, _ int) float64 { return sum(v) },
	"max":      func(v []float64, _ int) float64 { return largest(v) },
	"min":      func(v []float64, _ int) float64 { return least(v) },
	"first":    func(v []float64, _ int) float64 { return v[0] },
	"last":     func(v []float64, _ int) float64 { return v[len(v)-1] },
}

// CanConsolidate reports whether name is a way of making one value of several: average, avg,
// avg_zero, sum, max, min, first, last.
func CanConsolidate(name string) bool {
	_, ok := consolidations[name]
	return ok
}

// Consolidate appends one value for each n of values, the last for what remains. Nulls do not
// count, but in avg_zero as 0; a value is null where less than xff of n are there. What is no name
// of CanConsolidate counts as average.
func Consolidate(dst, values []float64, n int, how string, xff float64) []float64 {
	fn, ok := consolidations[how]
	if !ok {
		fn = mean
	}
	full := make([]float64, 0, min(n, len(values)))
	for len(values) > 0 {
		part := values[:min(n, len(values))]
		values = values[len(part):]
		full = full[:0]
		for _, v := range part {
			if !IsNull(v) {
				full = append(full, v)
			}
		}
		if len(full) == 0 || float64(len(full))/float64(n) < xff {
			dst = append(dst, Null)
			continue
		}
		dst = append(dst, fn(full, len(part)-len(full)))
	}
	return dst
}

func mean(v []float64, _ int) float64 { return sum(v) / float64(len(v)) }

// sum adds from left to right, as Python does up to 3.11.
func sum(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total
}

func largest(v []float64) float64 {
	m := math.Inf(-1)
	for _, x := range v {
		if x > m {
			m = x
		}
	}
	return m
}

func least(v []float64) float64 {
	m := math.Inf(1)
	for _, x := range v {
		if x < m {
			m = x
		}
	}
	return m
}
