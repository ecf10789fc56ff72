package statsd

import (
	"bytes"
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

// Line is one line taken apart as node's daemon does it; see [Line.Parse].
// Its slices point into the parsed bytes. The zero value is ready.
//
// Beside what that daemon knows it takes what DogStatsD adds: values that are
// packed before one type ("a:1:2|ms"), sections behind the type in any order
// (|c: |e: |card: |T), the types h and d; and brubeck's C. Strict leaves all of
// that out: then every other type is a counter, what follows tags is theirs,
// and a value needs its own type.
type Line struct {
	Strict bool // set before Parse

	Name []byte // what stands before the first ':'
	Tags []byte // "k:v,k2:v2" as sent; empty without

	// Of the sample that Next found:
	Type   Type
	Value  float64 // not for sets
	Member []byte  // sets only
	Rate   float64 // what node's daemon takes it for: > 0, more than 1 too
	Delta  bool    // gauges: Value came with a sign, so it is a change

	Bad int // samples so far that are none

	rest   []byte // samples that Next has not seen
	more   bool   // there are some, if only an empty one
	packed []byte // values that wait behind the last one found, for the same type
	late   rate   // what sections behind the tags say
}

// rate is what a section says of the rate.
type rate struct {
	there, ok bool
	v         float64
}

// plainName is how far Plain looks for the end of a name.
const plainName = 256

// Plain reads the line that b begins with when it is of the simple form
//
//	name:number|type[|@rate][|#tags]
//
// which nearly all lines have, and returns how many bytes it is with its '\n';
// Next is not called. 0 says nothing of the line but that [Line.Parse] reads it.
// Name may hold "|#" or '\n': then, too, Parse is to read the line.
func (l *Line) Plain(b []byte) int {
	end := bytes.IndexByte(b[:min(len(b), plainName)], ':')
	if end <= 0 {
		return 0
	}
	l.Name, l.Tags = b[:end], nil
	i, ok := l.plainNumber(b, end+1)
	if !ok || i+1 >= len(b) || b[i] != '|' {
		return 0
	}
	if i = l.plainType(b, end+1, i+1); i == 0 {
		return 0
	}
	l.Rate = 1
	if i+1 < len(b) && b[i] == '|' {
		if b[i+1] == '@' {
			i = l.plainRate(b, i+2)
		}
		if i > 0 && i+1 < len(b) && b[i] == '|' && b[i+1] == '#' {
			i = l.plainTags(b, i+2)
		}
	}
	switch {
	case i == 0:
		return 0
	case i == len(b):
		return i
	case b[i] == '\n':
		return i + 1
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return i + 2
	}
	return 0
}

// plainNumber reads what a float64 holds exactly, and returns where it ends.
func (l *Line) plainNumber(b []byte, start int) (i int, ok bool) {
	i = start
	if i >= len(b) {
		return 0, false
	}
	negative := b[i] == '-'
	l.Delta = negative || b[i] == '+'
	if l.Delta {
		i++
	}
	var n uint64
	first, point := i, 0
	for ; i < len(b); i++ {
		if d := b[i] - '0'; d <= 9 {
			n = n*10 + uint64(d)
			continue
		}
		if b[i] != '.' || point > 0 {
			break
		}
		point = i
	}
	digits := i - first
	if point > 0 {
		digits--
	}
	if digits == 0 || digits > 15 {
		return 0, false
	}
	l.Value = float64(n)
	if point > 0 {
		l.Value /= pow10[i-point-1]
	}
	if negative {
		l.Value = 0 - l.Value
	}
	return i, true
}

// pow10 are powers of ten, which a float64 holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// plainType reads a type that means the same in all ways of reading, and
// returns where it ends, or 0. The value begins at start.
func (l *Line) plainType(b []byte, start, i int) int {
	switch b[i] {
	case 'c':
		l.Type = Counter
	case 'g':
		l.Type = Gauge
	case 'm':
		if i+1 >= len(b) || b[i+1] != 's' || l.Value < 0 {
			return 0
		}
		l.Type = Timer
		i++
	case 's':
		l.Type, l.Member = Set, b[start:i-1]
	default:
		return 0
	}
	return i + 1
}

func (l *Line) plainRate(b []byte, start int) int {
	i := start
	for i < len(b) && (b[i]-'0' <= 9 || b[i] == '.') {
		i++
	}
	var ok bool
	if l.Rate, ok = metric.ParseValue(b[start:i]); !ok || !l.rated() {
		return 0
	}
	return i
}

// plainTags reads tags behind which nothing stands.
func (l *Line) plainTags(b []byte, start int) int {
	i := start
	for ; i < len(b) && b[i] != '\n'; i++ {
		if b[i] == '|' || b[i] == '\r' {
			return 0
		}
	}
	l.Tags = b[start:i]
	return i
}

// rated reports whether the value can be counted with its rate.
func (l *Line) rated() bool {
	return l.Rate > 0 && max(1, math.Abs(l.Value))*(1/l.Rate) <= metric.MaxValue
}

// Parse begins to take line, without its '\n', apart. [Line.Next] finds the samples.
func (l *Line) Parse(line []byte) {
	*l = Line{Strict: l.Strict}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if i := bytes.Index(line, []byte("|#")); i >= 0 {
		line, l.Tags = line[:i], line[i+2:]
		l.cutTags()
	}
	i := bytes.IndexByte(line, ':')
	if i < 0 { // node takes it for the sample "1", which has no type
		l.Name, l.Bad = line, 1
		return
	}
	l.Name, l.rest, l.more = line[:i], line[i+1:], true
}

// cutTags leaves in Tags what belongs to them.
func (l *Line) cutTags() {
	end := []byte{'|'}
	if l.Strict {
		end = []byte("|#")
	}
	if i := bytes.Index(l.Tags, end); i >= 0 {
		if !l.Strict {
			l.late = lateRate(l.Tags[i+1:])
		}
		l.Tags = l.Tags[:i]
	}
}

// Next finds the next sample. At the end it returns false, and Bad is complete.
func (l *Line) Next() bool {
	for {
		for l.packed != nil {
			value := l.packed
			l.packed = nil
			if i := bytes.IndexByte(value, ':'); i >= 0 {
				value, l.packed = value[:i], value[i+1:]
			}
			if l.take(value) {
				return true
			}
			l.Bad++
		}
		if !l.more {
			return false
		}
		l.sample()
	}
}

// sample reads up to the end of the next sample that has a type, whose values
// are then packed. Without one, or with a bad one, they are bad.
func (l *Line) sample() {
	values, sections, typed := l.cutSample()
	n := 1 + bytes.Count(values, []byte{':'})
	if !typed {
		l.Bad += n
		return
	}
	if !l.sections(sections) {
		l.Bad += n
		return
	}
	if l.Strict || l.Type == Set { // of sets not even DogStatsD packs members
		l.Bad += n - 1
		values = values[bytes.LastIndexByte(values, ':')+1:]
	}
	l.packed = values // not nil: it is a part of the line
}

// cutSample takes values and what stands behind their first '|' off rest.
func (l *Line) cutSample() (values, sections []byte, typed bool) {
	text := l.rest
	bar := bytes.IndexByte(text, '|')
	if bar < 0 {
		l.rest, l.more = nil, false
		return text, nil, false
	}
	values, sections = text[:bar], text[bar+1:]
	start := 0 // of the section
	for i, c := range sections {
		switch {
		case c == '|':
			start = i + 1
		case c == ':' && (l.Strict || start == 0 || !container(sections[start:i])):
			l.rest = sections[i+1:]
			return values, sections[:i], true
		}
	}
	l.rest, l.more = nil, false
	return values, sections, true
}

// container reports whether a ':' behind key belongs to a section of DogStatsD's.
func container(key []byte) bool {
	switch string(key) {
	case "c", "e", "card":
		return true
	}
	return false
}

// sections reads the type and what follows it.
func (l *Line) sections(s []byte) bool {
	kind, s, more := bytes.Cut(s, []byte{'|'})
	if !l.kind(bytes.TrimSpace(kind)) {
		return false
	}
	r := rate{}
	for third := true; more; third = false {
		var section []byte
		section, s, more = bytes.Cut(s, []byte{'|'})
		switch {
		case !r.there && len(section) > 0 && section[0] == '@':
			r = parseRate(section[1:])
		case !l.Strict && known(section):
			continue
		case third:
			return false
		}
		if l.Strict {
			break // a fourth field is not looked at
		}
	}
	if !r.there {
		r = l.late
	}
	l.Rate = 1
	if r.there {
		l.Rate = r.v
	}
	return r.ok || !r.there
}

// lateRate looks for a rate in the sections behind tags: DogStatsD has no
// order, and sections that nobody knows are to be ignored.
func lateRate(s []byte) rate {
	for more := true; more; {
		var section []byte
		section, s, more = bytes.Cut(s, []byte{'|'})
		if len(section) > 0 && section[0] == '@' {
			return parseRate(section[1:])
		}
	}
	return rate{}
}

// known reports whether section is one of DogStatsD's that says nothing of the value.
func known(section []byte) bool {
	if len(section) > 1 && section[0] == 'T' {
		for _, c := range section[1:] {
			if c < '0' || c > '9' {
				return false
			}
		}
		return true
	}
	i := bytes.IndexByte(section, ':')
	return i > 0 && container(section[:i])
}

func (l *Line) kind(text []byte) bool {
	l.Type = Counter
	switch string(text) {
	case "c":
		return true
	case "g":
		l.Type = Gauge
	case "ms":
		l.Type = Timer
	case "s":
		l.Type = Set
	case "h":
		l.Type = Histogram
	case "d":
		l.Type = Distribution
	case "C":
		l.Type = Total
	default:
		return l.Strict
	}
	if l.Strict && l.Type > Set {
		l.Type = Counter
	}
	return true
}

// parseRate reads what stands behind '@': a number without a sign, of which
// node's daemon then takes the digits and dots that it begins with.
func parseRate(text []byte) rate {
	r := rate{there: true}
	if len(text) == 0 || (text[0]-'0' > 9 && text[0] != '.') {
		return r
	}
	text = bytes.TrimSpace(text)
	if _, r.ok = metric.ParseValue(text); !r.ok {
		return r
	}
	i := 0
	for i < len(text) && (text[i]-'0' <= 9 || text[i] == '.') {
		i++
	}
	r.v, r.ok = metric.ParseValue(text[:i])
	r.ok = r.ok && r.v > 0
	return r
}

// take reads one value for the type and rate that stand.
func (l *Line) take(text []byte) bool {
	if l.Type == Set {
		l.Member = text
		return true
	}
	var ok bool
	number := bytes.TrimSpace(text)
	if l.Strict && len(number) == 0 && len(text) > 0 {
		number = []byte{'0'} // JavaScript's number of blanks
	}
	if l.Value, ok = metric.ParseValue(number); !ok || !l.rated() {
		return false
	}
	l.Delta = l.Type == Gauge && (text[0] == '-' || text[0] == '+')
	return l.Type != Timer || l.Value >= 0
}
