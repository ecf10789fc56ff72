// Package statsd is the statsd text protocol, both directions, with the
// extensions of its usual dialects: DogStatsD's tags and packed values, and
// several samples a line as node's daemon takes them.
//
//	name:value|type[|@rate][|#tag:v,...] LF
//
// type is c (counter), g (gauge), ms (timer, milliseconds), s (set); Parse
// also knows h and d (distributions) and C (a running total).
//
// It promises that what the Append functions write Parse reads back equal, and
// that any bytes are taken in linear time without allocating. It does not
// aggregate. Start from [AppendNumber] and [Parse]; servers, which take lines as
// node's daemon or brubeck do, from [Line].
package statsd

import (
	"bytes"
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// Type is what a sample is to the receiver.
type Type uint8

// The types.
const (
	Counter      Type = iota // c
	Gauge                    // g
	Timer                    // ms
	Set                      // s
	Histogram                // h
	Distribution             // d
	Total                    // C: a counter's running total
)

var typeTexts = [...]string{"c", "g", "ms", "s", "h", "d", "C"}

// String returns the type as it is written.
func (t Type) String() string { return typeTexts[t] }

// AppendNumber appends one line. rate is the share of the values that is sent,
// in (0,1]; 1 is not written. tags is "k:v,k2:v2", or empty. name and tags
// must be free of what the protocol gives a meaning.
func AppendNumber(dst, name []byte, v float64, f metric.Form, t Type, rate float64, tags []byte) []byte {
	dst = append(append(dst, name...), ':')
	dst = metric.AppendValue(dst, v, f)
	dst = append(append(dst, '|'), typeTexts[t]...)
	if rate != 1 {
		// No exponent: node's daemon reads only the digits and dots.
		dst = strconv.AppendFloat(append(dst, "|@"...), rate, 'f', -1, 64)
	}
	return appendTags(dst, tags)
}

// AppendGauge appends a gauge's level. A value with a minus sign is a change
// to every server, so it is preceded by a line that sets the gauge to 0: both
// lines must travel in one packet.
func AppendGauge(dst, name []byte, v float64, f metric.Form, tags []byte) []byte {
	if v < 0 {
		dst = AppendNumber(dst, name, 0, metric.PyInt, Gauge, 1, tags)
	}
	return AppendNumber(dst, name, v, f, Gauge, 1, tags)
}

// AppendSet appends a set's member; see [AppendMember] for its text.
func AppendSet(dst, name, member, tags []byte) []byte {
	dst = append(append(append(dst, name...), ':'), member...)
	return appendTags(append(dst, "|s"...), tags)
}

func appendTags(dst, tags []byte) []byte {
	if len(tags) > 0 {
		dst = append(append(dst, "|#"...), tags...)
	}
	return append(dst, '\n')
}

// Row is one value. Its slices point into the parsed packet.
type Row struct {
	Name   []byte // as sent: not cleaned, not empty
	Tags   []byte // "k:v,k2:v2" as sent, nil without
	Member []byte // sets only
	Value  float64
	Rate   float64 // the share of the values that was sent, in (0,1]; 1 for sets, of which a share says nothing
	Type   Type
	Delta  bool // gauges: Value is to be added, because it came with a sign
}

// Parse appends the rows of packet to dst. packet is lines, of which the last
// may lack its '\n'; "\r\n" and empty lines are taken. A value without a type
// of its own takes that of the next one ("a:1:2|ms"). bad counts values that
// are none: no type or an unknown one, no finite decimal number, a negative
// time, a rate outside (0,1]; and lines without a name or without a ':'.
// Unknown sections after the type are ignored, in any order.
func Parse(dst []Row, packet []byte) (rows []Row, bad int) {
	for len(packet) > 0 {
		line := packet
		if i := bytes.IndexByte(packet, '\n'); i >= 0 {
			line, packet = packet[:i], packet[i+1:]
		} else {
			packet = nil
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			continue
		}
		var n int
		dst, n = parseLine(dst, line)
		bad += n
	}
	return dst, bad
}

func parseLine(dst []Row, line []byte) (rows []Row, bad int) {
	line, tags := cutTags(line)
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return dst, 1
	}
	name, line := line[:i], line[i+1:]
	packed := line // values that still wait for their type
	for more := true; more; {
		var sample []byte
		sample, line, more = nextSample(line)
		value, sections, typed := bytes.Cut(sample, []byte{'|'})
		if !typed {
			if !more {
				bad += 1 + bytes.Count(packed, []byte{':'})
			}
			continue
		}
		end := len(packed) - len(line)
		if more {
			end--
		}
		values := packed[:end-len(sample)+len(value)]
		packed = line
		var n int
		dst, n = parseValues(dst, Row{Name: name, Tags: tags}, values, sections)
		bad += n
	}
	return dst, bad
}

