// Package prometheus is what Prometheus reads and writes: its names, its text
// formats 0.0.4 and OpenMetrics 1.0 (to write), and the requests of remote
// write 1.0 (both directions) and 2.0 (to read).
//
// A text is, for each family of series,
//
//	# HELP name what it is
//	# TYPE name counter|gauge|histogram
//	name{label="value",...} number
//
// and a remote write request, before snappy's block compression, a protobuf
// message of nothing but time series (lengths are varints):
//
//	0x0a len { 0x0a len { 0x0a len label's name, 0x12 len label's value } for each label,
//	           0x12 len { 0x09 value as float64, 0x10 milliseconds as varint } for each sample }
//
// In version 2 texts are numbers of a table that the request begins with:
//
//	0x22 len symbol ... { 0x2a len { 0x0a len { name's number, value's number }...,
//	                                 0x12 len { as above } for each sample, ... } }
//
// It promises that no name, help or label can add a line, a label or a series
// to a text, that no family and no series is on a [Page] twice, that what
// [AppendSeries] writes a [RequestParser] reads back equal, and that this one
// takes any bytes in linear time. It knows nothing of HTTP, and adds nothing
// up. Start from [Series], [NewPage] and [RequestParser].
package prometheus

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind is a family's type.
type Kind uint8

// The kinds.
const (
	Counter   Kind = iota // a running total
	Gauge                 // a level
	Histogram             // running counts of values by size
)

// String returns the kind as a TYPE line has it.
func (k Kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// Label is one name and value that tell series of a family apart.
type Label struct{ Name, Value string }

// Labels are sorted by name, without a name twice. They also hold themselves
// as text. They come from [NewLabels].
type Labels struct {
	list []Label
	text string // a="b",c="d"
}

// NewLabels takes labels in any order and makes them valid: names by
// [LabelName], values UTF-8. Of those with the same name the first stands;
// one without a value is none, as Prometheus sees it.
func NewLabels(labels ...Label) Labels {
	var l Labels
	for _, label := range labels {
		label.Name, label.Value = LabelName(label.Name), strings.ToValidUTF8(label.Value, "\uFFFD")
		same := func(o Label) bool { return o.Name == label.Name }
		if label.Value != "" && !slices.ContainsFunc(l.list, same) {
			l.list = append(l.list, label)
		}
	}
	slices.SortFunc(l.list, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	var text []byte
	for i, label := range l.list {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendLabel(text, label)
	}
	l.text = string(text)
	return l
}

// Bounds are the upper ends of a histogram's bins, in seconds.
type Bounds struct {
	ends  []float64
	texts []string // as the label le has them
}

// DefaultBounds are those of Prometheus' own client libraries.
var DefaultBounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// MaxBounds is how many bounds a histogram may have: each is a series.
const MaxBounds = 100

// NewBounds checks that ends are finite and ascend.
func NewBounds(ends []float64) (b Bounds, err error) {
	if len(ends) > MaxBounds {
		return b, fmt.Errorf("%d buckets: at most %d can be", len(ends), MaxBounds)
	}
	for i, end := range ends {
		if math.IsNaN(end) || math.IsInf(end, 0) {
			return b, fmt.Errorf("bucket %v: it must be a number of seconds; what is above all buckets is counted anyway", end)
		}
		if i > 0 && end <= ends[i-1] {
			return b, fmt.Errorf("buckets %v and %v: they must ascend", ends[i-1], end)
		}
		b.texts = append(b.texts, boundText(end))
	}
	b.ends = slices.Clone(ends)
	return b, nil
}

// boundText writes a whole number as "1.0", as OpenMetrics wants it, so that
// a bound is the same label by whichever way it gets to Prometheus.
func boundText(end float64) string {
	text := strconv.FormatFloat(end, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// Ends returns the bounds. They are not to be changed.
func (b Bounds) Ends() []float64 { return b.ends }

// Series is one series at one moment.
type Series struct {
	Family string // by Name; of a counter without _total, of a histogram without _bucket
	Kind   Kind
	Help   string // one line about the family
	Labels Labels
	Value  float64 // of a histogram the sum of its values

	// Of a histogram: how many values there are, and how many of them are in
	// each of its bins, above the bound before and not above its own.
	Count  uint64
	Bins   []uint64
	Bounds Bounds
}

// each calls emit for each number of the series. le is empty where there is
// no such label.
func (s *Series) each(emit func(ending, le string, value float64)) {
	switch s.Kind {
	case Counter:
		emit("_total", "", s.Value)
	case Gauge:
		emit("", "", s.Value)
	case Histogram:
		var n uint64
		for i, text := range s.Bounds.texts {
			n += s.Bins[i]
			emit("_bucket", text, float64(n))
		}
		emit("_bucket", "+Inf", float64(s.Count))
		emit("_sum", "", s.Value)
		emit("_count", "", float64(s.Count))
	}
}

// endings are what else is taken by a family besides its own name.
func (k Kind) endings() []string {
	return [...][]string{{"_total"}, nil, {"_bucket", "_sum", "_count"}}[k]
}
