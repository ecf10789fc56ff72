package parsers

import (
	"bytes"

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
	for data := b.Bytes; len(data) > 0; {
		var line []byte
		line, data = cutLine(data)
		st.Lines++
		v, timed := fn(line, rec)
		verdicts[v]++
		if wantTime && !timed {
			st.Untimed++
		}
	}
	st.Skipped, st.Rejected = verdicts[Skipped], verdicts[Rejected]
	return st
}

// cutLine returns the first line of data, without '\n' or "\r\n", and the rest.
func cutLine(data []byte) (line, rest []byte) {
	n := bytes.IndexByte(data, '\n')
	if n < 0 {
		return data, nil
	}
	line, rest = data[:n], data[n+1:]
	if n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, rest
}
