package parsers

import (
	"github.com/logmetrics/logmetrics/internal/newline"
	"github.com/logmetrics/logmetrics/metric"
)

// Verdict is what became of one line.
type Verdict uint8

// The verdicts.
const (
	Matched  Verdict = iota // it gave values
	Skipped                 // of another program, or of no interest
	Rejected                // it should have decoded and did not
)

// PerLine makes a Parser of a function that is called for each line, without
// its '\n' and without a '\r' before it. The line must not be kept or changed.
func PerLine(fn func(line []byte, rec *metric.Recorder) Verdict) Parser { return perLine(fn) }

type perLine func(line []byte, rec *metric.Recorder) Verdict

// Parse implements Parser.
func (fn perLine) Parse(b Block, rec *metric.Recorder) Stats {
	return eachLine(b, rec, false, func(line []byte, rec *metric.Recorder) (Verdict, bool) {
		return fn(line, rec), false
	})
}

// eachLine gives each line of b to fn, which says what became of it and, with
// wantTime, whether it called Recorder.At.
func eachLine(b Block, rec *metric.Recorder, wantTime bool, fn func([]byte, *metric.Recorder) (v Verdict, timed bool)) (st Stats) {
	var verdicts [Rejected + 1]int
	var ends lineEnds
	for start, next := 0, 0; next < len(b.Bytes); {
		var n int
		n, next = newline.Ends(ends[:], b.Bytes, next)
		st.Lines += n
		for _, end := range ends[:n] {
			v, timed := fn(withoutCR(b.Bytes[start:end]), rec)
			start = int(end) + 1
			verdicts[v]++
			if wantTime && !timed {
				st.Untimed++
			}
		}
	}
	st.Skipped, st.Rejected = verdicts[Skipped], verdicts[Rejected]
	return st
}

// lineEnds has room for as many lines as fit, with their text, into a
// processor's first cache: they are looked at twice.
type lineEnds [256]uint32

func withoutCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
