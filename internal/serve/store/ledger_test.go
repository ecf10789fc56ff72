package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// shortTiers are tiers whose partitions are full, folded and expired within a
// day, so that a few hundred samples see all of it.
var shortTiers = schema.Tiers{{Step: 10, Keep: 2 * 3600}, {Step: 60, Keep: 6 * 3600}, {Step: 600, Keep: 86400}}

func shortSchemas(t testing.TB) schema.Schemas {
	t.Helper()
	s, err := schema.Parse(schema.File{Name: "short", Text: "[all]\npattern = .\nretentions = 10s:2h,1m:6h,10m:1d\n"}, schema.File{})
	require.NoError(t, err)
	return s
}

// ledger is a model of the store that keeps every sample: of series of Puts the
// newest value of each finest bucket, of series of Merges all buckets.
type ledger struct {
	puts    map[string]map[int64]float64
	merges  map[string][]merged
	batches map[[16]byte]uint64
	kept    map[string]string
}

type merged struct {
	unix   int64
	bucket metric.Bucket
}

func newLedger() *ledger {
	return &ledger{map[string]map[int64]float64{}, map[string][]merged{}, map[[16]byte]uint64{}, map[string]string{}}
}

func (l *ledger) clone() *ledger {
	c := newLedger()
	for name, m := range l.puts {
		c.puts[name] = maps.Clone(m)
	}
	for name, m := range l.merges {
		c.merges[name] = slices.Clone(m)
	}
	c.batches = maps.Clone(l.batches)
	c.kept = maps.Clone(l.kept)
	return c
}

func (l *ledger) put(name string, unix int64, v float64) {
	if l.puts[name] == nil {
		l.puts[name] = map[int64]float64{}
	}
	l.puts[name][unix-unix%shortTiers[0].Step] = v
}

func (l *ledger) merge(name string, unix int64, b metric.Bucket) {
	l.merges[name] = append(l.merges[name], merged{unix, b})
}

func (l *ledger) remove(name string) {
	delete(l.puts, name)
	delete(l.merges, name)
}

func (l *ledger) rename(from, to string) {
	if m, ok := l.puts[from]; ok {
		l.puts[to] = m
	}
	if m, ok := l.merges[from]; ok {
		l.merges[to] = m
	}
	l.remove(from)
}

// contents is what can be read: per series and tier the buckets, as text.
type contents map[string][]byte

// at returns what the ledger says can be read at a time.
func (l *ledger) at(now int64) contents {
	c := contents{}
	for name, m := range l.puts {
		for _, t := range shortTiers {
			buckets := map[int64]*metric.Bucket{}
			for _, unix := range slices.Sorted(maps.Keys(m)) {
				add(buckets, unix-unix%t.Step, metric.Bucket{Count: 1, Sum: m[unix], Min: m[unix], Max: m[unix], Last: m[unix]})
			}
			c.add(name, t, now, buckets)
		}
	}
	for name, m := range l.merges {
		for _, t := range shortTiers {
			buckets := map[int64]*metric.Bucket{}
			for _, e := range m {
				add(buckets, e.unix-e.unix%t.Step, e.bucket)
			}
			c.add(name, t, now, buckets)
		}
	}
	for key, value := range l.kept {
		c["kept "+key] = []byte(value + "\n")
	}
	return c
}

func add(buckets map[int64]*metric.Bucket, start int64, b metric.Bucket) {
	if have := buckets[start]; have != nil {
		have.Count += b.Count
		have.Sum += b.Sum
		return
	}
	buckets[start] = &b
}

// add writes the buckets, by start.
func (c contents) add(name string, t schema.Tier, now int64, buckets map[int64]*metric.Bucket) {
	for _, start := range slices.Sorted(maps.Keys(buckets)) {
		c.line(name, t, now, start, buckets[start].Count, buckets[start].Sum)
	}
}

// line writes a bucket that is within retention. Only count and sum: which of the
// late ones gives min, max and last of a coarser bucket is the store's own choice.
func (c contents) line(name string, t schema.Tier, now, start int64, count uint64, sum float64) {
	if start >= now-t.Keep+t.Step && count > 0 {
		c[name] = fmt.Appendf(c[name], "%ds %d: %d %g\n", t.Step, start, count, sum)
	}
}

// sortedNames are the names of all series.
func sortedNames(db *store.DB) (list []string) {
	for _, name := range db.Names().All() {
		list = append(list, string(name))
	}
	slices.Sort(list)
	return list
}

// contentsOf reads all of a store.
func contentsOf(t testing.TB, db *store.DB, now int64) contents {
	t.Helper()
	c := contents{}
	for _, raw := range db.Names().All() {
		name := string(raw)
		for _, tier := range shortTiers {
			cols, err := db.Fetch(t.Context(), name, store.FetchOptions{From: now - tier.Keep, Until: now + tier.Step, Step: tier.Step})
			if errors.Is(err, store.ErrNoSeries) {
				continue
			}
			require.NoError(t, err)
			for i, n := range cols.Count {
				c.line(name, tier, now, cols.Start+int64(i)*cols.Step, n, cols.Sum[i])
			}
		}
	}
	pairs, err := db.Kept("")
	require.NoError(t, err)
	for _, p := range pairs {
		c["kept "+p.Key] = append(p.Value, '\n')
	}
	return c
}

// differs returns the lines in which c is not want.
func (c contents) differs(want contents) string {
	var b strings.Builder
	lacks := func(what string, c, of contents) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			for line := range bytes.Lines(of[name]) {
				if !bytes.Contains(c[name], line) {
					fmt.Fprintf(&b, "%s %s %s", what, name, line)
				}
			}
		}
	}
	lacks("missing", c, want)
	lacks("foreign", want, c)
	return b.String()
}
