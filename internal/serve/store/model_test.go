package store_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

var seedFlag = flag.Uint64("seed", 0, "of random tests; 0: a new one")

// grace is how long buckets stay open for late samples.
const grace = 60

// ahead is how far samples may be ahead of the clock.
const ahead = 600

// model is the two verbs in the simplest form: what each finest bucket holds.
// Coarser tiers are sums of it, whatever way they came about.
type model struct {
	step    int64
	horizon int64
	series  map[string]*modelSeries
}

type modelSeries struct {
	buckets  map[int64]*modelBucket
	open     int64
	merges   bool
	replaced bool // minima and maxima of coarser buckets may be too wide
}

type modelBucket struct {
	puts   map[int64][]float64 // by second; the newest second has one
	newest int64
	rest   metric.Bucket // Merges
}

func (b *modelBucket) bucket() metric.Bucket {
	out := b.rest
	for _, second := range slices.Sorted(maps.Keys(b.puts)) {
		for _, v := range b.puts[second] {
			out.Observe(v)
		}
	}
	return out
}

func (m *model) at(name string) *modelSeries {
	s := m.series[name]
	if s == nil {
		s = &modelSeries{buckets: map[int64]*modelBucket{}}
		m.series[name] = s
	}
	return s
}

func (m *model) put(name string, t int64, v float64) {
	s := m.at(name)
	start := t - t%m.step
	b := s.buckets[start]
	switch {
	case start > s.open && start+m.step > m.horizon:
		s.open = start
		if b == nil {
			break
		}
		fallthrough
	case start != s.open:
		s.replaced = s.replaced || b != nil
		s.buckets[start] = &modelBucket{puts: map[int64][]float64{t: {v}}, newest: t}
		return
	}
	if b == nil {
		b = &modelBucket{puts: map[int64][]float64{}}
		s.buckets[start] = b
	}
	if t >= b.newest {
		b.puts[t] = []float64{v}
		b.newest = t
		return
	}
	b.puts[t] = append(b.puts[t], v)
}

func (m *model) merge(name string, t int64, b metric.Bucket) {
	s := m.at(name)
	s.merges = true
	start := t - t%m.step
	if start > s.open && start+m.step > m.horizon {
		s.open = start
	}
	if s.buckets[start] == nil {
		s.buckets[start] = &modelBucket{puts: map[int64][]float64{}}
	}
	s.buckets[start].rest.Merge(b)
}

func (m *model) seal(now int64) {
	m.horizon = max(m.horizon, now-grace)
	for _, s := range m.series {
		if s.open+m.step <= m.horizon {
			s.open = 0
		}
	}
}

// sums returns the buckets of a tier.
func (s *modelSeries) sums(step int64) map[int64]metric.Bucket {
	out := map[int64]metric.Bucket{}
	for _, start := range slices.Sorted(maps.Keys(s.buckets)) {
		b := out[start-start%step]
		b.Merge(s.buckets[start].bucket())
		out[start-start%step] = b
	}
	return out
}

type modelTest struct {
	testing.TB
	rng   *rand.Rand
	fs    *vfs.MemFS
	clock *clock
	rules schema.Schemas
	db    *store.DB
	w     *store.Writer
	model *model
	count int

	steps []int64         // of the tiers that are there all the time
	since map[int64]int64 // of tiers that come and go: from when on they have all
}

func (m *modelTest) open() {
	var err error
	m.db, err = store.Open(store.Options{Dir: "data", FS: m.fs, Now: m.clock.now, Schemas: m.rules, SealEvery: -1})
	require.NoError(m, err)
	m.w = m.db.NewWriter()
}

func (m *modelTest) step() {
	switch n := m.rng.IntN(1000); {
	case n < 940:
		m.sample()
	case n < 970:
		m.clock.forward(m.rng.Int64N(120))
	case n < 976:
		m.clock.forward(m.rng.Int64N(3600))
	case n < 990:
		require.NoError(m, m.w.Flush())
		require.NoError(m, m.db.Tend(m.Context()))
		m.model.seal(m.clock.unix)
	case n < 993:
		require.NoError(m, m.w.Flush())
		require.NoError(m, m.db.Close())
		m.open()
	case n < 996:
		m.crash()
	case n < 998:
		require.NoError(m, m.w.Flush())
		m.compare(m.name())
	default:
		m.retain()
		if m.rng.IntN(2) == 0 {
			require.NoError(m, m.db.Reload(m.rules))
			return
		}
		require.NoError(m, m.w.Flush())
		require.NoError(m, m.db.Close())
		m.open()
	}
}

