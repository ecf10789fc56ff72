// Package metric holds the vocabulary that all of logmetrics shares: what a
// series, a bucket, a sample and a batch are, how one worker records values
// without locks or allocations, and the one encoding in which batches are kept
// and sent.
//
// It promises that recording the same lines gives the same samples for any
// number of workers and any cut of the log into blocks (see [Recorder.Merge]
// for how equal). It knows nothing of logs, files, clocks or networks, and
// imports only the standard library. Start from [Recorder].
package metric

// Kind says how the values of a series combine during an interval.
type Kind uint8

// The kinds. Their numbers are part of the batch encoding.
const (
	Counter Kind = iota // how many, or how much: values add up
	Gauge               // a level: the last value in the log stands
	Timer               // a distribution of durations, in seconds
	Set                 // how many distinct members
	kinds
)

// String returns the kind's name as flags, docs and messages spell it.
func (k Kind) String() string {
	switch k {
	case Counter:
		return "counter"
	case Gauge:
		return "gauge"
	case Timer:
		return "timer"
	case Set:
		return "set"
	}
	return "unknown"
}

// Form says how outputs write a value as text.
type Form uint8

// The forms. Their numbers are part of the batch encoding.
const (
	Shortest Form = iota // the shortest decimal that reads back as the same float64
	PyInt                // as Python's str() writes an int: "97"
	PyFloat              // as Python's str() writes a float: "97.0", "1e-05"
	forms
)

// Tag is one key and value that tell series of the same name apart.
type Tag struct{ Key, Value string }

// Tags are sorted by key; keys are unique.
type Tags []Tag

// Get returns the value of key and whether it is there.
func (t Tags) Get(key string) (string, bool) {
	for i := range t {
		if t[i].Key == key {
			return t[i].Value, true
		}
	}
	return "", false
}

// Bucket is one series during one interval, whatever its kind.
//
// A counter uses Sum and Count (the number of increments); a gauge uses Last
// and, like a timer, all the rest. With Count 0 all fields are 0.
type Bucket struct {
	Count    uint64
	Sum      float64
	Min, Max float64
	M2       float64 // sum of squared deviations from the mean
	Last     float64 // the last value in the order of the log
}

// Observe adds one value.
func (b *Bucket) Observe(v float64) {
	b.Count++
	if b.Count == 1 {
		b.Sum, b.Min, b.Max, b.M2, b.Last = v, v, v, 0, v
		return
	}
	// Welford's step: the deviation from the mean before and after v.
	n := float64(b.Count)
	d := v - b.Sum/(n-1)
	b.Sum += v
	b.M2 += d * (v - b.Sum/n)
	b.Min = min(b.Min, v)
	b.Max = max(b.Max, v)
	b.Last = v
}

// Merge adds what o has seen; o counts as the later one, so Last is o's when o
// has a value. M2 is joined by the formula of Chan, Golub and LeVeque (1979).
func (b *Bucket) Merge(o Bucket) {
	switch {
	case o.Count == 0:
		return
	case b.Count == 0:
		*b = o
		return
	}
	nb, no := float64(b.Count), float64(o.Count)
	d := o.Sum/no - b.Sum/nb
	b.M2 += o.M2 + d*d*nb*no/(nb+no)
	b.Count += o.Count
	b.Sum += o.Sum
	b.Min = min(b.Min, o.Min)
	b.Max = max(b.Max, o.Max)
	b.Last = o.Last
	if b.Min == 0 && b.Max == 0 { // counters keep no spread, and values that are all 0 have none
		b.M2 = 0
	}
}

// Mean returns the average of the values, 0 when there are none.
func (b *Bucket) Mean() float64 {
	if b.Count == 0 {
		return 0
	}
	return b.Sum / float64(b.Count)
}

// Variance returns the population variance, 0 when there are no values.
func (b *Bucket) Variance() float64 {
	if b.Count == 0 || b.M2 <= 0 {
		return 0
	}
	return b.M2 / float64(b.Count)
}

// Sample is one series during one interval, finished.
type Sample struct {
	Name string // dotted, valid per [ValidName]
	Tags Tags
	Kind Kind
	Form Form
	Unit string // the unit's text for outputs that carry one ("Total Sent"); often empty
	Bucket
	Dist    *Dist    // timers only, nil without values
	Members *Members // sets only, nil without members
}

// Value returns the one number that stands for the sample: a counter's sum, a
// gauge's last value, a timer's mean, a set's count of members.
func (s *Sample) Value() float64 {
	switch s.Kind {
	case Counter:
		return s.Sum
	case Gauge:
		return s.Last
	case Timer:
		return s.Mean()
	}
	return float64(s.Members.Estimate())
}

// BatchID names a batch for ever: the identity of the job that made it and the
// batch's place in that job's history. A repeat of a delivery carries the same
// BatchID and the same bytes.
type BatchID struct {
	Job [16]byte // 128 random bits, drawn when the job's state is made
	Seq uint64   // 1, 2, 3 ... strictly increasing
}

// Batch is what a job extracted during one interval.
type Batch struct {
	ID BatchID
	// Start and End are Unix seconds, [Start,End). Start == End means that the
	// interval's length is not known (a first run, a clock that went back): no
	// rate is computed from it.
	Start, End int64
	// Stamp is the Unix second under which outputs that carry a time send the
	// samples: Start for aligned intervals, the run's own second for cron runs.
	Stamp int64
	// Late says that this is what came of the interval after its batch was made:
	// counters, timers, sets and levels to be added to it. It goes to outputs that merge.
	Late bool
	// Prefix and Suffix are joined to each name by the output, whose separator
	// differs. Both are valid per ValidName, or empty.
	Prefix, Suffix string
	Samples        []Sample
}

// Seconds returns the interval's length, 0 when it is not known.
func (b *Batch) Seconds() float64 {
	return max(0, float64(b.End-b.Start))
}

// NewGauge returns the sample of a gauge with one value.
func NewGauge(name string, value float64, f Form, unit string) Sample {
	b := Bucket{Count: 1, Sum: value, Min: value, Max: value, Last: value}
	return Sample{Name: name, Kind: Gauge, Form: f, Unit: unit, Bucket: b}
}
