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
	// MaxIntervals bounds the intervals that are open at once; 0:
	// DefaultMaxIntervals. Lines of others are late. Stamps come from the log, and
	// each could be of another interval.
	MaxIntervals int
}

// Recorder gathers intervals for one worker. It is not safe for concurrent
// use: each worker has its own, and the pipeline merges them at flush.
//
// Registration (Series, Derive, Family, Hide ...) is done once, in a parser's
// New, and costs allocations; recording (Inc, Observe ...) does not allocate
// once a name is known.
//
// With an Interval a program that goes on reading commits like this: when all
// workers are between blocks, one recorder takes the others' by Merge; of its
// Intervals those that are over are flushed; AppendOpen gives what is kept of
// the others, in it and in the state; then Bound is moved in each recorder, and
// the workers go on with Block.
type Recorder struct {
	opt     RecorderOptions
	series  []series
	byKey   map[string]ID // by series.key, without derived ones
	names   map[string]ID // series from SeriesBytes, by kind and name as in the log
	fromLog int           // series whose names came from the log
	finish  func(s Sample, seconds float64, emit func(Sample))
	key     []byte // scratch

	now    *table  // the current interval's; nil between blocks
	pages  []*page // now's
	second int64   // given to At last and taken; noSecond: At has to look
	seq    uint64  // of the current block, plus recorded; 0 before the first
	tables map[int64]*table
	void   *table           // of lines that are late
	used   int              // pages of tables
	spans  map[uint64]*span // by block, only with an Interval
	span   *span            // the current block's

	first, last           int64 // earliest and latest At, when timed
	blockFirst, blockLast int64 // of the current block, when blockTimed
	timed, blockTimed     bool

	at     int64  // the interval with which the settled blocks ended, when known
	known  bool   // some block had a stamp
	behind bool   // they ended with a line that was late
	before *table // what stands before the first stamp of all
	loaded uint64 // samples loaded, each older than any block

	from, until      int64 // which stamps are taken
	back             int64 // and those from here on that are before from, as further ones
	backwards        bool  // the log stands in such an interval
	late, unbelieved uint64
	further          uint64

	droppedSeries, droppedValues uint64
}

// recorded is the seq of block 0: all that was loaded is older.
const recorded = 1 << 32

// pendingMax is how many observations are gathered before they are added in
// one pass: long enough to hide the loop's set-up, short enough to stay in L1.
const pendingMax = 256

// NewRecorder returns an empty Recorder.
func NewRecorder(opt RecorderOptions) *Recorder {
	if opt.MaxSeries == 0 {
		opt.MaxSeries = DefaultMaxSeries
	}
	if opt.MaxIntervals == 0 {
		opt.MaxIntervals = DefaultMaxIntervals
	}
	r := &Recorder{
		opt:    opt,
		byKey:  make(map[string]ID),
		names:  make(map[string]ID),
		tables: make(map[int64]*table),
		spans:  make(map[uint64]*span),
		void:   new(table),
		before: new(table),
		from:   math.MinInt64,
		until:  math.MaxInt64,
		back:   math.MaxInt64,
	}
	r.leave()
	return r
}

// Inc counts n more occurrences, for counters.
func (r *Recorder) Inc(id ID, n uint64) {
	c := r.cell(id)
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
	c := r.cell(id)
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

// SetForm is Observe for a value whose form is known only from the log; the form
// of the last value stands.
func (r *Recorder) SetForm(id ID, v float64, f Form) {
	r.Observe(id, v)
	if math.Abs(v) <= MaxValue { // else it was dropped
		c := r.cell(id)
		c.form, c.hasForm, c.seq = f, true, r.seq
	}
}

// Add adds a member to a set; member may be changed after the call.
func (r *Recorder) Add(id ID, member []byte) {
	c := r.cell(id)
	if c.members == nil {
		c.members = new(Members)
	}
	c.Count++
	c.members.Add(member)
}

// Full reports whether more than half of MaxSeries are taken by names from the
// log. They never expire: a program that runs for long makes new recorders and
// parsers then, and has the open intervals go on in them by AppendOpen and Load.
func (r *Recorder) Full() bool { return r.fromLog > r.opt.MaxSeries/2 }

// Dropped returns how often a series beyond MaxSeries was asked for, and how
// many values and samples could not be taken, since the recorder was made.
func (r *Recorder) Dropped() (series, values uint64) { return r.droppedSeries, r.droppedValues }

// cell returns the current interval's cell of id.
func (r *Recorder) cell(id ID) *cell {
	if i := int(id / pageCells); i < len(r.pages) && r.pages[i] != nil {
		return &r.pages[i][id%pageCells]
	}
	return r.makeCell(id)
}

func (r *Recorder) makeCell(id ID) *cell {
	if r.now == nil || int(id) >= len(r.series) {
		panic("BUG: recorded before Block, or for a series of another recorder")
	}
	used := r.now.used
	c := r.now.at(id)
	r.used += r.now.used - used
	r.pages = r.now.pages
	return c
}
