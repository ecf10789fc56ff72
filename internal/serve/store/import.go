package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/metric"
)

// Point is a value of a series at a time, Unix seconds.
type Point struct {
	Unix  int64
	Value float64
}

// Archive is what another store has of a series at one resolution: points at
// multiples of Step, in rising order, each for the Step seconds from it. Of what
// is older than Full a part is missing; 0: it holds all there ever was.
type Archive struct {
	Step   int64
	Full   int64
	Points []Point
}

// Imported is the past of a series.
type Imported struct {
	Name     []byte        // as it would be sent
	Method   metric.Method // counts when the series is new and no rule names one
	Archives []Archive     // from fine to coarse
}

// ImportResult counts what became of imported points.
type ImportResult struct {
	Points  int // of all archives
	Old     int // older than any tier of the series
	Bad     int // not finite, beyond metric.MaxValue, or of the future
	Refused int // of series that cannot be made
	Series  [RefusalCount]int
}

// Import puts the past of series straight into the tiers that reach back so far,
// into each from the finest archive that has all of a bucket. A bucket that has
// as many values already keeps them: importing the same once more changes
// nothing, and what was received meanwhile stays. What is so new that its buckets
// may be open is put as if it were sent. After nil all is durable; after an error
// some of it may be. Series that lie together should come together, up to 64;
// their archives are used up. The call takes some 64 MB beside them.
func (db *DB) Import(ctx context.Context, list []Imported) (r ImportResult, err error) {
	i := importer{db: db, now: db.now().Unix(), result: &r}
	if err := i.begin(ctx, list); err != nil {
		return r, fmt.Errorf("import: %w", err)
	}
	if err := i.putNew(); err != nil {
		return r, fmt.Errorf("import: %w", err)
	}
	if err := i.fillOld(ctx); err != nil {
		return r, fmt.Errorf("import: %w", err)
	}
	return r, nil
}

// importer is one Import.
type importer struct {
	db     *DB
	now    int64
	series []importSeries
	work   work
	result *ImportResult
}

type importSeries struct {
	*Imported
	id      ID
	set     tierSet
	horizon uint32 // of its block, which all of it have
	cut     int64  // what is older goes straight into frames
}

// sealedEnough is how old the horizon may be, in seconds, so that an import of
// many parts need not seal before each.
const sealedEnough = 3600

// begin makes the series, and seals so that there is a past that is closed.
func (i *importer) begin(ctx context.Context, list []Imported) error {
	if horizon := i.sealedUntil(); i.now-horizon > sealedEnough {
		if err := i.seal(ctx); err != nil {
			return err
		}
	}
	var scratch [names.MaxLen]byte
	for k := range list {
		s := importSeries{Imported: &list[k]}
		var why Refusal
		s.id, why = i.db.intern(s.Name, s.Method, &scratch)
		i.result.Series[why]++
		i.count(&s, why)
		if why == Taken {
			i.series = append(i.series, s)
		}
	}
	for k := range i.series {
		s := &i.series[k]
		s.set, s.horizon = i.db.sealedOf(s.id)
		s.cut = int64(s.horizon - s.horizon%s.set.tiers[len(s.set.tiers)-1].step)
		i.clean(s)
	}
	slices.SortFunc(i.series, func(a, b importSeries) int { return cmp.Compare(a.id, b.id) })
	return nil
}

func (i *importer) seal(ctx context.Context) error {
	i.db.keeping.Lock()
	defer i.db.keeping.Unlock()
	return i.db.seal(ctx)
}

func (i *importer) sealedUntil() int64 {
	i.db.mu.Lock()
	defer i.db.mu.Unlock()
	return int64(i.db.head.horizon)
}

// sealedOf returns the tiers of a series, and until when all of them are sealed.
func (db *DB) sealedOf(id ID) (set tierSet, horizon uint32) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.head.sets[db.head.at(id).set], db.head.block(id).horizon
}

func (i *importer) count(s *importSeries, why Refusal) {
	for _, a := range s.Archives {
		i.result.Points += len(a.Points)
		if why != Taken {
			i.result.Refused += len(a.Points)
		}
	}
}

// clean leaves out what cannot be values, and what is too old.
func (i *importer) clean(s *importSeries) {
	oldest := i.now - int64(longest(s.set.tiers))
	for k := range s.Archives {
		a := &s.Archives[k]
		a.Points = slices.DeleteFunc(a.Points, func(p Point) bool {
			switch {
			case !(math.Abs(p.Value) <= metric.MaxValue):
				i.result.Bad++
			case p.Unix < oldest || p.Unix < minSecond:
				i.result.Old++
			case p.Unix > i.now:
				i.result.Bad++
			default:
				return false
			}
			return true
		})
	}
}

