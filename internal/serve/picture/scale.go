package picture

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// epsilon is by how much of a step a bound may be missed: less than can be seen.
const epsilon = 1e-4

// A scale maps values to heights between bottom and top, and has the values at
// which there are labels and lines.
type scale struct {
	bottom, top float64
	step        float64 // of a linear scale
	log         float64 // base of a logarithmic one, 0 for a linear one
	values      []float64
	labels      []string
	minor       []float64
}

// A request says what a scale is to look like.
type request struct {
	Axis
	system   string
	divisors []int
	log      float64
	height   float64 // pixels
	line     float64 // pixels that a label needs
	minor    *int
}

// newScale makes the scale for data from low to high.
func newScale(low, high float64, q request) *scale {
	var s *scale
	if q.log > 0 {
		s = logarithmic(low, high, q)
	} else {
		s = linear(low, high, q)
	}
	s.thin(q)
	return s
}

// bounds applies what was asked for; fixed are bounds that must not be rounded.
func (q *request) bounds(low, high float64) (l, h float64, lowFixed, highFixed bool) {
	if q.Min != nil {
		low, lowFixed = *q.Min, true
	}
	if q.Max != nil {
		high, highFixed = *q.Max, true
	}
	if q.Limit != nil && *q.Limit < high {
		high, highFixed = *q.Limit, true
	}
	if low < high {
		return low, high, lowFixed, highFixed || q.MaxOfData
	}
	near := func(v float64) float64 {
		if math.Abs(v) < 1e-9 {
			return 1
		}
		return math.Abs(v) / 10
	}
	switch {
	case lowFixed:
		high, highFixed = low+near(low), false
	case highFixed:
		low = high - near(high)
	default:
		d := near(math.Max(math.Abs(low), math.Abs(high)))
		low, high = (low+high)/2-d, (low+high)/2+d
	}
	return low, high, lowFixed, highFixed
}

// linear rounds the bounds to steps of which there are as many as divisors
// says, with the least room wasted.
func linear(low, high float64, q request) *scale {
	low, high, lowFixed, highFixed := q.bounds(low, high)
	s := &scale{bottom: low, top: high}
	if q.Step != nil {
		s.step = *q.Step
	}
	if s.step == 0 || (high-low)/s.step > 1000 { // as many lines as pixels
		s.step = chooseStep(low, high, q)
	}
	if !lowFixed {
		s.bottom = s.step * math.Floor(low/s.step+epsilon)
	}
	if !highFixed {
		s.top = s.step * math.Ceil(high/s.step-epsilon)
		if q.Limit != nil {
			s.top = math.Min(s.top, *q.Limit)
		}
	}
	if !(s.top > s.bottom) { // values of which the steps are too small for a float64
		s.bottom, s.top = low, high
	}
	first := math.Ceil(s.bottom/s.step - epsilon)
	for i := 0.0; i <= 1001; i++ {
		v := (first + i) * s.step
		if v > s.top+epsilon*s.step {
			break
		}
		s.values = append(s.values, v)
	}
	u := axisUnit(q.system, s.bottom, s.top, s.step)
	for _, v := range s.values {
		s.labels = append(s.labels, u.label(v, s.step))
	}
	return s
}

// chooseStep finds the round step with which some divisor covers low to high
// and leaves least over at the worse end.
func chooseStep(low, high float64, q request) float64 {
	divisors := q.divisors
	if len(divisors) == 0 {
		divisors = suitable(q.height, q.line)
	}
	most, fewest := float64(slices.Max(divisors)), float64(slices.Min(divisors))
	span := high - low
	best, left := 0.0, math.Inf(1)
	for step := range steps(q.system, span/most) {
		if step*fewest >= 2*left+span {
			break
		}
		bottom := step * math.Floor(low/step+epsilon)
		for _, d := range divisors {
			top := bottom + step*float64(d)
			if over := math.Max(top-high, low-bottom); top >= high-epsilon*step && over < left {
				best, left = step, over
			}
		}
	}
	if best == 0 { // a span at the end of what a float64 holds
		return span
	}
	return best
}

// suitable is how many steps an axis may have when nobody says: graphite-web's
// 4 to 6 and 7, which often fits data on both sides of zero; fewer where labels would
// touch, more on tall ones.
func suitable(height, line float64) []int {
	switch fits := height / (line * 1.6); {
	case fits < 3:
		return []int{1, 2}
	case fits < 5:
		return []int{2, 3}
	case fits < 7:
		return []int{3, 4, 5}
	case fits < 40:
		return []int{4, 5, 6, 7}
	}
	return []int{6, 7, 8, 9, 10}
}

