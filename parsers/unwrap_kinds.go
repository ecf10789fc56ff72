package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/internal/logtime"
)

// What is put around a line:
//
//	2016-10-06T00:17:09.669794202Z stdout F message                          cri
//	{"log":"message\n","stream":"stdout","time":"2016-10-06T00:17:09.66Z"}   docker
//	<190>Nov 21 02:35:28 web1 nginx: message                                 syslog, RFC 3164
//	2026-11-21T02:35:15.123456-05:00 web1 nginx[15]: message                 syslog, RFC 3339 stamps
//	<190>1 2026-11-21T02:35:01.5Z web1 nginx 3 - [a@1 k="v"] message         syslog, RFC 5424
//
// cri is the logging format of the Kubernetes CRI: stamp, stream, tags with
// ':' between, of which the first is F, or P when the line goes on in the next of
// its stream. In docker's a log without '\n' at its end goes on.

// wrappingReader returns what takes lines of a kind apart; stamps are read by times.
func wrappingReader(kind string, times *logtime.Reader) func([]byte, *wrapped) bool {
	switch kind {
	case "cri":
		return func(line []byte, w *wrapped) bool { return readCRI(line, times, w) }
	case "docker":
		d := &dockerReader{times: times, json: jsonScanner{sep: []byte("."), words: true}}
		return d.read
	}
	return func(line []byte, w *wrapped) bool { return readSyslogMessage(line, times, w) }
}

// streamOf returns the number of a stream.
func streamOf(name []byte) (n int, ok bool) {
	switch string(name) {
	case "stdout":
		return 0, true
	case "stderr":
		return 1, true
	}
	return 0, false
}

func readCRI(line []byte, times *logtime.Reader, w *wrapped) (ok bool) {
	n := isoStampLen(line)
	if n == 0 {
		return false
	}
	stamp, rest, _ := bytes.Cut(line, []byte(" "))
	stream, rest, _ := bytes.Cut(rest, []byte(" "))
	tags, text, _ := bytes.Cut(rest, []byte(" "))
	if len(stamp) != n || len(tags) == 0 || len(tags) > 1 && tags[1] != ':' || tags[0] != 'F' && tags[0] != 'P' {
		return false
	}
	w.text, w.part = text, tags[0] == 'P'
	w.unix, _, w.timed = times.ISO8601(stamp)
	w.stream, ok = streamOf(stream)
	return ok
}

// dockerReader reads the lines of docker's json-file driver.
type dockerReader struct {
	times *logtime.Reader
	json  jsonScanner
	text  []byte
}

func (d *dockerReader) read(line []byte, w *wrapped) (ok bool) {
	if len(line) == 0 || line[0] != '{' || !d.json.scan(line) {
		return false
	}
	*w = wrapped{}
	for n := range d.json.leaves {
		switch literal := d.json.literal(n); string(d.json.leafPath(n)) {
		case "log":
			if ok || d.json.leaves[n].kind == jsonWord {
				return false
			}
			d.text, ok = appendUnescaped(d.text[:0], literal, len(literal)), true
		case "stream":
			w.stream, _ = streamOf(literal)
		case "time":
			w.unix, _, w.timed = d.times.ISO8601(literal)
		}
	}
	w.text = withoutLF(d.text)
	w.part = len(w.text) == len(d.text)
	for i, c := range w.text {
		if c == '\n' {
			w.text[i] = ' ' // docker writes none there, and it would be one more line
		}
	}
	return ok
}

func readSyslogMessage(line []byte, times *logtime.Reader, w *wrapped) (ok bool) {
	*w = wrapped{}
	pri, rest, ok := cutPRI(line)
	if !ok {
		return false
	}
	if pri >= 0 && bytes.HasPrefix(rest, []byte("1 ")) {
		return readMessage5424(rest[len("1 "):], times, w)
	}
	n := syslogStampLen(rest)
	if n == 0 {
		return false
	}
	w.unix, _, w.timed = times.Any(rest)
	rest = rest[n:]
	host, message, _ := bytes.Cut(rest, []byte(" "))
	if len(host) == 0 {
		return false
	}
	if program, end := syslogTag(host); program == nil || end < len(host) { // else there is no host
		rest = bytes.TrimLeft(message, " ")
	}
	if program, end := syslogTag(rest); program != nil {
		rest = rest[end:]
	}
	w.text = bytes.TrimPrefix(rest, []byte(" "))
	return true
}

// readMessage5424 reads what follows the version of an RFC 5424 header.
func readMessage5424(b []byte, times *logtime.Reader, w *wrapped) bool {
	var h syslogHeader
	if !h.read5424(b) {
		return false
	}
	w.unix, _, w.timed = times.ISO8601(h.stamp)
	for range 5 { // TIMESTAMP HOSTNAME APP-NAME PROCID MSGID
		_, b, _ = bytes.Cut(b, []byte(" "))
	}
	n := structuredDataLen(b)
	if n == 0 || n < len(b) && b[n] != ' ' {
		return false
	}
	w.text = bytes.TrimPrefix(bytes.TrimPrefix(b[n:], []byte(" ")), []byte("\ufeff"))
	return true
}

// structuredDataLen returns the length of the STRUCTURED-DATA at the start of
// b, "-" or elements in brackets; 0 when it has no end.
func structuredDataLen(b []byte) (n int) {
	if len(b) > 0 && b[0] == '-' {
		return 1
	}
	for n < len(b) && b[n] == '[' {
		quoted := false
		for n++; n < len(b) && (quoted || b[n] != ']'); n++ {
			switch {
			case b[n] == '"':
				quoted = !quoted
			case b[n] == '\\' && quoted:
				n++
			}
		}
		if n >= len(b) {
			return 0
		}
		n++
	}
	return n
}
