package metric

import "math"

// DefaultMaxSeries bounds the series whose names come from the log.
const DefaultMaxSeries = 10000

// Overflow is the name, or the tag value, under which the values of series
// beyond the bound are gathered.
const Overflow = "overflow"

// MaxValue is the largest magnitude that is recorded: far beyond any quantity,
// and small enough that no sum of squares of it becomes infinite.
const MaxValue = 1e100

// ID is a series of one Recorder. It means nothing to another Recorder.
type ID uint32

// RecorderOptions configure a Recorder. The zero value is ready.
type RecorderOptions struct {
	// MaxSeries bounds the names taken from the log; 0: DefaultMaxSeries.
	MaxSeries int
	// Interval is the length in seconds of the intervals into which At sorts
	// what follows; 0: there is one interval and At only notes the time.
	Interval int64
}

// Recorder gathers intervals for one worker. It is not safe for concurrent
// use: each worker has its own, and the pipeline merges them at flush.
//
// Registration (Series, Derive, Family, Hide ...) is done once, in a parser's
// New, and costs allocations; recording (Inc, Observe ...) does not allocate
// once a name is known.
type Recorder struct {
	opt     RecorderOptions
	series  []series
	byKey   map[string]ID // by series.key, without derived ones
	names   map[string]ID // series from SeriesBytes, by kind and name as in the log
	fromLog int           // series whose names came from the log
	finish  func(s Sample, seconds float64, emit func(Sample))
	key     []byte // scratch

	cells  []cell // the current interval's, as long as series
	now    *table // the current interval's
	seq    uint64 // of the current block, plus 1; 0 before the first
	tables map[int64]*table
	spans  map[uint64]*span // by block, only with At
	span   *span            // the current block's, nil before its first At
	first  int64            // earliest and latest At
	last   int64
	timed  bool
	at     int64 // the interval with which the settled blocks ended, when known
	known  bool

	droppedSeries, droppedValues uint64
}

// cell is one series in one interval.
type cell struct {
	Bucket
	seq     uint64 // block of Last, as Recorder.seq
	form    Form   // of Last, when hasForm
	hasForm bool
	pending []float64 // timers: observed, not yet in Bucket and dist
	dist    *Dist
	members *Members
}

type table struct{ cells []cell }

// pendingMax is how many observations are gathered before they are added in
// one pass: long enough to hide the loop's set-up, short enough to stay in L1.
const pendingMax = 256

// NewRecorder returns an empty Recorder.
func NewRecorder(opt RecorderOptions) *Recorder {
	if opt.MaxSeries == 0 {
		opt.MaxSeries = DefaultMaxSeries
	}
	r := &Recorder{
		opt:    opt,
		byKey:  make(map[string]ID),
		names:  make(map[string]ID),
		tables: make(map[int64]*table),
		spans:  make(map[uint64]*span),
	}
	r.enter(r.table(0))
	return r
}

// Inc counts n more occurrences, for counters.
func (r *Recorder) Inc(id ID, n uint64) {
	c := &r.cells[id]
	c.Count += n
	c.Sum += float64(n)
}

// Observe records one value: for timers seconds, for counters an amount, for
// gauges a level. Values beyond [MaxValue] or not finite are dropped and counted.
func (r *Recorder) Observe(id ID, v float64) {
	if !(math.Abs(v) <= MaxValue) { // also NaN
		r.droppedValues++
		return
	}
	c := &r.cells[id]
	switch r.series[id].kind {
	case Timer:
		c.seq = r.seq
		c.pending = append(c.pending, v)
		if len(c.pending) >= pendingMax {
			c.settle()
		}
	case Counter:
		c.Count++
		c.Sum += v
	default:
		c.Bucket.Observe(v)
		c.seq = r.seq
	}
}

// Set records a gauge's level, under the rules of Observe.
func (r *Recorder) Set(id ID, v float64) { r.Observe(id, v) }

// SetForm is Set for a value whose form is known only from the log.
func (r *Recorder) SetForm(id ID, v float64, f Form) {
	r.Observe(id, v)
	r.cells[id].form, r.cells[id].hasForm = f, true
}

// Add adds a member to a set; member may be changed after the call.
func (r *Recorder) Add(id ID, member []byte) {
	c := &r.cells[id]
	if c.members == nil {
		c.members = new(Members)
	}
	c.Count++
	c.members.Add(member)
}

// settle adds the pending observations.
func (c *cell) settle() {
	if len(c.pending) == 0 {
		return
	}
	if c.dist == nil {
		c.dist = new(Dist)
	}
	c.dist.AddAll(c.pending)
	c.Bucket.Merge(summarize(c.pending))
	c.pending = c.pending[:0]
}

// summarize keeps its sums in variables of their own: a Bucket's fields would
// go through memory for each value.
func summarize(values []float64) Bucket {
	sum, low, high := 0.0, values[0], values[0]
	for _, v := range values {
		sum += v
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	mean, m2 := sum/float64(len(values)), 0.0
	for _, v := range values {
		m2 += (v - mean) * (v - mean)
	}
	return Bucket{Count: uint64(len(values)), Sum: sum, Min: low, Max: high, M2: m2, Last: values[len(values)-1]}
}

// Dropped returns how often a series beyond MaxSeries was asked for, and how
// many values and samples could not be taken, since the last Flush.
func (r *Recorder) Dropped() (series, values uint64) { return r.droppedSeries, r.droppedValues }

func (r *Recorder) table(start int64) *table {
	t := r.tables[start]
	if t == nil {
		t = new(table)
		r.tables[start] = t
	}
	return t
}

func (r *Recorder) enter(t *table) {
	r.now = t
	r.grow()
}

// grow makes the current interval's cells as long as the series.
func (r *Recorder) grow() {
	t := r.now
	t.pad(len(r.series))
	r.cells = t.cells
}

// pad makes t as long as n series.
func (t *table) pad(n int) {
	if short := n - len(t.cells); short > 0 {
		t.cells = append(t.cells, make([]cell, short)...)
	}
}
