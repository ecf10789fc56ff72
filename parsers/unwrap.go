package parsers

import (
	"fmt"
	"strings"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/internal/near"
	"github.com/logmetrics/logmetrics/metric"
)

// unwrapKinds are what Unwrap knows.
var unwrapKinds = []string{"cri", "docker", "syslog"}

// Unwrap returns a Factory whose parser takes off each line what kind says that
// a container runtime or a syslog daemon put around it, and hands what remains
// to f's parser. Kinds are cri (Kubernetes: containerd, CRI-O), docker (its
// json-file driver) and syslog (RFC 3164 and 5424, with or without <PRI>).
//
// A line without its wrapping is rejected. With Options.WantTime a line's time
// is that of its wrapping. Parts of a long line are joined; each of
// them counts as a line, and all but one as matched.
func Unwrap(kind string, f Factory) (Factory, error) {
	switch kind {
	case "cri", "docker":
		f.Sequential = true // it joins
	case "syslog":
	default:
		hint := "there are " + strings.Join(unwrapKinds, ", ")
		if known := near.Name(kind, unwrapKinds); known != "" {
			hint = "did you mean " + known + "?"
		}
		return f, fmt.Errorf("there is no wrapping called %q; %s", kind, hint)
	}
	inner := f
	f.New = func(opt Options, rec *metric.Recorder) (Parser, error) {
		u := &unwrapper{wantTime: opt.WantTime, times: logtime.New(opt.Zone)}
		u.read = wrappingReader(kind, u.times)
		opt.WantTime = false
		var err error
		if u.inner, err = inner.New(opt, rec); err != nil {
			return nil, err
		}
		u.joins = inner.Joins(u.inner)
		return u, nil
	}
	return f, nil
}

// unwrapper is the parser of a wrapped log. It writes the lines without their
// wrappings into a buffer of its own and has the inner parser parse that.
type unwrapper struct {
	inner    Parser
	joins    bool // inner holds
	wantTime bool
	times    *logtime.Reader
	read     func(line []byte, w *wrapped) bool
	line     wrapped

	buf   []byte
	runs  []unwrapRun
	marks []unwrapMark // where all begun lines are whole; the first is the block's start
	parts [2]unwrapPart
	seen  unwrapMark // up to the line being read
	cut   int        // how often begun lines were too long, since Problems was called
}

// wrapped is one line of the log, taken apart.
type wrapped struct {
	text   []byte // without '\n'; valid until the next line is read
	stream int    // 0 or 1
	part   bool   // the rest of the line follows
	unix   int64  // when timed
	timed  bool
}

// unwrapPart is the beginning of a line of one stream.
type unwrapPart struct {
	open  bool
	text  []byte
	unix  int64 // of its first part
	timed bool
}

// unwrapRun is where in buf lines of another second start, or of none.
type unwrapRun struct {
	at    int
	unix  int64
	timed bool
}

// unwrapMark is a place in the block, and what it is in buf.
type unwrapMark struct {
	outer, inner           int
	lines, rejected, timed int // lines of the block before it
}

// Joins implements Joiner.
func (u *unwrapper) Joins() bool { return u.joins }

// Problems implements Reporter.
func (u *unwrapper) Problems() (list []string) {
	if r, ok := u.inner.(Reporter); ok {
		list = r.Problems()
	}
	if u.cut > 0 {
		list = append(list, fmt.Sprintf("lines in parts were longer than %d KiB and were cut, %d times", MaxHeld>>10, u.cut))
	}
	u.cut = 0
	return list
}

// Parse implements Parser. What follows the last mark is held, and what the
// inner parser holds before it.
func (u *unwrapper) Parse(b Block, rec *metric.Recorder) (st Stats) {
	u.times.Newest(b.Newest)
	u.unwrap(b)
	end := u.marks[len(u.marks)-1]
	st = u.feed(b, end.inner, rec)
	from := end
	if st.Held > 0 {
		from = u.find(end.inner - st.Held)
		if from.inner != end.inner-st.Held || len(b.Bytes)-from.outer > MaxHeld {
			// It begins among parts of other lines, or cannot be held with all
			// that is around it: it ends here.
			from = end
			st.Add(u.inner.Parse(u.block(b, end.inner-st.Held, end.inner, true), rec))
		}
	}
	st.Held = len(b.Bytes) - from.outer
	st.Lines = from.lines
	st.Rejected += from.rejected
	if u.wantTime {
		st.Untimed = from.lines - from.timed
	}
	return st
}

// unwrap fills buf with the lines of b, and notes what lies where.
func (u *unwrapper) unwrap(b Block) {
	u.buf, u.runs, u.marks, u.seen = u.buf[:0], u.runs[:0], u.marks[:0], unwrapMark{}
	for i := range u.parts {
		u.parts[i].open = false
	}
	u.mark()
	for at := 0; at < len(b.Bytes); {
		end := nextLine(b.Bytes, at)
		if u.tooLong(end) {
			u.cut++
			u.endParts()
		}
		u.seen.lines++
		u.seen.outer = end
		u.take(withoutLF(b.Bytes[at:end]))
		u.mark()
		at = end
	}
	if u.tooLong(len(b.Bytes)) {
		u.cut++
		u.endParts()
	}
	if b.Final {
		u.endParts()
	}
}

// tooLong reports whether there are parts that, with all up to end, cannot be held.
func (u *unwrapper) tooLong(end int) bool {
	return u.open() && end-u.marks[len(u.marks)-1].outer > MaxHeld
}

func (u *unwrapper) open() bool { return u.parts[0].open || u.parts[1].open }

// mark notes that all lines that began are whole, if that is so. When nothing
// is joined but by the wrapping, the last such place is enough.
func (u *unwrapper) mark() {
	if u.open() {
		return
	}
	u.seen.inner = len(u.buf)
	if !u.joins {
		u.marks = u.marks[:0]
	}
	u.marks = append(u.marks, u.seen)
}

// find returns the last mark that is not behind inner in buf.
func (u *unwrapper) find(inner int) unwrapMark {
	for i := len(u.marks) - 1; ; i-- {
		if u.marks[i].inner <= inner {
			return u.marks[i]
		}
	}
}

// take adds a line of the log to buf, or to a beginning.
func (u *unwrapper) take(line []byte) {
	w := &u.line
	if !u.read(line, w) {
		u.seen.rejected++
		return
	}
	if w.timed {
		u.seen.timed++
	}
	p := &u.parts[w.stream]
	switch {
	case !w.part && !p.open:
		u.note(w.unix, w.timed)
		u.buf = append(append(u.buf, w.text...), '\n')
		return
	case !p.open:
		*p = unwrapPart{open: true, text: p.text[:0], unix: w.unix, timed: w.timed}
	}
	p.text = append(p.text, w.text...)
	if !w.part {
		u.end(p)
	}
}

// end makes a line of the parts.
func (u *unwrapper) end(p *unwrapPart) {
	u.note(p.unix, p.timed)
	u.buf = append(append(u.buf, p.text...), '\n')
	p.open = false
}

// endParts takes the lines that have only begun for whole.
func (u *unwrapper) endParts() {
	for i := range u.parts {
		if p := &u.parts[i]; p.open {
			u.end(p)
		}
	}
	u.mark()
}

// note says when the line is from that comes next in buf.
func (u *unwrapper) note(unix int64, timed bool) {
	if !u.wantTime {
		return
	}
	next := unwrapRun{at: len(u.buf), unix: unix, timed: timed}
	if n := len(u.runs); n == 0 || u.runs[n-1].timed != timed || timed && u.runs[n-1].unix != unix {
		u.runs = append(u.runs, next)
	}
}
