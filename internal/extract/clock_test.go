package extract_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// collector is an output that keeps copies of what it is sent.
type collector struct{ batches []*metric.Batch }

func (c *collector) Write(_ context.Context, b *metric.Batch) error {
	again, err := metric.ParseBatch(metric.AppendBatch(nil, b))
	if err == nil {
		c.batches = append(c.batches, again)
	}
	return err
}

func (c *collector) Close() error { return nil }

// newJob returns a job over the logs, with a state of its own, and what its
// output gets.
func newJob(t testing.TB, parser string, args []string, logs ...string) (extract.Job, *collector) {
	t.Helper()
	f, alias, ok := parsers.Find(parser)
	require.True(t, ok, parser)
	got := new(collector)
	return extract.Job{
		Parser: f, Options: parsers.Options{Alias: alias, Args: args, Zone: time.UTC, ReadFile: os.ReadFile},
		Logs: logs, StateDir: memDir(t), FromBegin: true,
		Outputs: []extract.Destination{{Name: "collector", Output: got}},
	}, got
}

func appendFile(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString(text)
	require.NoError(t, err)
}

// clocks are what a machine's clock may show at the runs of a job, in seconds.
func clocks() map[string][]int64 {
	const now, year = 1_764_500_000, 31_557_600
	return map[string][]int64{
		"steady":                      {now, now + 60, now + 120, now + 180},
		"standing still":              {now, now, now, now, now},
		"twenty years back":           {now, now + 60, now + 120 - 20*year, now + 180 - 20*year},
		"twenty years on":             {now, now + 60, now + 120 + 20*year, now + 180 + 20*year},
		"on and back":                 {now, now + 60, now + 20*year, now + 120, now + 180},
		"back and on":                 {now, now + 60, now - 20*year, now + 120, now + 180},
		"a little back":               {now, now + 60, now + 30, now + 90, now + 89, now + 150},
		"back by more than a minute":  {now, now + 600, now + 200, now + 260, now + 600},
		"starting at the epoch":       {0, 1, 60, now, now + 60},
		"before the epoch":            {now, -5 * year, -5*year + 60, now + 60},
		"an hour back and on, zonely": {now, now + 3600, now, now + 3600, now + 60, now + 7200},
	}
}

// TestClockJumps: counts are exact whatever the clock shows, a
// rate is over a length that is known or it is not there.
func TestClockJumps(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte(`
rules:
  - match: '^event (?P<took>\d+)'
    metrics:
      - counter: events
      - timer: took
        value: took
derived:
  perSecond: rate(events)
`), 0o600))
	for name, times := range clocks() {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(memDir(t), "app.log")
			job, got := newJob(t, "RegexParser", []string{"--rules=" + rules}, log)
			job.SelfMetrics = true
			events, stamps := 0.0, make(map[int64]bool)
			for i, now := range times {
				job.Now = func() time.Time { return time.Unix(now, 0) }
				appendFile(t, log, strings.Repeat("event 3\n", 100+i))
				_, err := extract.Run(t.Context(), job)
				require.NoError(t, err)
				require.Len(t, got.batches, i+1)
				b := got.batches[i]
				events += checkClock(t, b, float64(100+i))
				if i > 0 && now-times[i-1] > 0 && now-times[i-1] < 1e6 && b.Start == times[i-1] {
					assert.EqualValues(t, now-times[i-1], b.Seconds())
				}
				if i > 0 && now < times[i-1] {
					assert.Zero(t, b.Seconds(), "no length when the clock went back")
				}
				assert.False(t, stamps[b.Stamp] && !strings.Contains(name, "back"), "two batches of one second")
				stamps[b.Stamp] = true
			}
			want := 0.0
			for i := range times {
				want += float64(100 + i)
			}
			assert.Equal(t, want, events)
		})
	}
}

// checkClock holds a batch with n events to its own length and returns how
// many it counted.
func checkClock(t *testing.T, b *metric.Batch, n float64) (events float64) {
	t.Helper()
	assert.LessOrEqual(t, b.Start, b.End)
	rated := false
	for i := range b.Samples {
		s := &b.Samples[i]
		v := s.Value()
		require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < 0, "%s is %v", s.Name, v)
		switch s.Name {
		case "events":
			events = s.Sum
		case "perSecond":
			rated = true
			assert.InEpsilon(t, n/b.Seconds(), v, 1e-9)
			assert.LessOrEqual(t, v, n, "more than all of them in one second")
		}
	}
	assert.Equal(t, b.Seconds() > 0, rated, "a rate where the length is known")
	return events
}

// TestClockJumpsUnderLogsterNames: Logster's formulas divide by the interval.
func TestClockJumpsUnderLogsterNames(t *testing.T) {
	t.Parallel()
	for _, f := range parsers.Table() {
		if f.Alias == "" {
			continue
		}
		c := casesOf(t, f)[0]
		for name, times := range clocks() {
			t.Run(f.Alias+" "+name, func(t *testing.T) {
				t.Parallel()
				log := filepath.Join(memDir(t), "app.log")
				job, got := newJob(t, f.Alias, c.args, log)
				lines := 0
				for _, now := range times {
					job.Now = func() time.Time { return time.Unix(now, 0) }
					appendFile(t, log, string(c.log))
					res, err := extract.Run(t.Context(), job)
					require.NoError(t, err)
					lines += res.Lines
				}
				if !f.Sequential {
					assert.Equal(t, len(times)*strings.Count(string(c.log), "\n"), lines)
				}
				require.Len(t, got.batches, len(times))
				for _, b := range got.batches {
					require.NotEmpty(t, b.Samples)
					for i := range b.Samples {
						v := b.Samples[i].Value()
						require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s is %v", b.Samples[i].Name, v)
						require.True(t, v >= 0 || f.Name == "JsonParser", "%s is %v", b.Samples[i].Name, v)
					}
				}
			})
		}
	}
}