// steps yields round steps from least on: powers of 2 for binary units, seconds
// and minutes as on a clock for those of time, else 1, 2 and 5 in each decade.
func steps(system string, least float64) func(yield func(float64) bool) {
	return func(yield func(float64) bool) {
		if !(least > 0) || math.IsInf(least, 0) {
			return
		}
		base, parts := 10.0, []float64{1, 2, 5}
		second := 0.0
		switch strings.ToLower(system) {
		case "binary":
			base, parts = 2, []float64{1}
		case "sec":
			second = 1
		case "msec":
			second = 1000
		}
		if second > 0 && least > second*2 {
			for _, t := range []float64{5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600,
				86400, 2 * 86400, 5 * 86400, 10 * 86400, 30 * 86400, 60 * 86400, 180 * 86400} {
				if t *= second; t >= least*(1-epsilon) && !yield(t) {
					return
				}
			}
			parts = []float64{365 * 86400 * second, 2 * 365 * 86400 * second, 5 * 365 * 86400 * second}
			least = math.Max(least, parts[0])
		}
		first := math.Floor(math.Log(least/parts[0]) / math.Log(base))
		for e := first - 1; e < first+12; e++ {
			for _, p := range parts {
				if v := p * math.Pow(base, e); v >= least*(1-epsilon) && !yield(v) {
					return
				}
			}
		}
	}
}

// logarithmic goes from power to power of the base. What is not above 0 has no
// place on it; without anything above it there is one power from 1.
func logarithmic(low, high float64, q request) *scale {
	low, high, lowFixed, highFixed := q.bounds(low, high)
	if !(high > 0) {
		high = 1
	}
	if !(low > 0) {
		low = math.Min(1, high/q.log)
	}
	power := func(v float64) float64 { return math.Log(v) / math.Log(q.log) }
	first, last := math.Floor(power(low)+epsilon), math.Ceil(power(high)-epsilon)
	first = math.Max(first, math.Ceil(power(1e-300)))
	if last <= first {
		last = first + 1
	}
	s := &scale{log: q.log, bottom: math.Pow(q.log, first), top: math.Pow(q.log, last)}
	if lowFixed && low < s.top {
		s.bottom = math.Max(low, s.bottom)
	}
	if highFixed && high > s.bottom {
		s.top = math.Min(high, s.top)
	}
	for e := first; e <= last && len(s.values) < 1000; e++ {
		v := math.Pow(q.log, e)
		if v < s.bottom*(1-epsilon) || v > s.top*(1+epsilon) {
			continue
		}
		s.values = append(s.values, v)
		s.labels = append(s.labels, logLabel(v, q.system))
	}
	return s
}

func logLabel(v float64, system string) string {
	u := axisUnit(system, v, v, v)
	return strings.TrimSpace(strconv.FormatFloat(v/u.size, 'g', 4, 64) + " " + u.suffix)
}

// place is where between bottom (0) and top (1) a value lies; NaN is nowhere.
func (s *scale) place(v float64) float64 {
	if s.log == 0 {
		return (v - s.bottom) / (s.top - s.bottom)
	}
	if v <= 0 {
		return math.NaN()
	}
	return math.Log(v/s.bottom) / math.Log(s.top/s.bottom)
}

// thin leaves out labels that would touch others, and adds the finer lines
// where there is room.
func (s *scale) thin(q request) {
	if len(s.values) < 2 {
		return
	}
	apart := q.height * (s.place(s.values[1]) - s.place(s.values[0]))
	every := 1
	for apart*float64(every) < q.line*1.15 && every < len(s.values) {
		every++
	}
	if every > 1 {
		var values []float64
		var labels []string
		for i := 0; i < len(s.values); i += every {
			values, labels = append(values, s.values[i]), append(labels, s.labels[i])
		}
		s.values, s.labels = values, labels
		return
	}
	s.finer(apart, q.minor)
}

// finer sets the minor lines: MinorY of them between two labels, in the middle
// without; on a logarithmic scale at the multiples of each power.
func (s *scale) finer(apart float64, count *int) {
	n := 1
	if count != nil {
		n = *count
	}
	if count == nil && s.log == math.Trunc(s.log) && s.log > 2 && s.log <= 10 && apart > 6*s.log {
		for _, v := range s.values[:len(s.values)-1] {
			for m := 2.0; m < s.log; m++ {
				s.minor = append(s.minor, v*m)
			}
		}
		return
	}
	if apart < 4*float64(n+1) {
		return
	}
	for i, v := range s.values[:len(s.values)-1] {
		for m := range n {
			s.minor = append(s.minor, v+(s.values[i+1]-v)*float64(m+1)/float64(n+1))
		}
	}
}
