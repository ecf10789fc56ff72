package statsd

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// ParseBrubeck reads a line, without its '\n', as brubeck does:
//
//	name:number|type[|@rate]
//
// and nothing else; a NUL ends it. It fills in Name, Type, Value, Rate, which is
// in (0,1], and Delta, and returns whether it is a line. An empty number is 0.
func (l *Line) ParseBrubeck(line []byte) bool {
	*l = Line{Strict: l.Strict, Rate: 1}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	name, rest, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(name) == 0 || name[len(name)-1] == '.' || bytes.IndexByte(name, ' ') >= 0 {
		return false
	}
	l.Name = name
	value, kind, ok := bytes.Cut(rest, []byte{'|'})
	if !ok {
		return false
	}
	if l.Value, ok = brubeckNumber(value); !ok {
		return false
	}
	kind, rate, rated := bytes.Cut(kind, []byte{'|'})
	if rated {
		if len(rate) == 0 || rate[0] != '@' {
			return false
		}
		if l.Rate, ok = brubeckNumber(rate[1:]); !ok || l.Rate > 1 {
			return false
		}
	}
	l.Delta = len(value) > 0 && (value[0] == '-' || value[0] == '+')
	return l.brubeckKind(kind) && l.rated()
}

func (l *Line) brubeckKind(kind []byte) bool {
	switch string(kind) {
	case "c":
		l.Type = Counter
	case "g":
		l.Type = Gauge
	case "C":
		l.Type = Total
	case "h":
		l.Type = Histogram
	case "ms":
		l.Type = Timer
	default:
		return false
	}
	l.Delta = l.Delta && l.Type == Gauge
	return true
}

// brubeckNumber reads a sign, digits, a fraction and an exponent, of which
// each may be missing.
func brubeckNumber(text []byte) (v float64, ok bool) {
	if v, ok = metric.ParseValue(text); ok {
		return v, true
	}
	// Without a digit before the exponent it is 0.
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
	}
	return 0, len(text) == 0
}
