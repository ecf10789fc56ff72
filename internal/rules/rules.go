// Package rules turns lines into recorded values by regular expressions that a
// user wrote: in a YAML file, with grok names, or as flags.
//
// It promises that a line costs nothing but the search for a literal when no
// rule's literal is in it, that every pattern gives the matches of Go's regexp
// package whichever engine found them, that no pattern takes more than a
// bounded time on a line, and that it does not allocate once names are known,
// but for lines that only Go's own engine may match. It opens no files. Start
// from [Config.Parse] and [New].
package rules

import (
	"bytes"
	"fmt"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// MaxLine bounds the lines on which patterns are tried, in bytes: a line that
// holds a rule's literal and is longer is rejected. Go's engine takes 0.4 us for
// each byte with grok's COMBINEDAPACHELOG: 25 ms for such a line, 0.4 s for 1 MiB.
const MaxLine = 64 << 10

// Options are what an Engine is made with. The zero value is ready.
type Options struct {
	WantTime bool           // tell the Recorder the time of each line
	Zone     *time.Location // of stamps that name none; nil: time.Local
}

// Counts says what became of the lines of a block. A line is skipped when no
// rule matched it, and rejected when a value of one that did could not be
// decoded, a pattern took too long, or it is longer than MaxLine.
type Counts struct {
	Lines, Skipped, Rejected int
	Untimed                  int // lines without a readable stamp, only with WantTime
}

// Engine applies rules to blocks of lines. Each worker has its own; it is not
// safe for concurrent use.
type Engine struct {
	rules  []*rule
	stamps *stamps // nil without WantTime
	text   lineText
	name   []byte // scratch of templates
}

// rule is one compiled rule.
type rule struct {
	where    string // "rules.yaml:7"
	literal  []byte // every line it matches contains it; empty: not known
	when     []byte // further text that must be in the line; nil: none
	before   int    // how much of a match can stand before literal, -1: any
	matcher  *matcher
	metrics  []*series
	final    bool
	disabled bool

	next int // where literal comes next in the block; its length: nowhere
}

// New compiles c and registers its series in rec, which Parse is to be given.
// The error is an *Error that says where the fault is.
func New(c *Config, opt Options, rec *metric.Recorder) (*Engine, error) {
	e := new(Engine)
	names := make(nameTable)
	for i := range c.rules {
		r, err := compileRule(&c.rules[i], c, names, rec)
		if err != nil {
			return nil, err
		}
		e.rules = append(e.rules, r)
	}
	for i := range c.derived {
		if err := derive(&c.derived[i], names, rec); err != nil {
			return nil, err
		}
	}
	if opt.WantTime {
		e.stamps = newStamps(c, opt.Zone)
	}
	return e, nil
}

// Parse records what the rules find in block, which is whole lines; newest is
// the Unix mtime of their file.
func (e *Engine) Parse(block []byte, newest int64, rec *metric.Recorder) (n Counts) {
	n.Lines = bytes.Count(block, newline)
	if len(block) > 0 && block[len(block)-1] != '\n' {
		n.Lines++
	}
	if e.stamps != nil {
		e.stamps.reader.Newest(newest)
	}
	n.Skipped = n.Lines
	for _, r := range e.rules {
		r.seek(block, 0)
	}
	for at := 0; at < len(block); {
		start, end := e.candidate(block, at)
		if start == len(block) {
			break
		}
		e.line(block, start, end, rec, &n)
		at = end + 1
		for _, r := range e.rules {
			if r.next < at {
				r.seek(block, at)
			}
		}
	}
	return n
}

// Record records what the rules find in record, a text of as many lines as
// lines says, without the last '\n', as if it were one line. All its lines count alike.
func (e *Engine) Record(record []byte, lines int, newest int64, rec *metric.Recorder) Counts {
	if e.stamps != nil {
		e.stamps.reader.Newest(newest)
	}
	for _, r := range e.rules {
		r.seek(record, 0)
	}
	n := Counts{Skipped: 1}
	e.line(record, 0, len(record), rec, &n)
	return Counts{Lines: lines, Skipped: n.Skipped * lines, Rejected: n.Rejected * lines, Untimed: n.Untimed * lines}
}

var newline = []byte{'\n'}

// seek finds the first place at or after from at which r may match.
func (r *rule) seek(block []byte, from int) {
	r.next = len(block)
	if r.disabled || from >= len(block) {
		return
	}
	if i := bytes.Index(block[from:], r.literal); i >= 0 { // an empty literal is found at once
		r.next = from + i
	}
}

// candidate returns the first line, from the line that starts at at on, which
// has to be looked at, without its '\n'; start is len(block) when there is none.
func (e *Engine) candidate(block []byte, at int) (start, end int) {
	hit := len(block)
	if e.stamps != nil {
		hit = at
	}
	for _, r := range e.rules {
		hit = min(hit, r.next)
	}
	if hit == len(block) {
		return hit, hit
	}
	start = at + bytes.LastIndexByte(block[at:hit], '\n') + 1
	end = bytes.IndexByte(block[hit:], '\n')
	if end < 0 {
		return start, len(block)
	}
	return start, hit + end
}

// line applies the rules to the line block[start:end].
func (e *Engine) line(block []byte, start, end int, rec *metric.Recorder, n *Counts) {
	line := block[start:end]
	if k := len(line); k > 0 && line[k-1] == '\r' {
		line = line[:k-1]
	}
	if e.stamps != nil {
		if unix, ok := e.stamps.find(line); ok {
			rec.At(unix)
		} else {
			n.Untimed++
		}
	}
	e.text.reset(line)
	result := unmatched
	for _, r := range e.rules {
		if r.next > end || r.disabled {
			continue
		}
		got := e.apply(r, max(0, r.next-start), rec)
		result = max(result, got)
		if got != unmatched && r.final {
			break
		}
	}
	switch result {
	case matched:
		n.Skipped--
	case rejected:
		n.Skipped--
		n.Rejected++
	}
}

// outcome is what a rule made of a line; the worst of all rules stands.
type outcome uint8

const (
	unmatched outcome = iota
	matched
	rejected
)

// apply tries r on the line, in which its literal stands at hit.
func (e *Engine) apply(r *rule, hit int, rec *metric.Recorder) outcome {
	line := e.text.line
	if hit+len(r.literal) > len(line) || r.when != nil && !bytes.Contains(line, r.when) {
		return unmatched
	}
	if len(line) > MaxLine {
		return rejected
	}
	from := 0
	if r.before >= 0 {
		from = max(0, hit-r.before)
	}
	got := r.matcher.match(&e.text, from)
	if got != matched {
		r.disabled = r.matcher.exhausted()
		return got
	}
	for _, s := range r.metrics {
		if !e.record(s, line, r.matcher.loc, rec) {
			got = rejected
		}
	}
	return got
}

// Problems returns what went wrong since the last call, in words for the user:
// rules that were disabled or became slow. It is empty as a rule.
func (e *Engine) Problems() (list []string) {
	for _, r := range e.rules {
		for _, p := range r.matcher.takeProblems() {
			list = append(list, fmt.Sprintf("rule at %s: %s", r.where, p))
		}
	}
	return list
}
