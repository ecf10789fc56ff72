package query

import (
	"math"
	"slices"
	"strings"
)

// Agg makes one value of several. Its functions do not change what they are given.
type Agg struct {
	Name string // as graphite-web's table has it; an alias has its own
	// Of returns what values make, null when that is nothing. Nulls among values do not count, but for
	// avg_zero, and for multiply, which is null with one.
	Of func(values []float64) float64
	// Whole says that the result is Python's int: a count.
	Whole bool
	// Real says that the result is Python's float also of ints.
	Real bool

	// add takes a series into rows' totals, if there is such a way; else rows are put together for Of. n are
	// the values before, without nulls, of each row.
	add func(total, values []float64, n []int32)
	// full is Of for values of which none is null, and whose order it may change; nil: Of.
	full func(values []float64) float64
	// done makes results of totals; nil: they are.
	done func(total []float64, n []int32, series int)
}

// AggByName returns the function of a name: average, avg, avg_zero, median, sum, total, min, max, diff, stddev, count,
// range, rangeOf, multiply, last, current; each also with Series behind it. The error is an *InputError.
func AggByName(name string) (*Agg, error) {
	for i := range aggs {
		if aggs[i].Name == name {
			return &aggs[i], nil
		}
	}
	if short, ok := strings.CutSuffix(name, "Series"); ok {
		for i := range aggs {
			if aggs[i].Name == short {
				return &aggs[i], nil
			}
		}
	}
	return nil, &InputError{Message: "Unsupported aggregation function: " + name}
}

// AggNames returns the names that AggByName knows, without those that end in Series, sorted.
func AggNames() []string {
	list := make([]string, len(aggs))
	for i := range aggs {
		list[i] = aggs[i].Name
	}
	slices.Sort(list)
	return list
}

var aggs = []Agg{
	{Name: "average", Of: Average, Real: true, add: addSum, done: divide},
	{Name: "avg", Of: Average, Real: true, add: addSum, done: divide},
	{Name: "avg_zero", Of: averageZero, Real: true, add: addSum, done: divideByAll},
	{Name: "median", Of: Median, full: medianOf},
	{Name: "sum", Of: Sum, add: addSum},
	{Name: "total", Of: Sum, add: addSum},
	{Name: "min", Of: Min, add: addMin},
	{Name: "max", Of: Max, add: addMax},
	{Name: "diff", Of: Diff, add: addDiff},
	{Name: "stddev", Of: StdDev, Real: true},
	{Name: "count", Of: Count, Whole: true, add: addNothing, done: counts},
	{Name: "range", Of: Range, Real: true},
	{Name: "rangeOf", Of: Range, Real: true},
	{Name: "multiply", Of: Multiply, add: addProduct, done: nullIfMissing},
	{Name: "last", Of: Last, add: addLast},
	{Name: "current", Of: Last, add: addLast},
}

// Sum returns the sum of values, added from left to right.
func Sum(values []float64) float64 {
	total, n := 0.0, 0
	for _, v := range values {
		if v == v {
			total += v
			n++
		}
	}
	return unlessEmpty(total, n)
}

// Average returns the mean.
func Average(values []float64) float64 {
	total, n := 0.0, 0
	for _, v := range values {
		if v == v {
			total += v
			n++
		}
	}
	return total / float64(n) // 0/0 is null
}

func averageZero(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		if v == v {
			total += v
		}
	}
	return total / float64(len(values))
}

// Median returns the middle one, or the mean of the two in the middle.
func Median(values []float64) float64 {
	return medianOf(NotNull(make([]float64, 0, len(values)), values))
}

func medianOf(full []float64) float64 {
	n := len(full)
	if n == 0 {
		return Null()
	}
	middle := Nth(full, n/2)
	if n%2 == 0 {
		return (Max(full[:n/2]) + middle) / 2
	}
	return middle
}

// Min returns the least.
func Min(values []float64) float64 {
	m := Null()
	for _, v := range values {
		if v < m || m != m {
			m = v
		}
	}
	return m
}

// Max returns the greatest.
func Max(values []float64) float64 {
	m := Null()
	for _, v := range values {
		if v > m || m != m {
			m = v
		}
	}
	return m
}

// Diff returns the first less all others.
func Diff(values []float64) float64 {
	total, n := 0.0, 0
	for _, v := range values {
		switch {
		case v != v:
			continue
		case n == 0:
			total = v
		default:
			total -= v
		}
		n++
	}
	return unlessEmpty(total, n)
}

// StdDev returns the standard deviation of all values, not of a sample.
func StdDev(values []float64) float64 {
	mean := Average(values)
	squares, n := 0.0, 0
	for _, v := range values {
		if v == v {
			squares += (v - mean) * (v - mean)
			n++
		}
	}
	return math.Sqrt(squares / float64(n))
}

// Count returns how many values are not null.
func Count(values []float64) float64 {
	n := 0
	for _, v := range values {
		if v == v {
			n++
		}
	}
	return float64(n)
}

// Range returns the greatest less the least.
func Range(values []float64) float64 { return Max(values) - Min(values) }

// Multiply returns the product, null when a value is.
func Multiply(values []float64) float64 {
	product := 1.0
	for _, v := range values {
		product *= v
	}
	return product
}

// Last returns the last that is not null.
func Last(values []float64) float64 {
	for i := len(values) - 1; i >= 0; i-- {
		if v := values[i]; v == v {
			return v
		}
	}
	return Null()
}

// NotNull appends those of values that are not null.
func NotNull(dst, values []float64) []float64 {
	for _, v := range values {
		if v == v {
			dst = append(dst, v)
		}
	}
	return dst
}

func unlessEmpty(v float64, n int) float64 {
	if n == 0 {
		return Null()
	}
	return v
}
