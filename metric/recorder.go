package metric

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
)

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

type series struct {
	key      string // kind, name, tags: what Merge goes by
	name     string
	tags     Tags
	kind     Kind
	form     Form
	unit     string
	unitSeq  uint64 // 1 + the block in which unit was set; 0: it was not
	declared bool   // by Series or Derive: flushed in order, also when idle
	hidden   bool
	derive   func(View) (float64, bool)
	absent   Form // with sendZero: the form of the 0 sent when derive has no value
	sendZero bool
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

// span is what log time needs to know of one block: the interval of its last
// stamped line, and what it recorded before its first stamped line, which
// belongs to the interval that the block before it ended with.
type span struct {
	last  int64
	timed bool
	carry *table
}

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

// Series declares a series. It is sent in the order of declaration, and as 0
// when nothing was recorded. Declaring it again returns the same ID.
// It panics when name is not valid: declared names are the program's own.
func (r *Recorder) Series(name string, k Kind, f Form) ID {
	if !ValidName(name) {
		panic("BUG: invalid series name " + name)
	}
	id := r.intern(name, nil, k, f)
	r.series[id].declared = true
	return id
}

// Unit sets the text of the unit that outputs may carry for id. When workers
// differ, Merge takes the one that was set in the earliest block. It panics
// when text has control characters.
func (r *Recorder) Unit(id ID, text string) {
	if !validUnit(text) {
		panic("BUG: invalid unit " + text)
	}
	r.series[id].unit, r.series[id].unitSeq = text, r.seq+1
}

// Hide keeps id out of what is flushed: it is there for derived values.
func (r *Recorder) Hide(id ID) { r.series[id].hidden = true }

// Derive declares a gauge computed from the merged interval, once, at flush.
// fn returns ok false when there is no value; then nothing is sent.
func (r *Recorder) Derive(name string, f Form, fn func(View) (value float64, ok bool)) ID {
	if !ValidName(name) {
		panic("BUG: invalid series name " + name)
	}
	r.series = append(r.series, series{name: name, kind: Gauge, form: f, declared: true, derive: fn})
	r.grow()
	return ID(len(r.series) - 1)
}

// ZeroAs makes a derived series without a value be sent as 0 in form f, as
// Logster does.
func (r *Recorder) ZeroAs(id ID, f Form) {
	r.series[id].sendZero, r.series[id].absent = true, f
}

// Finish sets what becomes of each sample at flush: fn calls emit for each
// sample to send in its place. It is for parsers in Logster's clothes, whose
// names from the log turn into other names and rates. It is called in the
// order of sending, for all samples but the derived ones.
func (r *Recorder) Finish(fn func(s Sample, seconds float64, emit func(Sample))) { r.finish = fn }

// SeriesBytes returns the series with the given name from the log, making it
// if need be. The name is made valid as AppendName does. Beyond MaxSeries
// names all new ones share the series "overflow" of their kind, and are
// counted in Dropped. name may be changed after the call.
func (r *Recorder) SeriesBytes(name []byte, k Kind) ID {
	r.key = append(append(r.key[:0], byte(k)), name...)
	if id, ok := r.names[string(r.key)]; ok {
		return id
	}
	r.key = AppendName(append(r.key[:0], byte(k)), name)
	if id, ok := r.names[string(r.key)]; ok {
		return id
	}
	if !r.has(r.key) && !r.admit() {
		r.key = append(append(r.key[:0], byte(k)), Overflow...)
		if id, ok := r.names[string(r.key)]; ok {
			return id
		}
	}
	key := string(r.key)
	id := r.intern(key[1:], nil, k, Shortest)
	r.names[key] = id
	return id
}

// has reports whether there is a series with that key: then it is free.
func (r *Recorder) has(key []byte) bool {
	_, ok := r.byKey[string(key)]
	return ok
}

// Family is the series of one name that differ by tags from the log.
type Family struct {
	r    *Recorder
	name string
	kind Kind
	keys []string
	ids  map[string]ID // by the values as in the log, each ended by 0
	key  []byte        // scratch
}

// Family declares series of one name with the given tag keys, which must be
// valid names, sorted and unique; else it panics.
func (r *Recorder) Family(name string, k Kind, keys ...string) *Family {
	for i, key := range keys {
		if !ValidName(key) || i > 0 && keys[i-1] >= key {
			panic("BUG: invalid tag key " + key + " of " + name)
		}
	}
	if !ValidName(name) {
		panic("BUG: invalid family " + name)
	}
	return &Family{r: r, name: name, kind: k, keys: keys, ids: make(map[string]ID)}
}

// ID returns the series with the given tag values, one for each key, making it
// if need be; values are made valid as AppendNode does. Beyond MaxSeries all
// new ones share the series whose tag values are "overflow". The values may be
// changed after the call.
func (f *Family) ID(values ...[]byte) ID {
	f.key = f.key[:0]
	for _, v := range values {
		f.key = append(append(f.key, v...), 0)
	}
	if id, ok := f.ids[string(f.key)]; ok {
		return id
	}
	return f.make(values)
}

func (f *Family) make(values [][]byte) ID {
	f.key = f.key[:0]
	for _, v := range values {
		f.key = append(AppendNode(f.key, v), 0)
	}
	if id, ok := f.ids[string(f.key)]; ok {
		return id
	}
	if !f.r.has(f.seriesKey()) && !f.r.admit() {
		f.key = f.key[:0]
		for range f.keys {
			f.key = append(append(f.key, Overflow...), 0)
		}
		if id, ok := f.ids[string(f.key)]; ok {
			return id
		}
	}
	tags := make(Tags, len(f.keys))
	for i, v := range strings.SplitN(string(f.key), "\x00", len(f.keys)+1)[:len(f.keys)] {
		tags[i] = Tag{f.keys[i], v}
	}
	id := f.r.intern(f.name, tags, f.kind, Shortest)
	f.ids[string(f.key)] = id
	return id
}

// seriesKey is the key of the series whose clean values stand in f.key, in
// the recorder's scratch.
func (f *Family) seriesKey() []byte {
	b := append(append(f.r.key[:0], byte(f.kind)), f.name...)
	rest := f.key
	for _, k := range f.keys {
		n := bytes.IndexByte(rest, 0)
		b = append(append(append(append(b, 0), k...), '='), rest[:n]...)
		rest = rest[n+1:]
	}
	f.r.key = b
	return b
}

// admit takes one more series from the log, or counts that it does not.
func (r *Recorder) admit() bool {
	if r.fromLog >= r.opt.MaxSeries {
		r.droppedSeries++
		return false
	}
	r.fromLog++
	return true
}

// intern returns the series with that name, tags and kind, making it if need be.
func (r *Recorder) intern(name string, tags Tags, k Kind, f Form) ID {
	key := seriesKey(name, tags, k)
	if id, ok := r.byKey[key]; ok {
		return id
	}
	id := ID(len(r.series))
	r.series = append(r.series, series{key: key, name: name, tags: tags, kind: k, form: f})
	r.byKey[key] = id
	r.grow()
	return id
}

func seriesKey(name string, tags Tags, k Kind) string {
	b := append([]byte{byte(k)}, name...)
	for _, t := range tags {
		b = append(append(append(append(b, 0), t.Key...), '='), t.Value...)
	}
	return string(b)
}

// Inc counts n more occurrences.
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

// Block says that what follows comes from the block seq; it is called before
// each Parse. "Last" means last by (seq, order within the block), whoever read it.
func (r *Recorder) Block(seq uint64) {
	r.seq = seq + 1
	r.span = nil
	if r.opt.Interval > 0 {
		// Until the block's first stamp its time is that of a block which
		// another worker may hold.
		r.span = &span{carry: new(table)}
		r.spans[seq] = r.span
		r.enter(r.span.carry)
	}
}

// At says that what follows belongs to the Unix second unix.
func (r *Recorder) At(unix int64) {
	if !r.timed {
		r.first, r.last, r.timed = unix, unix, true
	}
	r.first = min(r.first, unix)
	r.last = max(r.last, unix)
	if r.opt.Interval == 0 {
		return
	}
	start := floorTo(unix, r.opt.Interval)
	if r.span != nil {
		if r.span.timed && r.span.last == start {
			return
		}
		r.span.last, r.span.timed = start, true
	}
	r.enter(r.table(start))
}

func floorTo(t, step int64) int64 {
	m := t % step
	if m < 0 {
		m += step
	}
	return t - m
}

// Span returns the earliest and the latest second given to At; ok is false
// when there was none.
func (r *Recorder) Span() (first, last int64, ok bool) { return r.first, r.last, r.timed }

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

// Merge adds all that from has recorded, by name, and empties from, which
// stays usable. Counts, Count, Min, Max, Last and sets do not depend on how
// the log was cut between the two; Sum does to 1e-12 and M2 to 1e-9, relative.
func (r *Recorder) Merge(from *Recorder) {
	ids := make([]ID, len(from.series))
	for i := range from.series {
		ids[i] = r.adopt(&from.series[i])
	}
	for start, t := range from.tables {
		r.table(start).merge(t, ids, len(r.series))
	}
	for seq, s := range from.spans {
		carry := new(table)
		carry.merge(s.carry, ids, len(r.series))
		r.spans[seq] = &span{last: s.last, timed: s.timed, carry: carry}
	}
	if from.timed {
		if !r.timed {
			r.first, r.last, r.timed = from.first, from.last, true
		}
		r.first, r.last = min(r.first, from.first), max(r.last, from.last)
	}
	r.droppedSeries += from.droppedSeries
	r.droppedValues += from.droppedValues
	r.grow()
	from.reset()
}

// adopt returns this recorder's series for one of another's.
func (r *Recorder) adopt(s *series) ID {
	if s.derive != nil {
		return 0 // derived series have no cells of their own
	}
	if id, ok := r.byKey[s.key]; ok {
		if mine := &r.series[id]; s.unitSeq > 0 && (mine.unitSeq == 0 || s.unitSeq < mine.unitSeq) {
			mine.unit, mine.unitSeq = s.unit, s.unitSeq
		}
		return id
	}
	if !s.declared && !s.overflow() && !r.admit() {
		tags := slices.Clone(s.tags)
		for i := range tags {
			tags[i].Value = Overflow
		}
		name := s.name
		if len(tags) == 0 {
			name = Overflow
		}
		return r.intern(name, tags, s.kind, s.form)
	}
	id := r.intern(s.name, s.tags, s.kind, s.form)
	mine := &r.series[id]
	mine.unit, mine.unitSeq, mine.hidden, mine.declared = s.unit, s.unitSeq, s.hidden, s.declared
	if len(s.tags) == 0 && !s.declared {
		r.names[s.key] = id
	}
	return id
}

// overflow reports whether s gathers what is beyond the bound.
func (s *series) overflow() bool {
	if len(s.tags) == 0 {
		return s.name == Overflow
	}
	return !slices.ContainsFunc(s.tags, func(t Tag) bool { return t.Value != Overflow })
}

func (r *Recorder) reset() {
	clear(r.tables)
	clear(r.spans)
	r.span, r.timed = nil, false
	r.first, r.last = 0, 0
	r.droppedSeries, r.droppedValues = 0, 0
	r.enter(r.table(0))
}

func (t *table) merge(from *table, ids []ID, n int) {
	t.pad(n)
	for i := range from.cells {
		t.cells[ids[i]].merge(&from.cells[i], false)
	}
}

// merge adds o and takes over what o points to. Of the same block, o counts as
// the later one, unless earlier is set.
func (c *cell) merge(o *cell, earlier bool) {
	o.settle()
	if o.Count == 0 {
		return
	}
	c.settle()
	last, seq, form, hasForm := o.Last, o.seq, o.form, o.hasForm
	if c.Count > 0 && (c.seq > o.seq || earlier && c.seq == o.seq) {
		last, seq, form, hasForm = c.Last, c.seq, c.form, c.hasForm
	}
	c.Bucket.Merge(o.Bucket)
	c.Last, c.seq, c.form, c.hasForm = last, seq, form, hasForm
	switch {
	case c.dist == nil:
		c.dist = o.dist
	default:
		c.dist.Merge(o.dist)
	}
	switch {
	case c.members == nil:
		c.members = o.members
	default:
		c.members.Merge(o.members)
	}
}

// Intervals returns the starts of the intervals that hold values, ascending;
// with Interval 0 it is [0]. It must be called on a merged recorder.
func (r *Recorder) Intervals() []int64 {
	if r.opt.Interval == 0 {
		return []int64{0}
	}
	r.settleSpans()
	starts := make([]int64, 0, len(r.tables))
	for start, t := range r.tables {
		switch {
		case !t.empty():
			starts = append(starts, start)
		case t != r.now:
			delete(r.tables, start) // stamps without values: nobody would flush it
		}
	}
	slices.Sort(starts)
	return starts
}

func (t *table) empty() bool {
	for i := range t.cells {
		if t.cells[i].Count > 0 || len(t.cells[i].pending) > 0 {
			return false
		}
	}
	return true
}

// settleSpans gives what blocks recorded before their first stamp to the
// interval with which the blocks before them ended.
func (r *Recorder) settleSpans() {
	seqs := make([]uint64, 0, len(r.spans))
	for seq := range r.spans {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		s := r.spans[seq]
		if !s.carry.empty() {
			if !r.known {
				r.at, r.known = r.firstStart(), true
			}
			r.table(r.at).take(s.carry, len(r.series))
		}
		if s.timed {
			r.at, r.known = s.last, true
		}
		delete(r.spans, seq)
	}
}

// take adds what stands before all that t has of the same block.
func (t *table) take(carry *table, n int) {
	t.pad(n)
	for i := range carry.cells {
		t.cells[i].merge(&carry.cells[i], true)
	}
}

// pad makes t as long as n series.
func (t *table) pad(n int) {
	if short := n - len(t.cells); short > 0 {
		t.cells = append(t.cells, make([]cell, short)...)
	}
}

// firstStart is where lines go that stand before the first stamp of all.
func (r *Recorder) firstStart() int64 {
	if !r.timed {
		return 0
	}
	return floorTo(r.first, r.opt.Interval)
}

// Flush moves the one interval into b.Samples and empties the recorder; b's
// Start and End must be set, they give the length for rates. Declared and
// derived series come first, in order of declaration, then names from the
// log, sorted.
func (r *Recorder) Flush(b *Batch) {
	r.FlushInterval(0, b)
	r.reset()
}

// FlushInterval is Flush for the interval that starts at start, one of
// Intervals, and leaves the others.
func (r *Recorder) FlushInterval(start int64, b *Batch) {
	t := r.table(start)
	t.pad(len(r.series))
	v := View{r: r, t: t, seconds: b.Seconds()}
	emit := func(s Sample) {
		if s.check() != nil { // of Finish or Derive: one bad sample must not cost the batch
			r.droppedValues++
			return
		}
		b.Samples = append(b.Samples, s)
	}
	var rest []ID
	for i := range r.series {
		switch s := &r.series[i]; {
		case s.derive != nil:
			if sample, ok := s.derived(v); ok {
				emit(sample)
			}
		case s.declared:
			r.emit(ID(i), v, emit)
		default:
			rest = append(rest, ID(i))
		}
	}
	slices.SortFunc(rest, func(x, y ID) int { return r.series[x].compare(&r.series[y]) })
	for _, id := range rest {
		if c := &t.cells[id]; c.Count > 0 || len(c.pending) > 0 {
			r.emit(id, v, emit)
		}
	}
	delete(r.tables, start)
	if r.now == t {
		r.enter(r.table(0))
	}
}

// compare orders names from the log by name, then tags, then kind.
func (s *series) compare(o *series) int {
	return cmp.Or(cmp.Compare(s.key[1:], o.key[1:]), cmp.Compare(s.kind, o.kind))
}

func (r *Recorder) emit(id ID, v View, emit func(Sample)) {
	if r.series[id].hidden {
		return
	}
	s := v.sample(id)
	if r.finish != nil {
		r.finish(s, v.seconds, emit)
		return
	}
	emit(s)
}

// sample hands over what the cell points to.
func (v View) sample(id ID) Sample {
	s, c := &v.r.series[id], &v.t.cells[id]
	c.settle()
	form := s.form
	if c.hasForm {
		form = c.form
	}
	bucket := c.Bucket
	if s.kind == Counter { // the rest would depend on how the log was cut
		bucket = Bucket{Count: c.Count, Sum: c.Sum}
	}
	return Sample{Name: s.name, Tags: s.tags, Kind: s.kind, Form: form, Unit: s.unit, Bucket: bucket, Dist: c.dist, Members: c.members}
}

func (s *series) derived(v View) (Sample, bool) {
	value, ok := s.derive(v)
	form := s.form
	if !ok || math.IsNaN(value) || math.IsInf(value, 0) {
		if !s.sendZero {
			return Sample{}, false
		}
		value, form = 0, s.absent
	}
	return NewGauge(s.name, value, form, s.unit), !s.hidden
}

// NewGauge returns the sample of a gauge with one value.
func NewGauge(name string, value float64, f Form, unit string) Sample {
	b := Bucket{Count: 1, Sum: value, Min: value, Max: value, Last: value}
	return Sample{Name: name, Kind: Gauge, Form: f, Unit: unit, Bucket: b}
}
