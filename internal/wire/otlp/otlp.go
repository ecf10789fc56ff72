// Package otlp reads requests of OpenTelemetry's protocol, version 1, that hold
// metrics, and writes the answers. In protobuf a request is
//
//	resource_metrics { resource { attribute... }
//	                   scope_metrics { scope { attribute... }
//	                                   metric { name, gauge | sum | histogram | exponential_histogram | summary
//	                                              { temporality, data_point { attribute..., times, values } ... } ... } ... } ...
//
// where { } is a length and the bytes of a message, and fields may come in any
// order; in JSON it is the same with objects.
//
// It promises that any bytes are taken in linear time and in memory that is
// bounded by their number, in protobuf without allocating. It does not name
// series: who parses decides what points become. Start from [Parser].
package otlp

import (
	"errors"
	"fmt"
)

// Bounds of one point.
const (
	MaxAttributes = 64   // of it, of its resource and of its scope, each
	MaxBins       = 4096 // of a histogram, or quantiles of a summary
)

// ErrBadRequest is wrapped by errors of a whole request.
var ErrBadRequest = errors.New("bad OTLP request")

func bad(what string) error { return fmt.Errorf("%w: %s", ErrBadRequest, what) }

// What is wrong with one point.
var (
	ErrManyAttributes = errors.New("too many attributes")
	ErrManyBins       = errors.New("too many bins")
)

// Kind says what a point is.
type Kind uint8

// The kinds.
const (
	Gauge Kind = iota
	Sum
	Histogram
	Exponential
	Summary
)

// Temporality says since when a sum or histogram counts.
type Temporality uint8

// The temporalities, by the numbers of the protocol.
const (
	Unspecified Temporality = iota
	Delta                   // since the point before
	Cumulative              // since the process began
)

// Attribute is a key and its value as text. Values that are lists, maps or
// bytes are left out.
type Attribute struct{ Key, Value []byte }

// Bins are one side of an exponential histogram: bin i of Counts holds the
// values in (base^(Offset+i), base^(Offset+i+1)], base being 2^(2^-Scale).
type Bins struct {
	Offset int32
	Counts []uint64
}

// Quantile is a value of a summary.
type Quantile struct{ Quantile, Value float64 }

// Optional is a number that may be missing.
type Optional struct {
	Value float64
	OK    bool
}

// Point is one point of one series. What it points to is valid during the call
// for which it is made.
type Point struct {
	Metric      []byte // its name
	Kind        Kind
	Temporality Temporality // of sums and histograms
	Monotonic   bool        // a sum that never falls

	Resource, Scope, Attributes []Attribute

	Start, Time uint64 // nanoseconds since 1970; 0: not said
	NoValue     bool   // it says that there is none

	Value Optional // of a gauge or sum

	Count         uint64   // of a histogram or summary, as the next
	Sum, Min, Max Optional // a summary has no extremes

	Bounds []float64 // of a histogram: upper ends, inclusive
	Bins   []uint64  // one more than bounds, or none

	Scale              int32 // of an exponential histogram, as the next
	Zero               uint64
	ZeroThreshold      float64 // the magnitude below which values count as 0
	Positive, Negative Bins

	Quantiles []Quantile // of a summary

	Err error // ErrManyAttributes or ErrManyBins: the point is not whole
}
