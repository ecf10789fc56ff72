package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/internal/logformat"
)

// log4jLayout is the shape of an event's first line: what stands where before
// the level, which is all that tells the layouts of one program's log apart
// from what users make it log. Zero is none.
type log4jLayout uint16

// A layout is the kind of its stamp, how its fraction starts, and the places
// of the stamp, the thread and the level.
const (
	log4jISO      log4jLayout = iota + 1 // 2026-11-20 21:59:41
	log4jISOT                            // 2026-11-20T21:59:41
	log4jDayFirst                        // 20 Nov 2026 21:59:41
	log4jClock                           // 21:59:41
	log4jToken                           // any other run of digits and -_:.
	log4jSimple                          // LEVEL - message, without a stamp
	log4jJSON                            // one object a line
	log4jSyslog                          // <PRI>1 ..., RFC 5424
	log4jPattern                         // by --pattern
	log4jPatternT                        // the same with a T in the stamp

	log4jComma        log4jLayout = 1 << 4 // the fraction starts with ','
	log4jPoint        log4jLayout = 1 << 5 // the fraction starts with '.'
	log4jStampInBrack log4jLayout = 1 << 6 // [stamp]
	log4jThreadFirst  log4jLayout = 1 << 7 // [thread] stands before the level
	log4jLevelInBrack log4jLayout = 1 << 8 // [LEVEL]
	log4jLevelFirst   log4jLayout = 1 << 9 // the level stands before the stamp
)

// maxThread is how long a thread's name can be for its line to be known.
const maxThread = 256

// log4jHeader is what an event's first line tells.
type log4jHeader struct {
	layout    log4jLayout
	level     int // index in levels; -1 for one that is not among them
	stamp     int // where the stamp starts; -1 without
	exception bool
}

// log4jScanner knows the first lines of events by their shape.
type log4jScanner struct {
	levels *logformat.Levels
	// severities are the levels' indexes by syslog severity, as Log4j 2 maps
	// them; -1 where there is none.
	severities [8]int
	json       jsonScanner
}

// scan reads a line as the first of an event in any layout; ok is false when
// it is none. Each line is looked at without regard to the others.
func (s *log4jScanner) scan(line []byte) (h log4jHeader, ok bool) {
	if len(line) == 0 {
		return h, false
	}
	switch c := line[0]; {
	case isDigit(c):
		return s.scanStamped(line)
	case c == '[':
		if len(line) > 1 && isDigit(line[1]) {
			return s.scanStamped(line)
		}
		return s.scanLevelFirst(line)
	case c == '{':
		return s.scanJSON(line)
	case c == '<':
		return s.scanSyslog(line)
	case s.levels.Starts(c):
		return s.scanLevelFirst(line)
	}
	return h, false
}

// scanStamped reads "stamp LEVEL", "[stamp] LEVEL", "stamp [thread] LEVEL",
// each with the level in brackets too.
func (s *log4jScanner) scanStamped(line []byte) (h log4jHeader, ok bool) {
	i := 0
	if line[0] == '[' {
		i, h.layout = 1, log4jStampInBrack
	}
	h.stamp = i
	kind, n := log4jStamp(line[i:])
	if n == 0 {
		return h, false
	}
	h.layout |= kind
	i += n
	if h.layout&log4jStampInBrack != 0 {
		if i == len(line) || line[i] != ']' {
			return h, false
		}
		i++
	} else if i == len(line) || line[i] != ' ' {
		return h, false
	}
	i = spacesEnd(line, i)
	if i < len(line) && line[i] == '[' {
		if level, _ := s.bracketed(line[i:]); level >= 0 {
			h.level = level
			h.layout |= log4jLevelInBrack
			return h, true
		}
		h.layout |= log4jThreadFirst
		return s.scanThread(line[i+1:], h)
	}
	h.level, _ = s.levels.At(line[i:])
	return h, h.level >= 0
}

// bracketed reads "[LEVEL]", padded inside, and returns what is behind it.
func (s *log4jScanner) bracketed(b []byte) (level, end int) {
	i := spacesEnd(b, 1)
	level, n := s.levels.At(b[i:])
	if level < 0 {
		return -1, 0
	}
	if i = spacesEnd(b, i+n); i == len(b) || b[i] != ']' {
		return -1, 0
	}
	return level, i + 1
}

