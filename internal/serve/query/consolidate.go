package query

import "math"

// consolidation returns what a name means that consolidateBy may say, nil for others.
func consolidation(name string) func(values []float64, nulls int) float64 {
	switch name {
	case "", "average", "avg":
		return mean
	case "avg_zero":
		return func(v []float64, nulls int) float64 { return sum(v) / float64(len(v)+nulls) }
	case "sum":
		return func(v []float64, _ int) float64 { return sum(v) }
	case "max":
		return func(v []float64, _ int) float64 { return largest(v) }
	case "min":
		return func(v []float64, _ int) float64 { return least(v) }
	case "first":
		return func(v []float64, _ int) float64 { return v[0] }
	case "last":
		return func(v []float64, _ int) float64 { return v[len(v)-1] }
	}
	return nil
}

// CanConsolidate reports whether name is a way of making one value of several: average, avg,
// avg_zero, sum, max, min, first, last.
func CanConsolidate(name string) bool {
	return consolidation(name) != nil
}

// Consolidate appends one value for each n of values, the last for what remains. Nulls do not
// count, but in avg_zero as 0; a value is null where less than xff of n are there. What is no name
// of CanConsolidate counts as average.
func Consolidate(dst, values []float64, n int, how string, xff float64) []float64 {
	fn := consolidation(how)
	if fn == nil {
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
			dst = append(dst, Null())
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
