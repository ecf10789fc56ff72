package rules

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// unit is what a value's number is multiplied by, or divided by if div is
// set: 3 ms are 3/1000 s exactly rounded, which 3*0.001 would not be.
type unit struct {
	mul, div float64
	time     bool
}

func (u unit) apply(v float64) float64 {
	if u.div != 0 {
		return v / u.div
	}
	return v * u.mul
}

// autoUnit is the unit's name that says the text carries its unit.
const autoUnit = "auto"

var unitNames = []string{
	"ns", "us", "ms", "s", "min", "h", "d", "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", autoUnit,
}

// unitOf returns the unit called name: seconds or bytes are 1.
func unitOf(name []byte) (unit, bool) {
	switch string(name) {
	case "ns":
		return unit{div: 1e9, time: true}, true
	case "us", "µs", "μs":
		return unit{div: 1e6, time: true}, true
	case "ms":
		return unit{div: 1e3, time: true}, true
	case "s", "sec":
		return unit{mul: 1, time: true}, true
	case "m", "min":
		return unit{mul: 60, time: true}, true
	case "h":
		return unit{mul: 3600, time: true}, true
	case "d":
		return unit{mul: 86400, time: true}, true
	}
	return sizeOf(name)
}

func sizeOf(name []byte) (unit, bool) {
	switch string(name) {
	case "", "B":
		return unit{mul: 1}, true
	case "kB", "KB":
		return unit{mul: 1e3}, true
	case "MB":
		return unit{mul: 1e6}, true
	case "GB":
		return unit{mul: 1e9}, true
	case "TB":
		return unit{mul: 1e12}, true
	case "KiB":
		return unit{mul: 1 << 10}, true
	case "MiB":
		return unit{mul: 1 << 20}, true
	case "GiB":
		return unit{mul: 1 << 30}, true
	case "TiB":
		return unit{mul: 1 << 40}, true
	}
	return unit{}, false
}

// maxQuantityParts bounds what parseQuantity adds up: "1d2h3m4s5ms" has 5.
const maxQuantityParts = 8

// parseQuantity reads numbers with their units, "12ms", "1.5 KiB", "1m30s",
// and adds them up; a number without a unit is taken as it is.
func parseQuantity(b []byte) (v float64, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	for range maxQuantityParts {
		n := 0
		for n < len(b) && (b[n] == '.' || b[n] >= '0' && b[n] <= '9') {
			n++
		}
		x, ok := metric.ParseValue(b[:n])
		if !ok {
			return 0, false
		}
		b = bytes.TrimLeft(b[n:], " ")
		n = 0
		for n < len(b) && b[n] != ' ' && (b[n] < '0' || b[n] > '9') {
			n++
		}
		u, ok := unitOf(b[:n])
		if !ok {
			return 0, false
		}
		v += u.apply(x)
		if b = bytes.TrimLeft(b[n:], " "); len(b) == 0 {
			if negative {
				v = -v
			}
			return v, true
		}
	}
	return 0, false
}

// value is where the value of a series comes from.
type value struct {
	groups []int // nil: constant
	number float64
	unit   unit
	auto   bool
}

// valueState is what became of a value.
type valueState uint8

const (
	valueGood valueState = iota
	valueAbsent
	valueBad
)

// read returns the value in a match. A group that took no part, an empty one
// and "-", which logs write for what they do not know, give no value.
func (v *value) read(line []byte, loc []int, k metric.Kind) (float64, valueState) {
	if v.groups == nil {
		return v.number, valueGood
	}
	b := capture(line, loc, v.groups)
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return 0, valueAbsent
	}
	var x float64
	var ok bool
	if v.auto {
		x, ok = parseQuantity(b)
	} else if x, ok = metric.ParseValue(b); ok {
		x = v.unit.apply(x)
	}
	// A counter and a duration cannot go backwards.
	if !ok || x < 0 && k != metric.Gauge {
		return 0, valueBad
	}
	return x, valueGood
}