// putNew puts what is not older than the cuts. What is sealed already goes from
// new to old: a late Put does not become the last value of a coarser bucket that
// has one.
func (i *importer) putNew() error {
	w := i.db.NewWriter()
	for k := range i.series {
		s := &i.series[k]
		segments := s.segments(s.set.tiers[0].step)
		for _, a := range slices.Backward(segments) {
			for _, p := range slices.Backward(a.between(s.cut, int64(s.horizon))) {
				w.Put(s.Name, s.Method, p.Unix, p.Value)
			}
		}
		for _, a := range segments {
			for _, p := range a.between(int64(s.horizon), math.MaxInt64) {
				w.Put(s.Name, s.Method, p.Unix, p.Value)
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return i.db.Sync() // the names, too: frames of series without one would be lost
}

// fillOld puts the rest into frames, block by block.
func (i *importer) fillOld(ctx context.Context) error {
	i.db.keeping.Lock()
	defer i.db.keeping.Unlock()
	i.work = work{db: i.db}
	for rest := i.series; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].id/frameSeries == rest[0].id/frameSeries {
			n++
		}
		if err := i.fillBlock(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return i.db.ingestSealed(ctx, i.db.sealedUntil)
}

// windowSteps is how much of a tier is filled at once: some 32 frames.
const windowSteps = 32 * maxFrame

// sealedAtOnce is how many frames wait for the engine at most.
const sealedAtOnce = 1024

// fillBlock fills the tiers of series of one block.
func (i *importer) fillBlock(ctx context.Context, list []importSeries) error {
	i.work.until = func(t tier) uint32 { return list[0].horizon / t.step * t.step }
	var tiers []tier
	first, cut := int64(math.MaxInt64), int64(0)
	for _, s := range list {
		tiers = append(tiers, s.set.tiers...)
		cut = max(cut, s.cut)
		for _, a := range s.Archives {
			if len(a.Points) > 0 {
				first = min(first, a.Points[0].Unix)
			}
		}
	}
	slices.SortFunc(tiers, func(a, b tier) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.keep, b.keep)) })
	for _, t := range slices.Compact(tiers) {
		span := int64(t.step) * windowSteps
		oldest := max(first, i.now-int64(t.keep))
		for from := oldest - oldest%int64(t.step); from < cut; from += span {
			if err := ctx.Err(); err != nil {
				return err
			}
			i.fillWindow(list, t, from, min(from+span, cut))
			if len(i.db.sealed) < sealedAtOnce {
				continue
			}
			if err := i.db.ingestSealed(ctx, i.db.sealedUntil); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillWindow fills [from,until) of the tier t.
func (i *importer) fillWindow(list []importSeries, t tier, from, until int64) {
	i.db.view.Lock()
	defer i.db.view.Unlock()
	i.work.block = uint32(list[0].id / frameSeries)
	for k := range list {
		s := &list[k]
		n := slices.Index(s.set.tiers, t)
		if n < 0 {
			continue
		}
		alike := s.set.alike(n)
		s.buckets(t.step, from, min(until, s.cut), func(start uint32, b metric.Bucket) {
			slot := int(s.id % frameSeries)
			i.work.fill(i.work.home(alike, slot, start), slot, start, b)
		})
	}
	i.work.finish(func(key string, value []byte) {
		i.db.sealed[key] = i.db.arena.keep(value)
		i.db.figures.frameBytes.Add(int64(len(value)))
		i.db.figures.frames.Add(1)
	})
}

// fill sets a bucket, unless there is one of more values, or as many.
func (w *work) fill(t tier, slot int, start uint32, b metric.Bucket) {
	f, i := w.at(t, start)
	if rowBucket(&f.Rows[slot], i).Count < b.Count {
		setBucket(f.row(slot), i, b)
	}
}

// segment is the part of an archive that a tier is filled from.
type segment struct {
	from, until int64
	points      []Point
}

// between returns the points in [from,until).
func (s segment) between(from, until int64) []Point {
	from, until = max(from, s.from), min(until, s.until)
	at := func(unix int64) int {
		n, _ := slices.BinarySearchFunc(s.points, unix, func(p Point, unix int64) int { return cmp.Compare(p.Unix, unix) })
		return n
	}
	if from >= until {
		return nil
	}
	return s.points[at(from):at(until)]
}

// segments says which archive a tier of step seconds is filled from at which
// time, from old to new: from the finest that has the whole bucket.
func (s *importSeries) segments(step uint32) (list []segment) {
	until := int64(math.MaxInt64)
	for _, a := range s.Archives {
		if len(a.Points) == 0 {
			continue
		}
		from := a.Points[0].Unix
		from -= from % int64(step)
		if from < a.Full {
			from = (a.Full + int64(step) - 1) / int64(step) * int64(step)
		}
		from = min(from, until)
		end := until
		if a.Step > int64(step) && len(list) > 0 {
			end -= a.Step - int64(step) // a point of which finer ones have a part is none of this tier
		}
		list = append(list, segment{from, end, a.Points})
		until = from
	}
	if n := len(list); n > 0 {
		list[n-1].from = 0 // nothing has more than the coarsest
	}
	slices.Reverse(list)
	return list
}

// buckets calls take with each bucket of a tier that begins in [from,until).
func (s *importSeries) buckets(step uint32, from, until int64, take func(start uint32, b metric.Bucket)) {
	for _, g := range s.segments(step) {
		var b metric.Bucket
		var start uint32
		for _, p := range g.between(from, until) {
			at := uint32(p.Unix) - uint32(p.Unix)%step
			if at != start && b.Count > 0 {
				take(start, b)
				b = metric.Bucket{}
			}
			start = at
			b.Observe(p.Value)
		}
		if b.Count > 0 {
			take(start, b)
		}
	}
}
