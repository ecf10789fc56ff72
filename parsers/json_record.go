package parsers

import (
	"bytes"
	"slices"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// maxMember is how many bytes of a string tell members of a set apart.
const maxMember = 256

// jsonSlots is for how many leaves of a line the parser expects the path that
// the line before had there: log lines are alike.
const jsonSlots = 64

// jsonParser records the leaves of lines that are JSON.
type jsonParser struct {
	options  jsonOptions
	alias    bool
	wantTime bool
	times    *logtime.Reader
	scanner  jsonScanner

	slots   [jsonSlots]jsonSlot
	spare   jsonSlot // for the leaves beyond
	by      []jsonBy
	values  []jsonValue // of the line being read
	held    []jsonHeld  // by series
	number  uint64      // of the line being read
	scratch []byte
}

// jsonSlot is what becomes of the leaves of one path.
type jsonSlot struct {
	path   []byte
	known  bool
	action jsonAction
	scale  float64
	id     metric.ID
	made   bool // id is valid
	by     int  // 1 + index in jsonParser.by; 0: none
	time   int  // 1 + index of the time key; 0: none
}

// jsonBy counts lines by the value at one path.
type jsonBy struct {
	family *metric.Family
	leaf   int // 1 + the leaf of the line being read; 0: none
}

// jsonValue is what a line gives to a series.
type jsonValue struct {
	id   metric.ID
	leaf int
	kind jsonAction
	unit float64
}

// jsonHeld says where in values a series has its value of one line.
type jsonHeld struct {
	line uint64 // its number
	at   int
}

// Parse implements Parser.
func (p *jsonParser) Parse(b Block, rec *metric.Recorder) Stats {
	p.times.Newest(b.Newest)
	return eachLine(b, rec, p.wantTime, p.line)
}

// line reads one line.
func (p *jsonParser) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	switch {
	case jsonSpace(line, 0) == len(line):
		return Skipped, false
	case !p.scanner.scan(line):
		return Rejected, false
	}
	return Matched, p.record(rec)
}

// record records the leaves of the line just scanned and reports whether it
// has a time.
func (p *jsonParser) record(rec *metric.Recorder) (timed bool) {
	p.number++
	p.values = p.values[:0]
	time, rank := -1, 0
	for n := range p.scanner.leaves {
		s := p.slot(n)
		if s.by > 0 {
			p.by[s.by-1].leaf = n + 1
		}
		if s.time > 0 && (rank == 0 || s.time <= rank) {
			time, rank = n, s.time
		}
		p.collect(n, s, rec)
	}
	if p.wantTime && time >= 0 {
		var unix int64
		if unix, timed = p.time(time); timed {
			rec.At(unix)
		}
	}
	for i := range p.values {
		p.apply(&p.values[i], rec)
	}
	for i := range p.by {
		if by := &p.by[i]; by.leaf > 0 {
			rec.Inc(by.family.ID(p.string(by.leaf-1)), 1)
			by.leaf = 0
		}
	}
	return timed
}

// slot returns what becomes of leaf n.
func (p *jsonParser) slot(n int) *jsonSlot {
	path, s := p.scanner.leafPath(n), &p.spare
	if n < len(p.slots) {
		s = &p.slots[n]
	}
	if s.known && bytes.Equal(s.path, path) {
		return s
	}
	*s = jsonSlot{path: append(s.path[:0], path...), known: true, action: jsonLevel}
	for i := range p.options.rules {
		if r := &p.options.rules[i]; r.matches(path, p.scanner.sep) {
			s.action, s.scale = r.action, r.scale
			break
		}
	}
	s.by = 1 + indexOf(p.options.countBy, path)
	if p.wantTime {
		s.time = 1 + indexOf(p.options.timeKeys, path)
	}
	return s
}

// indexOf is slices.Index for a text that is no string yet.
func indexOf(list []string, b []byte) int {
	return slices.IndexFunc(list, func(s string) bool { return s == string(b) })
}

var jsonKinds = [...]metric.Kind{jsonCount: metric.Counter, jsonLevel: metric.Gauge, jsonTime: metric.Timer, jsonMember: metric.Set}

// collect notes what leaf n gives, in place of what the line gave to the same
// series before.
func (p *jsonParser) collect(n int, s *jsonSlot, rec *metric.Recorder) {
	switch kind := p.scanner.leaves[n].kind; {
	case s.action == jsonSkip, kind == jsonWord, kind >= jsonString && s.action != jsonMember:
		return
	}
	if !s.made {
		s.id, s.made = rec.SeriesBytes(s.path, jsonKinds[s.action]), true
	}
	v := jsonValue{id: s.id, leaf: n, kind: s.action, unit: s.scale}
	if short := int(s.id) + 1 - len(p.held); short > 0 {
		p.held = append(p.held, make([]jsonHeld, short)...)
	}
	h := &p.held[s.id]
	if h.line == p.number {
		p.values[h.at] = v
		return
	}
	*h = jsonHeld{p.number, len(p.values)}
	p.values = append(p.values, v)
}

func (p *jsonParser) apply(v *jsonValue, rec *metric.Recorder) {
	if v.kind == jsonMember {
		rec.Add(v.id, p.string(v.leaf))
		return
	}
	leaf := &p.scanner.leaves[v.leaf]
	number := numberValue(p.scanner.literal(v.leaf))
	if leaf.kind == jsonInt {
		number += 0 // "-0" is an int, which has no sign
	}
	switch {
	case v.kind == jsonTime:
		rec.Observe(v.id, number*v.unit)
	case !p.alias:
		rec.Observe(v.id, number)
	case leaf.kind == jsonInt:
		rec.SetForm(v.id, number, metric.PyInt)
	default:
		rec.SetForm(v.id, number, metric.PyFloat)
	}
}

// string returns the first bytes of a string leaf's text, or another leaf's
// literal; valid until the next call.
func (p *jsonParser) string(n int) []byte {
	b := p.scanner.literal(n)
	if p.scanner.leaves[n].kind == jsonEscape {
		p.scratch = appendUnescaped(p.scratch[:0], b, maxMember)
		b = p.scratch
	}
	return b[:min(len(b), maxMember)]
}

// time reads leaf n as a time.
func (p *jsonParser) time(n int) (unix int64, ok bool) {
	b := p.scanner.literal(n)
	if kind := p.scanner.leaves[n].kind; kind == jsonInt || kind == jsonFloat {
		return epoch(numberValue(b))
	}
	if unix, _, ok = p.times.Any(b); ok {
		return unix, true
	}
	unix, end, ok := p.times.Epoch(b)
	return unix, ok && end == len(b)
}

// epoch returns the Unix second of a time in seconds, or in milli-, micro- or
// nanoseconds: until the year 5138 the number tells which.
func epoch(v float64) (unix int64, ok bool) {
	switch {
	case v < 0 || v >= 1e20:
		return 0, false
	case v >= 1e17:
		v /= 1e9
	case v >= 1e14:
		v /= 1e6
	case v >= 1e11:
		v /= 1e3
	}
	return int64(v), true
}
