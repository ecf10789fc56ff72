package parsers_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

var seed = flag.Uint64("seed", 0, "of the random cuts; 0: from the clock")

func TestTableIsSorted(t *testing.T) {
	table := parsers.Table()
	for i := 1; i < len(table); i++ {
		assert.Less(t, table[i-1].Name, table[i].Name)
	}
	for _, f := range table {
		assert.NotEmpty(t, f.Summary, f.Name)
		found, alias, ok := parsers.Find(strings.ToLower(f.Name))
		assert.True(t, ok && !alias && found.Name == f.Name, f.Name)
		if f.Alias != "" {
			found, alias, ok = parsers.Find("logster.parsers." + f.Alias)
			assert.True(t, ok && alias && found.Name == f.Name, f.Alias)
		}
	}
}

func TestParsersGolden(t *testing.T) {
	for _, c := range logCases(t) {
		t.Run(c.name, func(t *testing.T) {
			var got bytes.Buffer
			clothes(c, func(alias bool) { describe(&got, c, alias, read(t, c, setup{alias: alias})) })
			testutil.Golden(t, c.golden, got.Bytes())
		})
	}
}

// describe writes an outcome as text, every number in full.
func describe(w *bytes.Buffer, c logCase, alias bool, o outcome) {
	name := c.factory.Name
	if alias {
		name = c.factory.Alias
	}
	fmt.Fprintf(w, "%s %s\n", name, strings.Join(c.args, " "))
	fmt.Fprintf(w, "lines %d skipped %d rejected %d untimed %d\n", o.stats.Lines, o.stats.Skipped, o.stats.Rejected, o.stats.Untimed)
	if o.timed {
		fmt.Fprintf(w, "from %s to %s\n", time.Unix(o.first, 0).UTC().Format(time.RFC3339), time.Unix(o.last, 0).UTC().Format(time.RFC3339))
	}
	for _, b := range o.batches {
		for i := range b.Samples {
			describeSample(w, &b.Samples[i])
		}
	}
	w.WriteByte('\n')
}

func describeSample(w *bytes.Buffer, s *metric.Sample) {
	fmt.Fprintf(w, "%s", s.Name)
	for _, t := range s.Tags {
		fmt.Fprintf(w, ";%s=%s", t.Key, t.Value)
	}
	fmt.Fprintf(w, " %s", s.Kind)
	if s.Form != metric.Shortest {
		fmt.Fprintf(w, " %s", map[metric.Form]string{metric.PyInt: "int", metric.PyFloat: "float"}[s.Form])
	}
	// Ten digits: the last ones of a sum depend on how the log was cut.
	fmt.Fprintf(w, " %.10g", s.Value())
	if s.Kind == metric.Timer && s.Count > 0 {
		fmt.Fprintf(w, " count=%d sum=%.10g min=%g max=%g p50=%.10g p90=%.10g", s.Count, s.Sum, s.Min, s.Max, s.Dist.Quantile(.5), s.Dist.Quantile(.9))
	}
	if s.Unit != "" {
		fmt.Fprintf(w, " (%s)", s.Unit)
	}
	w.WriteByte('\n')
}

func TestParsersSplitInvariance(t *testing.T) {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", s)
	rng := rand.New(rand.NewPCG(s, 0))
	for _, c := range logCases(t) {
		t.Run(c.name, func(t *testing.T) {
			clothes(c, func(alias bool) {
				for _, interval := range []int64{0, 60} {
					whole := read(t, c, setup{alias: alias, interval: interval})
					for range 4 {
						cut := setup{alias: alias, interval: interval, workers: workers(c, rng), rng: rng, spoil: true}
						assertSame(t, whole, read(t, c, cut))
					}
				}
			})
		})
	}
}

// assertSame checks that two readings of a log agree as metric.Recorder.Merge promises.
func assertSame(tb testing.TB, want, got outcome) {
	tb.Helper()
	require.Equal(tb, want.stats, got.stats)
	require.Equal(tb, []any{want.first, want.last, want.timed}, []any{got.first, got.last, got.timed})
	require.Len(tb, got.batches, len(want.batches))
	for i := range want.batches {
		w, g := want.batches[i], got.batches[i]
		require.Equal(tb, w.Start, g.Start)
		require.Len(tb, g.Samples, len(w.Samples))
		for j := range w.Samples {
			assertSameSample(tb, &w.Samples[j], &g.Samples[j])
		}
	}
}