// nextSample returns what stands before the next ':' that begins a sample, not
// those inside sections such as "|c:in-1234".
func nextSample(line []byte) (sample, rest []byte, more bool) {
	for i, c := range line {
		if c == ':' && !inContainer(line[:i]) {
			return line[:i], line[i+1:], true
		}
	}
	return line, nil, false
}

// inContainer reports whether the ':' after before belongs to DogStatsD's
// section |c:, |e: or |card:, which stand behind the type.
func inContainer(before []byte) bool {
	i := bytes.LastIndexByte(before, '|')
	if i <= 0 || bytes.IndexByte(before[:i], '|') < 0 {
		return false
	}
	switch string(before[i+1:]) {
	case "c", "e", "card":
		return true
	}
	return false
}

// cutTags takes the section "|#..." out, and returns the line up to it when
// only sections that nobody needs follow.
func cutTags(line []byte) (rest, tags []byte) {
	i := bytes.Index(line, []byte("|#"))
	if i < 0 {
		return line, nil
	}
	rest, tags = line[:i], line[i+2:]
	if end := bytes.IndexByte(tags, '|'); end >= 0 {
		tags = tags[:end]
	}
	tags = bytes.TrimRight(tags, "\r") // at the line's end it would not be theirs
	if len(tags) == 0 {
		tags = nil
	}
	return rest, tags
}

func parseValues(dst []Row, row Row, values, sections []byte) (rows []Row, bad int) {
	ok := parseSections(&row, sections)
	for more := true; more; {
		var value []byte
		value, values, more = bytes.Cut(values, []byte{':'})
		if ok && row.setValue(value) {
			dst = append(dst, row)
		} else {
			bad++
		}
	}
	return dst, bad
}

func parseSections(row *Row, sections []byte) bool {
	kind, sections, _ := bytes.Cut(sections, []byte{'|'})
	row.Rate = 1
	switch string(kind) {
	case "c":
		row.Type = Counter
	case "g":
		row.Type = Gauge
	case "ms":
		row.Type = Timer
	case "s":
		row.Type = Set
	case "h":
		row.Type = Histogram
	case "d":
		row.Type = Distribution
	case "C":
		row.Type = Total
	default:
		return false
	}
	for len(sections) > 0 {
		var s []byte
		s, sections, _ = bytes.Cut(sections, []byte{'|'})
		if len(s) == 0 || s[0] != '@' {
			continue
		}
		rate, ok := metric.ParseValue(s[1:])
		if !ok || rate <= 0 || rate > 1 {
			return false
		}
		if row.Type != Set {
			row.Rate = rate
		}
	}
	return true
}

func (r *Row) setValue(text []byte) (ok bool) {
	if r.Type == Set {
		r.Member = text
		return true
	}
	r.Value, ok = metric.ParseValue(text)
	r.Delta = ok && r.Type == Gauge && (text[0] == '-' || text[0] == '+')
	return ok && (r.Type != Timer || r.Value >= 0)
}
