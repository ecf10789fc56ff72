package parsers

import (
	"bytes"
	"slices"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// ErrorParser counts the messages of a web server's error log by level. The
// headers that it knows are those of Apache 2.2, Apache 2.4 and nginx:
//
//	[Fri Nov 20 22:02:36 2026] [error] [client 192.0.2.7] File does not exist: /srv/a
//	[Fri Nov 20 22:02:36.324247 2026] [core:info] [pid 185:tid 192] AH00561: Request header
//	2026/11/20 22:02:26 [error] 149#149: *464 open() "/srv/a" failed
//
// The first gives error 1. docs/parsers.md names all series.
type errorLog struct {
	wantTime bool
	clock    *logtime.Reader

	tally
}

// errorLevels are Apache's levels, which include nginx's. Apache's trace1 to
// trace8 are one.
var errorLevels = []string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace"}

// errorAlias are Logster's, in its order.
var errorAlias = []string{"notice", "warn", "error", "crit", "other"}

func newErrorLog(opt Options, rec *metric.Recorder) (Parser, error) {
	if err := parseFlags(newFlags("ErrorParser"), opt.Args); err != nil {
		return nil, err
	}
	p := &errorLog{wantTime: opt.WantTime, clock: logtime.New(opt.Zone)}
	if opt.Alias {
		p.registerAlias(rec)
		return p, nil
	}
	for _, level := range errorLevels {
		p.counter(rec, level, "messages")
	}
	p.counter(rec, "other", "messages")
	return p, nil
}

// registerAlias declares what Logster sends, messages in ten seconds: the
// places of levels that it does not have are that of other.
func (p *errorLog) registerAlias(rec *metric.Recorder) {
	for _, level := range errorAlias {
		p.hidden(rec, "n_"+level)
	}
	p.deriveRates(rec, 0, errorAlias, 10, "Logs per 10 sec")
	ids, other := p.ids, len(errorAlias)-1
	p.tally = tally{}
	for _, level := range append(errorLevels[:len(errorLevels):len(errorLevels)], "other") {
		place := slices.Index(errorAlias, level)
		if place < 0 {
			place = other
		}
		p.add(ids[place])
	}
}

// Parse implements Parser.
func (p *errorLog) Parse(b Block, rec *metric.Recorder) Stats {
	return p.lines(b, rec, p.wantTime, p.line)
}

// line counts one line; timed is whether it has a stamp, if that was asked for.
func (p *errorLog) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	var n int
	nginx := isNginxStamp(line)
	switch {
	case nginx:
		n = len("2026/11/20 22:02:26")
	case isApacheStamp(line):
		n = bytes.IndexByte(line, ']')
	default:
		return Skipped, false // text that goes on from the line before
	}
	if n < 0 {
		return Rejected, false
	}
	if p.wantTime {
		timed = p.stamp(line[:n], nginx, rec)
	}
	level, rest := bracketed(bytes.TrimPrefix(line[n:], []byte{']'}))
	if level == nil || nginx && !hasPID(rest) {
		return Rejected, timed
	}
	p.n[levelPlace(level)]++
	return Matched, timed
}

func (p *errorLog) stamp(b []byte, nginx bool, rec *metric.Recorder) bool {
	var unix int64
	var ok bool
	if nginx {
		unix, _, ok = p.clock.NginxError(b)
	} else {
		unix, _, ok = p.clock.ApacheError(b[1:])
	}
	if ok {
		p.at(unix, rec)
	}
	return ok
}

// isNginxStamp reports whether "2026/11/20 22:02:26 " starts b.
func isNginxStamp(b []byte) bool {
	return len(b) > 20 && b[4] == '/' && b[7] == '/' && b[10] == ' ' && b[13] == ':' && b[16] == ':' && b[19] == ' ' && isDigit(b[0])
}

// isApacheStamp reports whether "[Fri Nov 20 22:02:36" starts b.
func isApacheStamp(b []byte) bool {
	return len(b) > 20 && b[0] == '[' && b[4] == ' ' && b[8] == ' ' && b[11] == ' ' && b[14] == ':' && b[17] == ':'
}

// bracketed returns the word of " [level] ..." or " [module:level] ..." and
// what follows it; nil when b does not start so.
func bracketed(b []byte) (level, rest []byte) {
	const most = 64 // bytes of a module's name and a level
	if len(b) < 3 || b[0] != ' ' || b[1] != '[' {
		return nil, nil
	}
	b = b[2:]
	n := bytes.IndexByte(b[:min(len(b), most)], ']')
	if n < 1 || n+1 < len(b) && b[n+1] != ' ' {
		return nil, nil
	}
	level = b[:n]
	return level[bytes.LastIndexByte(level, ':')+1:], b[n+1:]
}

// hasPID reports whether " 149#149: " starts b.
func hasPID(b []byte) bool {
	if len(b) == 0 || b[0] != ' ' {
		return false
	}
	b = b[1:]
	n := digitsLen(b)
	if n == 0 || n == len(b) || b[n] != '#' {
		return false
	}
	b = b[n+1:]
	n = digitsLen(b)
	return n > 0 && n < len(b) && b[n] == ':'
}

func digitsLen(b []byte) (n int) {
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// levelPlace returns the level's place in errorLevels, the one behind them if
// it is not there.
func levelPlace(level []byte) int {
	const trace = "trace"
	if len(level) == len(trace)+1 && isDigit(level[len(trace)]) {
		level = level[:len(trace)]
	}
	for i, known := range errorLevels {
		if string(level) == known {
			return i
		}
	}
	return len(errorLevels)
}