// scanThread reads what follows "[": the thread's name up to the first ']'
// with a level behind it. Names hold brackets and level words; they end before
// a " - ", so that a message cannot supply the level that a line of an
// unknown level lacks.
func (s *log4jScanner) scanThread(b []byte, h log4jHeader) (log4jHeader, bool) {
	b = b[:min(len(b), maxThread+logformat.MaxLevels)]
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], ']')
		if n < 0 || bytes.Contains(b[from:from+n], []byte(" - ")) {
			return h, false
		}
		from += n + 1
		i := spacesEnd(b, from)
		if h.level, _ = s.levels.At(b[i:]); h.level >= 0 {
			return h, i > from
		}
		if i < len(b) && b[i] == '[' {
			if h.level, _ = s.bracketed(b[i:]); h.level >= 0 {
				h.layout |= log4jLevelInBrack
				return h, true
			}
		}
	}
}

// scanLevelFirst reads "LEVEL - ", "LEVEL stamp" and "[LEVEL] stamp".
func (s *log4jScanner) scanLevelFirst(line []byte) (h log4jHeader, ok bool) {
	i := 0
	h.layout = log4jLevelFirst
	if line[0] == '[' {
		h.level, i = s.bracketed(line)
		h.layout |= log4jLevelInBrack
	} else {
		h.level, i = s.levels.At(line)
	}
	if h.level < 0 {
		return h, false
	}
	if h.layout == log4jLevelFirst && bytes.HasPrefix(line[i:], []byte(" - ")) {
		h.layout, h.stamp = log4jSimple, -1
		return h, true
	}
	i = spacesEnd(line, i)
	if i < len(line) && line[i] == '[' {
		i++
		h.layout |= log4jStampInBrack
	}
	h.stamp = i
	kind, n := log4jStamp(line[i:])
	if kind == log4jToken || n == 0 {
		return h, false
	}
	h.layout |= kind
	return h, true
}

// scanJSON reads a line of JsonLayout or of one of JsonTemplateLayout's: an
// object with a level.
func (s *log4jScanner) scanJSON(line []byte) (h log4jHeader, ok bool) {
	h.layout, h.level, h.stamp = log4jJSON, -1, -1
	if !s.json.scan(line) {
		return h, false
	}
	for n := range s.json.leaves {
		switch path := s.json.leafPath(n); {
		case string(path) == "level" || string(path) == "log.level":
			h.level, _ = s.levels.At(s.json.literal(n))
		case isJSONThrowable(path):
			h.exception = h.exception || s.json.leaves[n].kind != jsonWord
		case h.stamp < 0 && indexOf(defaultTimeKeys, path) >= 0:
			h.stamp = s.json.leaves[n].start
		}
	}
	return h, h.level >= 0
}

// isJSONThrowable reports whether Log4j's JsonLayout, its ECS or Logstash
// template, or logback's encoder writes a throwable there.
func isJSONThrowable(path []byte) bool {
	switch string(path) {
	case "error.type", "error.stack_trace", "stack_trace", "exception.stacktrace":
		return true
	}
	return bytes.HasPrefix(path, []byte("thrown."))
}

// scanSyslog reads a line of Rfc5424Layout; its severity stands for the level.
func (s *log4jScanner) scanSyslog(line []byte) (h log4jHeader, ok bool) {
	header, ok := readSyslogHeader(line)
	version := bytes.IndexByte(line, '>') + 1
	if !ok || header.stamp == nil || !bytes.HasPrefix(line[version:], []byte("1 ")) {
		return h, false
	}
	h.layout, h.level, h.stamp = log4jSyslog, s.severities[header.pri%8], version+len("1 ")
	return h, true
}

// log4jStamp returns the kind of the stamp at the start of b and its length, 0
// when there is none.
func log4jStamp(b []byte) (kind log4jLayout, n int) {
	switch {
	case hasShape(b, "dddd-dd-dd") && len(b) > 10 && hasShape(b[11:], "dd:dd:dd") && (b[10] == ' ' || b[10] == 'T'):
		kind, n = log4jISO, 19
		if b[10] == 'T' {
			kind = log4jISOT
		}
	case hasShape(b, "dd:dd:dd"):
		kind, n = log4jClock, 8
	case hasShape(b, "dd Aaa dddd dd:dd:dd"):
		kind, n = log4jDayFirst, 20
	default:
		return log4jToken, tokenEnd(b)
	}
	end := fractionEnd(b, n)
	if end > n && b[n] == ',' {
		kind |= log4jComma
	} else if end > n {
		kind |= log4jPoint
	}
	if end = zoneEnd(b, end); end < len(b) && b[end] != ' ' && b[end] != ']' {
		return log4jToken, tokenEnd(b)
	}
	return kind, end
}

// tokenEnd returns the length of the run of digits and -_:., at the start of
// b, which is what Logster takes for a stamp, and the comma of Log4j's.
func tokenEnd(b []byte) (n int) {
	for n < len(b) && (isDigit(b[n]) || b[n] == '-' || b[n] == '_' || b[n] == ':' || b[n] == '.' || b[n] == ',') {
		n++
	}
	return n
}

func spacesEnd(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}
