package outputs

import (
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// measure is what a value is measured in, for outputs that know units by a
// fixed list of their own.
type measure uint8

const (
	plainNumber measure = iota
	seconds
	milliseconds
	microseconds
	bytesOf
	percent
	perSecond
)

// fieldUnit returns the unit of a sample's field, as text.
func fieldUnit(s *metric.Sample, field string) string {
	switch {
	case s.Kind != metric.Timer:
		return s.Unit
	case field == "count":
		return ""
	}
	return "seconds"
}

// measureOf reads a unit's text, as parsers and logs write it.
func measureOf(unit string) measure {
	switch unit {
	case "seconds", "second", "s":
		return seconds
	case "milliseconds", "ms":
		return milliseconds
	case "microseconds", "us":
		return microseconds
	case "bytes", "B":
		return bytesOf
	case "percent", "%":
		return percent
	}
	switch {
	case strings.HasPrefix(unit, "Percentage"):
		return percent
	case strings.HasSuffix(unit, " per sec"):
		return perSecond
	}
	return plainNumber
}

// appendUnit appends a unit's text without what means something to a shell,
// to Nagios or to gmetric: everything else becomes '_'.
func appendUnit(dst []byte, unit string) []byte {
	for i := range len(unit) {
		c := unit[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(" %/._-", c) >= 0:
		default:
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}
