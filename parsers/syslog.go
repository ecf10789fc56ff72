package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// The Syslog parser counts the lines of a system log, whichever program they
// are of and whichever way they are written:
//
//	Nov 21 02:35:28 web1 postfix/smtpd[21]: connect from unknown
//	2026-11-21T02:35:15.123456-05:00 web1 sshd[15]: Accepted publickey
//	<167>1 2026-11-21T02:35:01.5Z web1 sudo 3 ID47 [a@1 k="v"] session opened
//
// It yields the counters lines, program.NAME (with what cannot stand in a node
// of a name made '_': program.postfix_smtpd), and, of lines with a <PRI>,
// severity.NAME and facility.NAME. Lines without such a header are rejected.

var syslogSeverities = [8]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// The facilities 12 to 15 have several names; these are FreeBSD's and RFC 5424's.
var syslogFacilities = [24]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

type syslogParser struct {
	wantTime   bool
	times      *logtime.Reader
	lines      metric.ID
	severities [8]metric.ID
	facilities [24]metric.ID
	name       []byte // "program." and scratch
	// The last program; neighbouring lines are often of the same.
	program []byte
	id      metric.ID
}

func newSyslog(opt Options, rec *metric.Recorder) (Parser, error) {
	if err := parseFlags(newFlags("SyslogParser"), opt.Args); err != nil {
		return nil, err
	}
	p := &syslogParser{wantTime: opt.WantTime, times: logtime.New(opt.Zone)}
	p.lines = rec.Series("lines", metric.Counter, metric.Shortest)
	// Not declared: a log without <PRI> has no zeros to send.
	for i, name := range syslogSeverities {
		p.severities[i] = rec.SeriesBytes([]byte("severity."+name), metric.Counter)
	}
	for i, name := range syslogFacilities {
		p.facilities[i] = rec.SeriesBytes([]byte("facility."+name), metric.Counter)
	}
	return p, nil
}

// Parse implements Parser.
func (p *syslogParser) Parse(b Block, rec *metric.Recorder) Stats {
	p.times.Newest(b.Newest)
	return eachLine(b, rec, p.wantTime, p.line)
}

func (p *syslogParser) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	h, ok := readSyslogHeader(line)
	if p.wantTime {
		var unix int64
		if unix, _, timed = p.times.Any(h.stamp); timed {
			rec.At(unix)
		}
	}
	switch {
	case ok:
		p.record(&h, rec)
		return Matched, timed
	case len(line) == 0:
		return Skipped, timed
	}
	return Rejected, timed
}

func (p *syslogParser) record(h *syslogHeader, rec *metric.Recorder) {
	rec.Inc(p.lines, 1)
	if h.pri >= 0 {
		rec.Inc(p.severities[h.pri%8], 1)
		rec.Inc(p.facilities[h.pri/8], 1)
	}
	if len(h.program) == 0 {
		return
	}
	if !bytes.Equal(h.program, p.program) {
		p.program = append(p.program[:0], h.program...)
		p.name = metric.AppendNode(append(p.name[:0], "program."...), h.program)
		p.id = rec.SeriesBytes(p.name, metric.Counter)
	}
	rec.Inc(p.id, 1)
}

// syslogHeader is what a line says of itself before its message.
type syslogHeader struct {
	pri     int    // -1 without <PRI>
	stamp   []byte // from the stamp on; nil without one
	program []byte // empty when not told
}

// readSyslogHeader reads the header of a line as RFC 3164, RFC 3339 stamps or
// RFC 5424 have it; ok is false when there is none.
func readSyslogHeader(line []byte) (h syslogHeader, ok bool) {
	pri, rest, ok := cutPRI(line)
	h.pri = pri
	if !ok {
		return h, false
	}
	if pri >= 0 && bytes.HasPrefix(rest, []byte("1 ")) {
		ok = h.read5424(rest[2:])
		return h, ok
	}
	n := syslogStampLen(rest)
	if n == 0 {
		return h, false
	}
	h.stamp, rest = rest, rest[n:]
	host, message, _ := bytes.Cut(rest, []byte(" "))
	if len(host) == 0 {
		return h, false
	}
	if program, end := syslogTag(host); end == len(host) && program != nil {
		h.program = program // a line without a host
		return h, true
	}
	h.program, _ = syslogTag(bytes.TrimLeft(message, " "))
	return h, true
}

// cutPRI cuts "<0>" to "<191>" off; pri is -1 without it, ok false when it is wrong.
func cutPRI(line []byte) (pri int, rest []byte, ok bool) {
	if len(line) == 0 || line[0] != '<' {
		return -1, line, true
	}
	n := digitsEnd(line[:min(len(line), 4)], 1)
	if n == 1 || n == len(line) || line[n] != '>' || line[1] == '0' && n > 2 {
		return -1, line, false
	}
	for _, c := range line[1:n] {
		pri = pri*10 + int(c-'0')
	}
	return pri, line[n+1:], pri < 8*len(syslogFacilities)
}

// read5424 reads what follows the version of an RFC 5424 header.
func (h *syslogHeader) read5424(b []byte) bool {
	var fields [5][]byte // TIMESTAMP HOSTNAME APP-NAME PROCID MSGID
	for i := range fields {
		field, rest, more := bytes.Cut(b, []byte(" "))
		if len(field) == 0 || !more {
			return false
		}
		fields[i], b = field, rest
	}
	if len(b) == 0 || b[0] != '-' && b[0] != '[' {
		return false // no STRUCTURED-DATA
	}
	if stamp := fields[0]; string(stamp) != "-" {
		if isoStampLen(stamp) != len(stamp) {
			return false
		}
		h.stamp = stamp
	}
	if string(fields[2]) != "-" {
		h.program = fields[2]
	}
	return true
}

// syslogStampLen returns the length of the stamp at the start of b with the
// space behind it; 0 when there is none.
func syslogStampLen(b []byte) int {
	n := isoStampLen(b)
	if n == 0 && hasShape(b, "Aaa  d dd:dd:dd") {
		n = len("Aaa  d dd:dd:dd")
	}
	if n == 0 || n >= len(b) || b[n] != ' ' {
		return 0
	}
	return n + 1
}

// syslogTag reads "program:", "program[pid]:" or "program[pid]" and returns
// the program and the end; nil when it is none of them.
func syslogTag(b []byte) (program []byte, end int) {
	for i, c := range b {
		switch {
		case c == ':' && i > 0:
			return b[:i], i + 1
		case c == '[' && i > 0:
			n := bytes.IndexByte(b[i:], ']')
			if n < 0 {
				return nil, 0
			}
			if end = i + n + 1; end < len(b) && b[end] == ':' {
				end++
			}
			return b[:i], end
		case c <= ' ' || c == ':' || c == '[' || i == metric.MaxNameLen:
			return nil, 0
		}
	}
	return nil, 0
}
