package parsers

import (
	"bytes"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/logformat"
	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// The Log4j parser counts the events of Java programs by level:
//
//	2026-11-20 21:59:41,507 [main] ERROR com.example.shop.Orders - order 42550 refused
//	java.lang.RuntimeException: wrapped
//		at App.ex(App.java:10)
//
// It yields a counter for each level (TRACE, DEBUG, INFO, WARN, ERROR, FATAL,
// or those of --levels), numEvents, and numExceptions: the events with a
// throwable, once each. It knows the usual layouts by themselves, others by
// --pattern; lines that do not start an event belong to the one before.
//
// In Logster's clothes there is one gauge for each level, WARN, ERROR and
// FATAL by default: events a second.

// maxLead bounds how many first lines of other layouts it takes to change what
// is held to be the log's layout.
const maxLead = 64

type log4jParser struct {
	wantTime bool
	times    *logtime.Reader
	pattern  *logformat.Pattern // nil: the layout is found out
	dayFirst *logformat.Date
	scanner  log4jScanner
	counters []metric.ID // by level; what is not asked for goes to unnamed
	events   metric.ID
	thrown   metric.ID
	vote     log4jVote
	event    log4jEvent
}

// log4jVote is the layout that leads among the first lines seen, and by how
// many: the majority vote of Boyer and Moore (1981). A log has one layout, and
// messages hold lines in others.
type log4jVote struct {
	layout log4jLayout
	lead   int
}

// log4jEvent is the event being read.
type log4jEvent struct {
	open      bool // there is one
	counted   bool // it has been recorded, for what is held has an end
	level     int
	timed     bool
	unix      int64
	exception bool // numExceptions has it, or will
	start     int  // in the block, or 0
	lines     int  // of it, in the block
	before    log4jVote
}

var log4jLevels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

func newLog4j(opt Options, rec *metric.Recorder) (Parser, error) {
	fs, list := newFlags("Log4jParser"), strings.Join(log4jLevels, ",")
	if opt.Alias {
		fs, list = newFlags("Log4jLogster"), "WARN,ERROR,FATAL"
	}
	fs.StringVar(&list, "levels", list, "`levels` to count, with commas")
	fs.also("levels", "l", "log-levels")
	pattern := fs.String("pattern", "", "the `conversion` pattern of the program's PatternLayout, as in '%d{ISO8601} [%t] %-5p %c - %m%n'")
	if err := parseFlags(fs, opt.Args); err != nil {
		return nil, err
	}
	p := &log4jParser{wantTime: opt.WantTime, times: logtime.New(opt.Zone), dayFirst: logformat.DayFirst()}
	err := p.setLevels(strings.Split(list, ","), opt.Alias, rec)
	if err == nil && *pattern != "" {
		p.pattern, err = logformat.CompilePattern(*pattern, p.scanner.levels)
	}
	if err != nil {
		return nil, fs.wrong(err)
	}
	return p, nil
}

// setLevels registers a series for each of names. The other usual levels are
// known too: their events end those before.
func (p *log4jParser) setLevels(names []string, alias bool, rec *metric.Recorder) (err error) {
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	all := slices.Clone(names)
	for _, name := range log4jLevels {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if p.scanner.levels, err = logformat.NewLevels(all); err != nil {
		return err
	}
	p.scanner.json = jsonScanner{sep: []byte("."), words: true}
	for severity, name := range [8]string{"FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG"} {
		p.scanner.severities[severity] = slices.Index(all, name)
	}
	for _, name := range names {
		id := rec.Series(name, metric.Counter, metric.Shortest)
		p.counters = append(p.counters, id)
		if alias {
			rec.Hide(id)
			rec.ZeroAs(rec.Derive(name, metric.PyFloat, metric.Rate(id)), metric.PyFloat)
		}
	}
	p.events = rec.Series("numEvents", metric.Counter, metric.Shortest)
	p.thrown = rec.Series("numExceptions", metric.Counter, metric.Shortest)
	if alias {
		rec.Hide(p.events)
		rec.Hide(p.thrown)
	}
	return nil
}

// Parse implements Parser. The block's last event is held, for its exception
// may be still to come.
func (p *log4jParser) Parse(b Block, rec *metric.Recorder) (st Stats) {
	p.times.Newest(b.Newest)
	e := &p.event
	e.start, e.lines = 0, 0
	for at := 0; at < len(b.Bytes); {
		start := at
		end := bytes.IndexByte(b.Bytes[at:], '\n')
		if end < 0 {
			end = len(b.Bytes) - at - 1
		}
		line := b.Bytes[at : at+end]
		at += end + 1
		st.Lines++
		before := p.vote
		if h, ok := p.header(line); ok {
			p.record(rec)
			*e = log4jEvent{open: true, level: h.level, exception: h.exception, start: start, lines: 1, before: before}
			p.setTime(h, line)
		} else {
			p.follow(line, rec, &st)
		}
		if p.wantTime && !e.timed {
			st.Untimed++
		}
	}
	if !b.Final && e.open && !e.counted && len(b.Bytes)-e.start <= MaxHeld {
		p.hold(&st, len(b.Bytes)-e.start)
		return st
	}
	p.record(rec)
	return st
}

// hold takes the last event back: it will come again.
func (p *log4jParser) hold(st *Stats, size int) {
	e := &p.event
	st.Held = size
	st.Lines -= e.lines
	if p.wantTime && !e.timed {
		st.Untimed -= e.lines
	}
	p.vote, p.event = e.before, log4jEvent{}
}

// follow takes a line that starts no event.
func (p *log4jParser) follow(line []byte, rec *metric.Recorder, st *Stats) {
	e := &p.event
	e.lines++
	switch {
	case !e.open && len(trimCR(line)) == 0:
		st.Skipped++
	case !e.open:
		st.Rejected++
	case !e.exception && isThrowable(line):
		e.exception = true
		if e.counted {
			rec.Inc(p.thrown, 1)
		}
	}
}

// record counts the event being read, unless that has been done.
func (p *log4jParser) record(rec *metric.Recorder) {
	e := &p.event
	if !e.open || e.counted {
		return
	}
	e.counted = true
	if e.timed {
		rec.At(e.unix)
	}
	if e.level >= 0 && e.level < len(p.counters) {
		rec.Inc(p.counters[e.level], 1)
	}
	rec.Inc(p.events, 1)
	if e.exception {
		rec.Inc(p.thrown, 1)
	}
}

// header reports whether line starts an event in the log's layout.
func (p *log4jParser) header(line []byte) (h log4jHeader, ok bool) {
	if p.pattern != nil {
		h, ok = p.match(line)
	} else {
		h, ok = p.scanner.scan(line)
	}
	if !ok {
		return h, false
	}
	switch v := &p.vote; {
	case v.layout == h.layout:
		v.lead = min(v.lead+1, maxLead)
		return h, true
	case v.lead == 0:
		v.layout, v.lead = h.layout, 1
		return h, true
	default:
		v.lead--
		return h, false
	}
}

// isThrowable reports whether line is of a stack trace: a frame, a cause, or
// the first line with the class of the throwable.
func isThrowable(line []byte) bool {
	return bytes.HasPrefix(line, []byte("\tat ")) || bytes.HasPrefix(line, []byte("Caused by: ")) || isThrowableClass(trimCR(line))
}

// isThrowableClass reports whether line is a class in a package and named as a
// throwable, alone or before ": ".
func isThrowableClass(line []byte) bool {
	n, dots := 0, 0
	for n < len(line) && n < maxThread && (line[n]|0x20 >= 'a' && line[n]|0x20 <= 'z' || isDigit(line[n]) || line[n] == '_' || line[n] == '$' || line[n] == '.') {
		if line[n] == '.' {
			dots++
		}
		n++
	}
	if dots == 0 || n < len(line) && line[n] != ':' {
		return false
	}
	name := line[:n]
	return bytes.HasSuffix(name, []byte("Exception")) || bytes.HasSuffix(name, []byte("Error")) || bytes.HasSuffix(name, []byte("Throwable"))
}