// retain draws other retentions: nothing that is compared expires. Of half of the seeds
// tiers in the middle come and go.
func (m *modelTest) retain() {
	middle := fmt.Sprintf("1m:%dd,", 10+m.rng.IntN(2))
	if !slices.Contains(m.steps, 60) {
		middle = []string{"", "1m:10d,", "2m:10d,", "30s:5d,1m:10d,"}[m.rng.IntN(4)]
	}
	m.rules = rules(m, fmt.Sprintf("10s:%dd,%s10m:60d", 1+m.rng.IntN(2), middle))
	had := m.since
	m.since = map[int64]int64{}
	for _, t := range m.rules.Tiers("s.n0") {
		if slices.Contains(m.steps, t.Step) {
			continue
		}
		since, ok := had[t.Step]
		if !ok {
			since = m.clock.unix + ahead + t.Step
		}
		m.since[t.Step] = since
	}
}

// crash goes on with what a power cut leaves.
func (m *modelTest) crash() {
	require.NoError(m, m.w.Flush())
	require.NoError(m, m.db.Sync())
	after := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(m.rng.Uint64(), 1))})
	require.NoError(m, m.db.Close())
	m.fs = after
	m.open()
}

func (m *modelTest) name() string { return fmt.Sprintf("s.n%d", m.rng.IntN(130)) }

func (m *modelTest) sample() {
	name := m.name()
	t := m.clock.unix
	switch n := m.rng.IntN(100); {
	case n < 60:
	case n < 80:
		t -= m.rng.Int64N(30)
	case n < 95:
		t -= m.rng.Int64N(900)
	case n < 98:
		t -= m.rng.Int64N(20 * 3600)
	default:
		t += m.rng.Int64N(ahead)
	}
	v := float64(m.rng.IntN(1000)) / 4
	m.w.Reset()
	if len(name) == 4 { // s.n0 to s.n9 are merged into
		b := metric.Bucket{}
		for range 1 + m.rng.IntN(3) {
			b.Observe(float64(m.rng.IntN(100)))
		}
		require.Equal(m, store.Taken, m.w.Merge([]byte(name), metric.Sum, t, b))
		m.model.merge(name, t, b)
	} else {
		require.Equal(m, store.Taken, m.w.Put([]byte(name), metric.Sum, t, v))
		m.model.put(name, t, v)
	}
	require.NoError(m, m.w.Flush())
}

func (m *modelTest) compare(name string) {
	s := m.model.series[name]
	if s == nil {
		_, err := m.db.Fetch(m.Context(), name, store.FetchOptions{From: epoch, Until: epoch + 10})
		assert.True(m, errors.Is(err, store.ErrNoSeries) || err == nil)
		return
	}
	for _, step := range slices.Concat(m.steps, slices.Sorted(maps.Keys(m.since))) {
		from := max(m.clock.unix-22*3600, m.since[step])
		from -= from % 600
		c, err := m.db.Fetch(m.Context(), name, store.FetchOptions{From: from, Until: m.clock.unix + 3600, Step: step})
		require.NoError(m, err)
		want := s.sums(step)
		for i, n := range c.Count {
			at := c.Start + int64(i)*step
			if at < m.since[step] {
				continue
			}
			w := want[at]
			where := fmt.Sprintf("%s step %d at %d (%d s ago, horizon %d)", name, step, at, m.clock.unix-at, m.model.horizon-at)
			require.Equal(m, w.Count, n, where)
			if n == 0 {
				require.True(m, math.IsNaN(c.Value[i]), where)
				continue
			}
			m.count++
			require.InDelta(m, w.Sum, c.Sum[i], 1e-6, where)
			if step == 10 && !s.merges {
				require.Equal(m, w.Last, c.Value[i], where)
			}
			if step > 10 {
				require.Equal(m, c.Sum[i], c.Value[i], where)
			}
			if !s.replaced {
				require.Equal(m, []float64{w.Min, w.Max}, []float64{c.Min[i], c.Max[i]}, where)
				require.InDelta(m, w.M2, c.M2[i], 1e-6*(1+w.M2), where)
			}
		}
	}
}

// TestModel drives a store and the model with the same random calls, with seals,
// new starts and power cuts in between.
func TestModel(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", seed)
	m := &modelTest{TB: t, rng: rand.New(rand.NewPCG(seed, 0)), fs: vfs.NewCrashableMem(), clock: &clock{unix: epoch}}
	m.model = &model{step: 10, horizon: epoch - grace, series: map[string]*modelSeries{}}
	m.steps = [][]int64{{10, 60, 600}, {10, 600}}[seed%2]
	m.retain()
	m.open()
	for range 6000 {
		m.step()
	}
	require.NoError(t, m.w.Flush())
	for name := range m.model.series {
		m.compare(name)
	}
	t.Logf("%d buckets compared", m.count)
	require.NoError(t, m.db.Close())
}
