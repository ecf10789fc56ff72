package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/internal/rules"
	"github.com/logmetrics/logmetrics/metric"
)

// A record starts at a line that --multiline-start matches, and goes on up to
// the next such line; without one before them, lines are a record, too. What
// would make a record longer than MaxHeld starts another.

// records is Parse for records of several lines. The last one is held: more of
// it may come.
func (p *regexParser) records(b Block, rec *metric.Recorder) (st Stats) {
	start, lines := 0, 0
	for at := 0; at < len(b.Bytes); lines++ {
		end := nextLine(b.Bytes, at)
		if lines > 0 && p.endsAt(b.Bytes[at:end], end-start) {
			st.count(p.engine.Record(b.Bytes[start:at-1], lines, b.Newest, rec))
			start, lines = at, 0
		}
		at = end
	}
	switch {
	case lines == 0:
	case b.Final || len(b.Bytes)-start > MaxHeld:
		st.count(p.engine.Record(withoutLF(b.Bytes[start:]), lines, b.Newest, rec))
	default:
		st.Held = len(b.Bytes) - start
	}
	return st
}

// endsAt reports whether a record ends before line, with which it would be of
// that size.
func (p *regexParser) endsAt(line []byte, size int) bool {
	// A pattern's time is bounded like that of the rules.
	if p.starts.Match(withoutCR(withoutLF(line[:min(len(line), rules.MaxLine)]))) {
		return true
	}
	if size > MaxHeld {
		p.cut++
		return true
	}
	return false
}

// nextLine returns where the line after the one at i starts.
func nextLine(b []byte, i int) int {
	if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(b)
}

func withoutLF(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\n'}) }