func assertSameSample(tb testing.TB, w, g *metric.Sample) {
	tb.Helper()
	require.Equal(tb, []any{w.Name, w.Tags, w.Kind, w.Form, w.Unit, w.Count}, []any{g.Name, g.Tags, g.Kind, g.Form, g.Unit, g.Count})
	scale := float64(w.Count) * max(math.Abs(w.Min), math.Abs(w.Max), math.Abs(w.Sum))
	near(tb, w.Sum, g.Sum, 1e-12*scale, w.Name)
	near(tb, w.M2, g.M2, 1e-9*max(w.M2, scale*scale*1e-6), w.Name)
	// A derived value is computed from sums.
	near(tb, w.Min, g.Min, 1e-9*math.Abs(w.Min), w.Name)
	near(tb, w.Max, g.Max, 1e-9*math.Abs(w.Max), w.Name)
	near(tb, w.Last, g.Last, 1e-9*math.Abs(w.Last), w.Name)
	require.Equal(tb, w.Members.Estimate(), g.Members.Estimate(), w.Name)
	require.Equal(tb, w.Dist == nil, g.Dist == nil, w.Name)
	for _, q := range []float64{0, .1, .5, .9, .99, 1} {
		near(tb, w.Dist.Quantile(q), g.Dist.Quantile(q), 0, w.Name)
	}
}

// near compares numbers; those that are not finite must be so on both sides.
func near(tb testing.TB, want, got, delta float64, name string) {
	tb.Helper()
	if want == got || want-want != 0 && got-got != 0 {
		return
	}
	require.LessOrEqual(tb, math.Abs(want-got), delta, "%s: %v, cut otherwise %v", name, want, got)
}

func TestParsersDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("allocations are not counted under the race detector")
	}
	for _, c := range logCases(t) {
		clothes(c, func(alias bool) {
			// Without log time: with it, each block starts a span for the merge.
			w := newWorker(t, c, setup{alias: alias})
			b := parsers.Block{Bytes: firstLines(c.log, 64<<10), Newest: newest, Final: true}
			parse := func() {
				w.rec.Block(b.Seq)
				w.parser.Parse(b, w.rec)
			}
			for range 128 { // until names are known and distributions have grown
				parse()
			}
			assert.Zero(t, testing.AllocsPerRun(128, parse), "%s alias %v: allocations a block", c.name, alias)
		})
	}
}

// firstLines returns whole lines of at most n bytes, at least one line.
func firstLines(log []byte, n int) []byte {
	if len(log) <= n {
		return log
	}
	if end := bytes.LastIndexByte(log[:n], '\n'); end >= 0 {
		return log[:end+1]
	}
	return log[:bytes.IndexByte(log, '\n')+1]
}

// TestParsersHostileLines reads lines of 1 MiB on which a scanner that goes
// back over what it has seen would take hours.
func TestParsersHostileLines(t *testing.T) {
	const size = 1 << 20
	for _, c := range logCases(t) {
		heads := [][]byte{nil, bytes.TrimRight(firstLines(c.log, 1), "\n")}
		for _, unit := range []string{"a", "(", "\"", "[", "{", "<", "\\", "\x00", "\xff", " ", "1", ",", "=", "\\\"", "[\"", "a: to=<"} {
			for _, head := range heads {
				log := append(bytes.Clone(head), bytes.Repeat([]byte(unit), size/len(unit))...)
				hostile := c
				hostile.log = append(log, '\n')
				clothes(c, func(alias bool) {
					assert.Equal(t, 1, read(t, hostile, setup{alias: alias}).stats.Lines)
				})
			}
		}
	}
}

func BenchmarkParsers(b *testing.B) {
	for _, c := range logCases(b) {
		b.Run(c.name, func(b *testing.B) {
			rec := metric.NewRecorder(metric.RecorderOptions{})
			p, err := c.factory.New(parsers.Options{Args: c.args, ReadFile: c.readFile}, rec)
			require.NoError(b, err)
			b.SetBytes(int64(len(c.log)))
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(parsers.Block{Bytes: c.log, Newest: newest, Final: true}, rec)
			}
			lines := float64(bytes.Count(c.log, []byte{'\n'})) * float64(b.N)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/lines, "ns/line")
		})
	}
}

// FuzzParsers reads a log with the case that the first byte chooses, whole and
// cut where the second byte says.
func FuzzParsers(f *testing.F) {
	cases := logCases(f)
	for i, c := range cases {
		if i < 128 {
			f.Add(append([]byte{byte(i), 0x80}, firstLines(c.log, 2048)...))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 3 || len(cases) == 0 {
			return
		}
		c := cases[int(data[0]&0x7f)%len(cases)]
		alias := data[0]&0x80 != 0 && c.factory.Alias != ""
		c.log = append(bytes.Clone(data[2:]), '\n')
		whole := read(t, c, setup{alias: alias, interval: 60})
		rng := rand.New(rand.NewPCG(uint64(data[1]), 0))
		assertSame(t, whole, read(t, c, setup{alias: alias, interval: 60, workers: workers(c, rng), rng: rng, spoil: true}))
	})
}
