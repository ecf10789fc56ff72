package extract_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// TestLateLinesFollow: to an output that merges, in late batches; another output
// of the job gets none of them, and counts them as late.
func TestLateLinesFollow(t *testing.T) {
	for _, mixed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			merging, other := new(taker), new(taker)
			job, log, _ := timed(t, merging, other)
			job.Outputs[0].Merges = true
			if !mixed {
				job.Outputs = job.Outputs[:1]
			}
			job.Status = new(extract.Status)
			start := time.Now().Unix()
			line := func(at int64) { appendText(t, log, fmt.Sprintf(`{"time": %d, "n": 1}`+"\n", at)) }
			following(t, job, func() {
				line(start)
				time.Sleep(3 * time.Minute)
				line(start)
				line(start + 1)
				line(start - 7*24*3600) // nothing was sent of it
				line(start - 31*24*3600)
				line(time.Now().Unix() - 1)
				time.Sleep(3 * time.Minute)
			})
			want := map[int64]float64{start: 3, start - 7*24*3600: 1, start + 170: 1}
			got := make(map[int64]float64)
			late := 0
			for _, b := range merging.batches {
				assert.Equal(t, []int64{b.Start, b.Start + 10}, []int64{b.Stamp, b.End})
				if b.Late {
					late++
				}
				got[b.Start] += b.Samples[0].Sum
			}
			assert.Equal(t, want, got)
			assert.Equal(t, 2, late)
			lost := 1. // too long ago
			if mixed {
				lost = 4
				assert.Equal(t, map[int64]float64{start: 1, start + 170: 1}, other.sums(t, "n"))
			}
			assert.Equal(t, lost, figure(job.Status, "lateLines"))
		})
	}
}

// TestLateLinesUnderLogstersNames are dropped: what these names show is worked
// out from whole intervals.
func TestLateLinesUnderLogstersNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log, _ := timed(t, out)
		job.Outputs[0].Merges, job.Options.Alias, job.Options.Args = true, true, nil
		start := time.Now().Unix()
		for range 3 {
			appendText(t, log, fmt.Sprintf(`{"time": %d, "n": 1}`+"\n", start))
			time.Sleep(3 * time.Minute)
			_, err := extract.Run(t.Context(), job)
			require.NoError(t, err)
		}
		assert.Len(t, out.batches, 1)
	})
}

// TestLateBatchesWaitForTheirOutput: the cursor of one that does not merge goes
// past them, also when nothing else comes.
func TestLateBatchesWaitForTheirOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		merging, other := new(taker), new(taker)
		job, log, _ := timed(t, merging, other)
		job.Outputs[0].Merges = true
		start := time.Now().Unix()
		appendText(t, log, fmt.Sprintf(`{"time": %d, "n": 1}`+"\n", start))
		time.Sleep(3 * time.Minute)
		_, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		merging.set(assert.AnError)
		appendText(t, log, fmt.Sprintf(`{"time": %d, "n": 1}`+"\n", start))
		res, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		assert.Equal(t, 1, res.Undelivered)
		merging.set(nil)
		res, err = extract.Run(t.Context(), job)
		require.NoError(t, err)
		assert.Zero(t, res.Undelivered)
		require.Len(t, merging.batches, 2)
		assert.True(t, merging.batches[1].Late)
		assert.Len(t, other.batches, 1)
	})
}

// gathered runs the job after each part of the log has been written, and returns
// what a gatherer has of it in the end.
func gathered(t *testing.T, job extract.Job, log string, parts [][]string) *store.DB {
	t.Helper()
	db := openStore(t, filepath.Join(memDir(t), "data"))
	server := httptest.NewServer(ingest.NewGatherer(ingest.GathererOptions{
		Writer: func() ingest.BatchWriter { return db.NewWriter() },
	}))
	t.Cleanup(server.Close)
	f, ok := outputs.Find("gatherer")
	require.True(t, ok)
	out, err := f.New(outputs.Options{Protocol: "http", Address: strings.TrimPrefix(server.URL, "http://")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, out.Close()) })
	job.Outputs = []extract.Destination{{Name: "gatherer", Output: out, Merges: f.Merges}}
	for _, lines := range parts {
		appendText(t, log, strings.Join(lines, ""))
		res, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		require.Zero(t, res.Undelivered)
		require.Zero(t, res.Late)
	}
	return db
}

// TestShuffledLogGivesTheSameSums: lines that are hours late end up where they
// belong, whatever came and was sent before them.
func TestShuffledLogGivesTheSameSums(t *testing.T) {
	rnd := newRand(t)
	begin := time.Now().Add(-20 * time.Hour).Unix()
	var lines []string
	for i := range int64(6000) {
		lines = append(lines, fmt.Sprintf(`{"time": %d, "n": %d, "took": %d, "user": "u%d"}`+"\n", begin+i*10, i%7, rnd.IntN(1000), rnd.IntN(3)))
	}
	shuffled := slices.Clone(lines)
	rnd.Shuffle(len(lines), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
	run := func(parts [][]string) *store.DB {
		job, log := followed(t)
		job.LogTime, job.Status, job.Interval = true, nil, time.Minute
		job.Options.Args = []string{"--counter", "n", "--timer", "took:ms", "--set", "user"}
		return gathered(t, job, log, parts)
	}
	sorted, late := run([][]string{lines}), run(slices.Collect(slices.Chunk(shuffled, 600)))
	for _, name := range []string{"n", "took", "took.count", "took.sum", "took.mean", "took.lower", "took.upper", "user"} {
		for _, step := range []int64{10, 300, 3600} {
			want, got := buckets(t, sorted, name, begin-3600, step), buckets(t, late, name, begin-3600, step)
			require.Len(t, got, len(want), name)
			for at, b := range want {
				requireAlike(t, name, b, got[at])
			}
		}
	}
}

// requireAlike compares by what of the series must be exact.
func requireAlike(t *testing.T, name string, want, got metric.Bucket) {
	t.Helper()
	switch name {
	case "n", "took.count", "took.sum":
		require.InDelta(t, want.Sum, got.Sum, 1e-9, name)
	case "took", "took.mean":
		require.Equal(t, want.Count, got.Count, name)
		require.InDelta(t, want.Mean(), got.Mean(), 1e-9, name)
		require.InEpsilon(t, 1+want.Variance(), 1+got.Variance(), 1e-5, name)
	case "took.lower":
		require.Equal(t, want.Min, got.Min, name)
	case "took.upper":
		require.Equal(t, want.Max, got.Max, name)
	case "user": // sets of different batches are not joined
		require.LessOrEqual(t, got.Max, want.Max, name)
		require.Positive(t, got.Max)
	}
}
