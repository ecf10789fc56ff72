package otlp

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Metric is a metric with its points, which are all of one kind: Gauge, Sum or
// Exponential.
type Metric struct {
	Name, Unit, Description string // valid UTF-8, as all texts that are written
	Points                  []Point
}

// AppendMetrics appends to a request the metrics of one resource, which the
// program called scope made. Of the points it takes all that their kind has but
// Metric, Resource, Scope, NoValue and Err.
func AppendMetrics(dst []byte, resource []Attribute, scope string, metrics []Metric) []byte {
	return appendMessage(dst, 1, func(dst []byte) []byte {
		if len(resource) > 0 {
			dst = appendMessage(dst, 1, func(dst []byte) []byte { return appendAttributes(dst, 1, resource) })
		}
		return appendMessage(dst, 2, func(dst []byte) []byte {
			dst = appendMessage(dst, 1, func(dst []byte) []byte { return appendText(dst, 1, scope) })
			for i := range metrics {
				dst = appendMetric(dst, &metrics[i])
			}
			return dst
		})
	})
}

// dataFields are the fields of a metric that hold its points, by their kind.
var dataFields = [...]protowire.Number{Gauge: 5, Sum: 7, Exponential: 10}

func appendMetric(dst []byte, m *Metric) []byte {
	return appendMessage(dst, 2, func(dst []byte) []byte {
		dst = appendText(appendText(appendText(dst, 1, m.Name), 2, m.Description), 3, m.Unit)
		if len(m.Points) == 0 {
			return dst
		}
		first := &m.Points[0]
		return appendMessage(dst, dataFields[first.Kind], func(dst []byte) []byte {
			for i := range m.Points {
				dst = appendMessage(dst, 1, func(dst []byte) []byte { return appendPoint(dst, &m.Points[i]) })
			}
			dst = appendNumber(dst, 2, uint64(first.Temporality))
			if first.Monotonic {
				dst = appendNumber(dst, 3, 1)
			}
			return dst
		})
	})
}

func appendPoint(dst []byte, pt *Point) []byte {
	if pt.Kind == Exponential {
		return appendExponential(dst, pt)
	}
	dst = appendAttributes(appendTimes(dst, pt), 7, pt.Attributes)
	return appendOptional(dst, 4, pt.Value) // last, as the protocol's library has it
}

func appendExponential(dst []byte, pt *Point) []byte {
	dst = appendTimes(appendAttributes(dst, 1, pt.Attributes), pt)
	dst = appendOptional(appendFixed(dst, 4, pt.Count), 5, pt.Sum)
	dst = appendNumber(dst, 6, protowire.EncodeZigZag(int64(pt.Scale)))
	dst = appendFixed(dst, 7, pt.Zero)
	dst = appendSide(appendSide(dst, 8, pt.Positive), 9, pt.Negative)
	dst = appendOptional(appendOptional(dst, 12, pt.Min), 13, pt.Max)
	return appendFixed(dst, 14, math.Float64bits(pt.ZeroThreshold))
}

func appendSide(dst []byte, n protowire.Number, b Bins) []byte {
	if len(b.Counts) == 0 {
		return dst
	}
	return appendMessage(dst, n, func(dst []byte) []byte {
		dst = appendNumber(dst, 1, protowire.EncodeZigZag(int64(b.Offset)))
		return appendMessage(dst, 2, func(dst []byte) []byte {
			for _, n := range b.Counts {
				dst = protowire.AppendVarint(dst, n)
			}
			return dst
		})
	})
}

func appendTimes(dst []byte, pt *Point) []byte {
	return appendFixed(appendFixed(dst, 2, pt.Start), 3, pt.Time)
}

func appendAttributes(dst []byte, n protowire.Number, list []Attribute) []byte {
	for _, a := range list {
		dst = appendMessage(dst, n, func(dst []byte) []byte {
			dst = appendText(dst, 1, string(a.Key))
			return appendMessage(dst, 2, func(dst []byte) []byte {
				return protowire.AppendBytes(protowire.AppendTag(dst, 1, protowire.BytesType), a.Value)
			})
		})
	}
	return dst
}

// appendMessage appends a field that is a message, whose fields fn appends.
func appendMessage(dst []byte, n protowire.Number, fn func(dst []byte) []byte) []byte {
	dst = protowire.AppendTag(dst, n, protowire.BytesType)
	at := len(dst)
	dst = fn(append(dst, 0)) // room for a length under 128
	size := len(dst) - at - 1
	if more := protowire.SizeVarint(uint64(size)) - 1; more > 0 {
		dst = append(dst, make([]byte, more)...)
		copy(dst[at+1+more:], dst[at+1:at+1+size])
	}
	protowire.AppendVarint(dst[:at], uint64(size))
	return dst
}

// The fields below are left out when they are 0 or empty, as the protocol has it.

func appendText(dst []byte, n protowire.Number, text string) []byte {
	if text == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, n, protowire.BytesType), text)
}

func appendNumber(dst []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), v)
}

func appendFixed(dst []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, n, protowire.Fixed64Type), v)
}

func appendOptional(dst []byte, n protowire.Number, v Optional) []byte {
	if !v.OK {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, n, protowire.Fixed64Type), math.Float64bits(v.Value))
}
