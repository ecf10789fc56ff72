package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// block is the part of buf for the inner parser, like b in all else.
func (u *unwrapper) block(b Block, from, to int, final bool) Block {
	b.Bytes, b.Final = u.buf[from:to:to], final
	return b
}

// unwrapAgain is how long a record that goes on in other seconds may be, in
// bytes, to be given to the inner parser again with the lines of each second.
// Longer ones come again with as much as they have themselves, or a record of
// n seconds would cost n times its length.
const unwrapAgain = 4 << 10

// feed has the inner parser parse buf up to end, second by second.
func (u *unwrapper) feed(b Block, end int, rec *metric.Recorder) (st Stats) {
	runs := u.runs
	for len(runs) > 0 && runs[len(runs)-1].at >= end {
		runs = runs[:len(runs)-1]
	}
	if len(runs) == 0 {
		return u.inner.Parse(u.block(b, 0, end, b.Final), rec)
	}
	for i := 0; i < len(runs); {
		run, from := runs[i], runs[i].at
		size := 1
		if st.Held > 0 {
			// The record before is of its own time. It ends where a line starts
			// another: one line is enough to know.
			start, first := from-st.Held, nextLine(u.buf[:end], from)
			u.more(b, start, first, false, rec, &st)
			if from = first - st.Held; from == start && st.Held > unwrapAgain {
				size = st.Held
			}
		}
		to := end
		for i++; i < len(runs); i++ {
			if to = runs[i].at; to-run.at >= size {
				break
			}
			to = end
		}
		if run.timed {
			// As often as there are lines: late ones are counted.
			for range bytes.Count(u.buf[run.at:to], []byte{'\n'}) {
				rec.At(run.unix)
			}
		}
		u.more(b, from, to, to == end && b.Final, rec, &st)
	}
	return st
}

// more has the inner parser parse another part of buf, which starts with what it held.
func (u *unwrapper) more(b Block, from, to int, final bool, rec *metric.Recorder, st *Stats) {
	got := u.inner.Parse(u.block(b, from, to, final), rec)
	st.Add(got)
	st.Held = got.Held
}
