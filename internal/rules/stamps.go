package rules

import (
	"bytes"
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/internal/logtime"
)

// timeSpec says how lines are stamped.
type timeSpec struct{ layout, after string }

// layoutNames are what time: may be.
var layoutNames = []string{"auto", "rfc3164", "rfc3339", "iso8601", "clf", "apache-error", "nginx-error", "epoch"}

func (t timeSpec) known() bool { return t.layout == "" || slices.Contains(layoutNames, t.layout) }

// Where a stamp is looked for when its place is not given: before any of
// these many words within so many bytes. A stamp is never further on in the
// formats known, and the search must stay short on lines without one.
const (
	maxStampWords = 16
	maxStampBytes = 256
)

// stamps reads the time of lines.
type stamps struct {
	reader *logtime.Reader
	read   func([]byte) (unix int64, n int, ok bool)
	after  []byte // the stamp follows this; empty: it is searched for
	first  bool   // the stamp starts the line
}

func newStamps(c *Config, zone *time.Location) *stamps {
	r := logtime.New(zone)
	s := &stamps{reader: r, after: []byte(c.time.after), read: r.Any}
	switch c.time.layout {
	case "rfc3164":
		s.read = r.RFC3164
	case "rfc3339", "iso8601":
		s.read = r.ISO8601
	case "clf":
		s.read = r.CLF
	case "apache-error":
		s.read = r.ApacheError
	case "nginx-error":
		s.read = r.NginxError
	case "epoch": // any number looks like one
		s.read, s.first = r.Epoch, true
	}
	return s
}

// find returns the Unix second of the line.
func (s *stamps) find(line []byte) (unix int64, ok bool) {
	if len(s.after) > 0 {
		i := bytes.Index(line, s.after)
		if i < 0 {
			return 0, false
		}
		unix, _, ok = s.read(line[i+len(s.after):])
		return unix, ok
	}
	if unix, _, ok = s.read(line); ok || s.first {
		return unix, ok
	}
	words := 0
	for i := 1; i < min(len(line), maxStampBytes) && words < maxStampWords; i++ {
		if !startsWord(line[i-1], line[i]) {
			continue
		}
		words++
		if unix, _, ok = s.read(line[i:]); ok {
			return unix, true
		}
	}
	return 0, false
}

// startsWord reports whether a stamp can start at c, which follows before.
func startsWord(before, c byte) bool { return alnum(c) && !alnum(before) && before != '.' }

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
