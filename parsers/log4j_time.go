package parsers

import (
	"github.com/logmetrics/logmetrics/internal/logformat"
	"github.com/logmetrics/logmetrics/internal/logtime"
)

// setTime reads the time of the event that starts with line.
func (p *log4jParser) setTime(h log4jHeader, line []byte) {
	if !p.wantTime || h.stamp < 0 {
		return
	}
	e, r := &p.event, p.times
	stamp := line[h.stamp:]
	switch h.layout & 0xf {
	case log4jISO, log4jISOT, log4jSyslog:
		e.unix, _, e.timed = r.ISO8601(stamp)
	case log4jClock:
		e.unix, _, e.timed = r.TimeOfDay(stamp)
	case log4jDayFirst:
		e.unix, e.timed = p.dated(p.dayFirst, stamp)
	case log4jJSON:
		if e.unix, _, e.timed = r.Any(stamp); !e.timed {
			e.unix, _, e.timed = r.Epoch(stamp)
		}
	case log4jPattern, log4jPatternT:
		e.unix, e.timed = p.dated(p.pattern.Date(), stamp)
	}
}

// dated reads a stamp in the format d.
func (p *log4jParser) dated(d *logformat.Date, stamp []byte) (unix int64, ok bool) {
	f, _, ok := d.Read(stamp)
	switch {
	case !ok:
		return 0, false
	case f.Epoch:
		return f.Unix, true
	case f.Month == 0:
		return p.times.Clock(f.Hour, f.Min, f.Sec)
	case f.Zoned:
		return logtime.UTC(f.Year, f.Month, f.Day, f.Hour, f.Min, f.Sec, f.Offset)
	}
	return p.times.Unix(f.Year, f.Month, f.Day, f.Hour, f.Min, f.Sec)
}

// match reads a line by the pattern. What Log4j 1 and 2 call ISO8601 differs
// by a T, which is enough for two layouts.
func (p *log4jParser) match(line []byte) (h log4jHeader, ok bool) {
	m, ok := p.pattern.Match(trimCR(line))
	h = log4jHeader{layout: log4jPattern, level: m.Level, stamp: m.Stamp}
	if at := m.Stamp + len("2026-11-20"); ok && m.Stamp >= 0 && at < len(line) && line[at] == 'T' {
		h.layout = log4jPatternT
	}
	return h, ok
}
