package influx

import (
	"errors"
	"math"
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// value reads the value at i and returns where it ends.
func (p *Parser) value(f *Field, i int) (end int, err error) {
	s := p.rest
	if i < len(s) && s[i] == '"' {
		return p.quoted(f, i+1)
	}
	end = i
	for end < len(s) && s[end] != ',' && s[end] != ' ' && !p.ended(end) {
		end++
	}
	if end == i {
		return 0, ErrNoValue
	}
	if c := s[i]; digit(c) || c == '.' || c == '-' || c == 'n' || c == 'N' {
		return end, f.number(s[i:end])
	}
	return end, f.boolean(s[i:end])
}

// quoted reads the text behind a quote. Only quotes and backslashes are escaped.
func (p *Parser) quoted(f *Field, i int) (end int, err error) {
	f.Kind = Text
	s, mark, start := p.rest, len(p.text), i
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			p.text = append(p.text, s[start:i]...)
			i++
			start = i
		}
	}
	if i == len(s) {
		return 0, ErrQuotes
	}
	if mark == len(p.text) {
		f.Text = s[start:i:i]
	} else {
		p.text = append(p.text, s[start:i]...)
		f.Text = p.text[mark:len(p.text):len(p.text)]
	}
	if i++; i < len(s) && s[i] != ',' && s[i] != ' ' && !p.ended(i) {
		return 0, ErrField
	}
	return i, nil
}

func (f *Field) number(text []byte) error {
	digits := text[:len(text)-1]
	switch text[len(text)-1] {
	case 'i':
		return f.integer(digits)
	case 'u':
		return f.unsigned(digits)
	}
	v, ok := metric.ParseValue(text)
	if !ok && tooLarge(text) {
		return ErrFloat
	}
	if !ok {
		return ErrNumber
	}
	f.Kind, f.Float = Float, v
	return nil
}

// tooLarge reports whether text is a number that no float64 holds.
func tooLarge(text []byte) bool {
	for _, c := range text {
		if !digit(c) && c != '.' && c != 'e' && c != 'E' && c != '-' && c != '+' {
			return false
		}
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return errors.Is(err, strconv.ErrRange)
}

func (f *Field) integer(text []byte) error {
	v, ok, exact := parseInt(text)
	switch {
	case !ok:
		return ErrNumber
	case !exact:
		return ErrInteger
	}
	f.Kind, f.Int = Integer, v
	return nil
}

func (f *Field) unsigned(text []byte) error {
	v, ok, exact := parseUint(text)
	switch {
	case !ok:
		return ErrNumber
	case !exact:
		return ErrInteger
	}
	f.Kind, f.Uint = Unsigned, v
	return nil
}

func (f *Field) boolean(text []byte) error {
	switch string(text) {
	case "t", "T", "true", "True", "TRUE":
		f.Bool = true
	case "f", "F", "false", "False", "FALSE":
	default:
		return ErrBoolean
	}
	f.Kind = Boolean
	return nil
}

// time reads what follows the fields, if anything, and returns the line's end.
func (p *Parser) time(pt *Point, i int) (end int, err error) {
	if i = p.blanks(i); p.ended(i) {
		return i, nil
	}
	end = i
	for end < len(p.rest) && (digit(p.rest[end]) || p.rest[end] == '-') {
		end++
	}
	t, ok, exact := parseInt(p.rest[i:end])
	if !ok || !p.ended(p.blanks(end)) {
		return 0, ErrTime
	}
	unit := max(int64(p.Precision), 1)
	if !exact || t > MaxTime/unit || t < MinTime/unit {
		return 0, ErrRange
	}
	pt.Time, pt.Timed = t*unit, true
	return p.blanks(end), nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// parseInt reads a whole number; exact says that an int64 holds it.
func parseInt(text []byte) (v int64, ok, exact bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	n, ok, exact := parseUint(text)
	switch {
	case negative:
		return -int64(n), ok, exact && n <= -math.MinInt64
	default:
		return int64(n), ok, exact && n <= math.MaxInt64
	}
}

func parseUint(text []byte) (v uint64, ok, exact bool) {
	exact = true
	for _, c := range text {
		if !digit(c) {
			return 0, false, false
		}
		d := uint64(c - '0')
		exact = exact && v <= (math.MaxUint64-d)/10
		v = v*10 + d
	}
	return v, len(text) > 0, exact
}
