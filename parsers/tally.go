package parsers

import "github.com/logmetrics/logmetrics/metric"

// tally counts for a parser that knows its series: it tells the recorder at
// the end of a block, or when log time moves on, instead of for each line.
type tally struct {
	ids []metric.ID
	n   []uint64 // counted since the recorder was last told

	now   int64 // second of the last stamped line of this block, when timed
	timed bool
}

// add registers a place for a counter and returns it.
func (t *tally) add(id metric.ID) int {
	t.ids, t.n = append(t.ids, id), append(t.n, 0)
	return len(t.ids) - 1
}

// counter declares a counter and returns its place.
func (t *tally) counter(rec *metric.Recorder, name, unit string) int {
	id := rec.Series(name, metric.Counter, metric.Shortest)
	rec.Unit(id, unit)
	return t.add(id)
}

// hidden declares a counter that derived values alone are made of.
func (t *tally) hidden(rec *metric.Recorder, name string) int {
	place := t.counter(rec, name, "")
	rec.Hide(t.ids[place])
	return place
}

// lines is eachLine for a fn that counts in t.
func (t *tally) lines(b Block, rec *metric.Recorder, wantTime bool, fn func([]byte, *metric.Recorder) (Verdict, bool)) Stats {
	t.timed = false
	st := eachLine(b, rec, wantTime, fn)
	t.settle(rec)
	return st
}

// at says that what follows belongs to the second unix.
func (t *tally) at(unix int64, rec *metric.Recorder) {
	if !t.timed || unix != t.now {
		t.settle(rec) // what was counted belongs to the time before
		t.now, t.timed = unix, true
	}
	rec.At(unix)
}

// settle tells the recorder what was counted since the last call.
func (t *tally) settle(rec *metric.Recorder) {
	for i, n := range t.n {
		if n > 0 {
			rec.Inc(t.ids[i], n)
			t.n[i] = 0
		}
	}
}

// deriveRates declares Logster's gauges of the places, which come in the order
// of names: how many per so many seconds, 0.0 without a known interval.
func (t *tally) deriveRates(rec *metric.Recorder, first int, names []string, seconds float64, unit string) {
	for i, name := range names {
		id := t.ids[first+i]
		gauge := rec.Derive(name, metric.PyFloat, func(v metric.View) (float64, bool) {
			if v.Seconds() <= 0 {
				return 0, false
			}
			return v.Sum(id) / (v.Seconds() / seconds), true
		})
		rec.Unit(gauge, unit)
		rec.ZeroAs(gauge, metric.PyFloat)
	}
}

// maxSizeDigits bounds the size of a reply: 100 TB is not one.
const maxSizeDigits = 14

// size reads the bytes of a reply, "-" when there were none.
func size(b []byte) (n uint64, ok bool) {
	if len(b) == 1 && b[0] == '-' {
		return 0, true
	}
	return digits(b, maxSizeDigits)
}
