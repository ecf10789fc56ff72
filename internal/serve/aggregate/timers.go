package aggregate

import (
	"math"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// timerCalc computes the fields of timers. It is owned by who flushes.
type timerCalc struct {
	perSecond float64 // what a count is divided by
	percents  []percent
	bins      []binned
	wanted    map[string]bool // nil: all

	sums, squares []float64 // cumulative, as node adds up
}

// percent is a percentile with the names of its fields.
type percent struct {
	p      float64 // of 100; of the largest unless above 0
	fields [5]string
}

// The fields of a percentile, in node's order.
var percentFields = [...]string{"count_", "mean_", "upper_", "sum_", "sum_squares_"}

var percentMethods = [...]metric.Method{metric.Sum, metric.Average, metric.Max, metric.Sum, metric.Sum}

// binned is a histogram with the names of its fields.
type binned struct {
	metric string
	ends   []float64
	fields []string
}

func newTimerCalc(c *NodeConfig) timerCalc {
	t := timerCalc{perSecond: float64(c.FlushInterval) / 1000}
	if c.CalculatedTimerMetrics != nil {
		t.wanted = map[string]bool{}
		for _, name := range c.CalculatedTimerMetrics {
			t.wanted[name] = true
		}
	}
	for _, p := range *c.PercentThreshold {
		t.percents = append(t.percents, t.newPercent(p))
	}
	if t.wanted == nil || t.wanted["histogram"] {
		t.bins = newBinned(c.Histogram)
	}
	return t
}

func (t *timerCalc) newPercent(p float64) percent {
	text := strings.Replace(string(appendJS(nil, p)), ".", "_", 1)
	text = strings.Replace(text, "-", "top", 1)
	pct := percent{p: p}
	for i, f := range percentFields {
		if p <= 0 && f == "upper_" { // node has 0 among the largest
			f = "lower_"
		}
		if t.wants(f + "percent") {
			pct.fields[i] = "." + f + text
		}
	}
	return pct
}

func newBinned(list []Histogram) (bins []binned) {
	for _, h := range list {
		b := binned{metric: h.Metric, ends: h.Bins}
		for _, end := range h.Bins {
			text := "inf"
			if !math.IsInf(end, 1) {
				text = strings.Replace(string(appendJS(nil, end)), ".", "_", 1)
			}
			b.fields = append(b.fields, ".histogram.bin_"+text)
		}
		bins = append(bins, b)
	}
	return bins
}

func (t *timerCalc) wants(field string) bool { return t.wanted == nil || t.wanted[field] }

// perSecondField is the rate of a timer's values.
const perSecondField = ".count_ps"

// timerOut takes a field, ".mean", of the timer under way.
type timerOut func(field string, how metric.Method, v float64)

// fields computes what is sent of a timer in an interval.
func (t *timerCalc) fields(name string, c *timerCell, put timerOut) {
	send := func(field string, how metric.Method, v float64) {
		if t.wants(field[1:]) {
			put(field, how, v)
		}
	}
	send(".count", metric.Sum, c.count)
	send(perSecondField, metric.Average, c.count/t.perSecond)
	if len(c.values) == 0 && c.big == nil {
		return
	}
	if c.big != nil {
		t.sketched(c, put, send)
	} else {
		t.exact(c.values, put, send)
	}
	t.histogram(name, c, put)
}

// exact computes from all values, in node's order, so that sums have its digits.
func (t *timerCalc) exact(v []float64, put, send timerOut) {
	slices.Sort(v)
	n := len(v)
	t.accumulate(v)
	for i := range t.percents {
		if k := t.percents[i].rank(n); k > 0 {
			t.percent(&t.percents[i], v, k, put)
		}
	}
	sum := t.sums[n-1]
	mean := sum / float64(n)
	squares := 0.0
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	median := v[n/2]
	if n%2 == 0 {
		median = (v[n/2-1] + v[n/2]) / 2
	}
	send(".std", metric.Average, math.Sqrt(squares/float64(n)))
	send(".upper", metric.Max, v[n-1])
	send(".lower", metric.Min, v[0])
	send(".sum", metric.Sum, sum)
	send(".sum_squares", metric.Sum, t.squares[n-1])
	send(".mean", metric.Average, mean)
	send(".median", metric.Average, median)
}

func (t *timerCalc) accumulate(v []float64) {
	t.sums, t.squares = t.sums[:0], t.squares[:0]
	sum, squares := 0.0, 0.0
	for _, x := range v {
		sum += x
		squares += x * x
		t.sums, t.squares = append(t.sums, sum), append(t.squares, squares)
	}
}

// rank returns how many of n values the percentile is of.
func (p *percent) rank(n int) int {
	if n == 1 {
		return 1
	}
	return min(n, int(math.Floor(math.Abs(p.p)/100*float64(n)+.5)))
}

// percent computes the fields of the k smallest or largest of v.
func (t *timerCalc) percent(p *percent, v []float64, k int, put timerOut) {
	n := len(v)
	end, sum, squares := v[k-1], t.sums[k-1], t.squares[k-1]
	if p.p <= 0 {
		end, sum, squares = v[n-k], t.sums[n-1], t.squares[n-1]
		if k < n {
			sum, squares = sum-t.sums[n-k-1], squares-t.squares[n-k-1]
		}
	}
	p.put(put, k, end, sum, squares)
}

func (p *percent) put(put timerOut, k int, end, sum, squares float64) {
	for i, v := range [...]float64{float64(k), sum / float64(k), end, sum, squares} {
		how := percentMethods[i]
		if i == 2 && p.p <= 0 {
			how = metric.Min
		}
		if p.fields[i] != "" {
			put(p.fields[i], how, v)
		}
	}
}

// sketched computes from a sketch: sums are exact, ranks within 1 %.
func (t *timerCalc) sketched(c *timerCell, put, send timerOut) {
	c.spill()
	b := &c.big.bucket
	n := int(b.Count)
	for i := range t.percents {
		p := &t.percents[i]
		if k := p.rank(n); k > 0 {
			end, sum, squares := c.big.part(k, p.p <= 0)
			p.put(put, k, end, sum, squares)
		}
	}
	low, _, _ := c.big.part((n+1)/2, false)
	high, _, _ := c.big.part(n/2+1, false)
	send(".std", metric.Average, math.Sqrt(b.Variance()))
	send(".upper", metric.Max, b.Max)
	send(".lower", metric.Min, b.Min)
	send(".sum", metric.Sum, b.Sum)
	send(".sum_squares", metric.Sum, c.big.squares)
	send(".mean", metric.Average, b.Mean())
	send(".median", metric.Average, (low+high)/2)
}

// part returns the end and the sums of the k smallest or largest values.
func (s *sketch) part(k int, largest bool) (end, sum, squares float64) {
	n := int(s.bucket.Count)
	if k == n {
		if largest {
			return s.bucket.Min, s.bucket.Sum, s.squares
		}
		return s.bucket.Max, s.bucket.Sum, s.squares
	}
	if largest {
		below, sum, squares := s.part(n-k, false)
		return below, s.bucket.Sum - sum, s.squares - squares
	}
	left := k
	s.dist.Bins(func(v float64, n uint64) bool {
		v = max(s.bucket.Min, min(s.bucket.Max, v))
		m := float64(min(uint64(left), n))
		end, sum, squares = v, sum+v*m, squares+v*v*m
		left -= int(m)
		return left > 0
	})
	return end, sum, squares
}

// histogram counts the values of each bin: from the end of the one before it,
// inclusive, to its own, exclusive.
func (t *timerCalc) histogram(name string, c *timerCell, put timerOut) {
	i := slices.IndexFunc(t.bins, func(b binned) bool { return strings.Contains(name, b.metric) })
	if i < 0 || len(t.bins[i].ends) == 0 {
		return
	}
	b := &t.bins[i]
	counts := make([]float64, len(b.ends))
	add := func(v float64, n uint64) bool {
		i, found := slices.BinarySearch(b.ends, v)
		i += one(found)
		if i < len(counts) {
			counts[i] += float64(n)
		}
		return true
	}
	if c.big != nil {
		c.big.dist.Bins(add)
	} else {
		for _, v := range c.values {
			add(v, 1)
		}
	}
	for i, n := range counts {
		put(b.fields[i], metric.Sum, n)
	}
}
