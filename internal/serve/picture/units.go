package picture

import (
	"math"
	"strconv"
	"strings"
)

// A unit is what a label's number is divided by, and what follows it.
type unit struct {
	suffix string
	size   float64
}

// unitsOf gives the units of a system, largest first; an unknown system is si.
func unitsOf(system string) []unit {
	const day = 86400
	switch strings.ToLower(system) {
	case "none":
		return nil
	case "binary":
		return []unit{{"Pi", 1 << 50}, {"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}}
	case "sec":
		return []unit{{"Y", 365 * day}, {"M", 30 * day}, {"D", day}, {"H", 3600}, {"m", 60}}
	case "msec":
		return []unit{{"Y", 365 * day * 1e3}, {"M", 30 * day * 1e3}, {"D", day * 1e3}, {"H", 3600e3}, {"m", 60e3}, {"s", 1e3}}
	}
	return []unit{{"P", 1e15}, {"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}}
}

// axisUnit chooses one unit for all labels of an axis: the largest of which the
// step is a tenth or more (of units of time and of 1024 a whole one), and not
// below 10 000 where no label has a decimal without it.
func axisUnit(system string, low, high, step float64) unit {
	largest := math.Max(math.Abs(low), math.Abs(high))
	part := 0.1
	if s := strings.ToLower(system); s == "binary" || s == "sec" || s == "msec" {
		part = 1
	}
	for _, u := range unitsOf(system) {
		if largest < u.size*(1-epsilon) || step < u.size*part*(1-epsilon) {
			continue
		}
		if u.size == 1000 && step < u.size && largest < 9999.5 {
			continue
		}
		return u
	}
	return unit{size: 1}
}

// label writes a value of an axis with as many decimals as its step needs.
func (u unit) label(v, step float64) string {
	v, step = v/u.size, math.Abs(step)/u.size
	if math.Abs(v) < step*1e-6 {
		v = 0 // not -0, and not what is left of a subtraction
	}
	s := strconv.FormatFloat(v, 'f', decimals(step), 64)
	if math.Abs(v) >= 1e7 || step < 1e-6 {
		s = strconv.FormatFloat(v, 'g', 6, 64)
	}
	if u.suffix == "" || v == 0 {
		return s
	}
	return s + " " + u.suffix
}

// decimals is how many a number needs: at most 6, at most 3 where it is not round.
func decimals(step float64) int {
	for d := 0; d <= 6; d++ {
		scaled := step * math.Pow10(d)
		if math.Abs(scaled-math.Round(scaled)) < 1e-6*scaled {
			return d
		}
		if d >= 3 && scaled >= 1 {
			return d
		}
	}
	return 6
}
