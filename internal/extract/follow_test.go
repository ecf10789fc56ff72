package extract_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// taker is an output in memory. It is safe for concurrent use.
type taker struct {
	mu      sync.Mutex
	fail    error
	slow    time.Duration
	batches []*metric.Batch
}

func (o *taker) Write(ctx context.Context, b *metric.Batch) error {
	o.mu.Lock()
	fail, slow := o.fail, o.slow
	o.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if fail == nil {
		o.batches = append(o.batches, b)
	}
	return fail
}

func (o *taker) Close() error { return nil }

func (o *taker) set(fail error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = fail
}

// sums is the counter called name of each batch, by its stamp. A repeat of a
// stamp fails the test.
func (o *taker) sums(t *testing.T, name string) map[int64]float64 {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	sums := make(map[int64]float64)
	for _, b := range o.batches {
		for _, s := range b.Samples {
			if s.Name == name {
				_, twice := sums[b.Stamp]
				require.False(t, twice, "stamp %d came twice", b.Stamp)
				sums[b.Stamp] = s.Sum
			}
		}
	}
	return sums
}

func (o *taker) total(t *testing.T, name string) (total float64) {
	t.Helper()
	for _, n := range o.sums(t, name) {
		total += n
	}
	return total
}

// followed is a job that counts lines with "line" in app.log, and its outputs.
func followed(t *testing.T, outs ...*taker) (job extract.Job, log string) {
	t.Helper()
	f, _, ok := parsers.Find("JsonParser") // regexp2 keeps a clock of its own, which must not run in a bubble
	require.True(t, ok)
	log = filepath.Join(t.TempDir(), "app.log")
	job = extract.Job{
		Parser: f, Options: parsers.Options{Args: []string{"--counter", "n.**", "--counter", "n"}}, Logs: []string{log},
		StateDir: t.TempDir(), FromBegin: true, Interval: 10 * time.Second, Status: new(extract.Status),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for i, o := range outs {
		job.Outputs = append(job.Outputs, extract.Destination{Name: fmt.Sprint("out", i), Output: o})
	}
	return job, log
}

// following runs fn while the job is followed, in a time of its own, then ends it.
func following(t *testing.T, job extract.Job, fn func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- extract.Follow(ctx, job) }()
	fn()
	stop()
	require.NoError(t, <-done)
}

func appendText(t *testing.T, log, text string) {
	t.Helper()
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func appendLines(t *testing.T, log string, n int) {
	t.Helper()
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	for i := range n {
		_, err = fmt.Fprintf(f, `{"n": 1, "text": "line %d"}`+"\n", i)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}

func TestIntervalsAreThoseOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		time.Sleep(3 * time.Second)
		began := time.Now().Unix()
		following(t, job, func() {
			for i := range 4 {
				appendLines(t, log, 1+i)
				time.Sleep(10 * time.Second)
			}
		})
		start := began - 3
		assert.Equal(t, map[int64]float64{start: 1, start + 10: 2, start + 20: 3, start + 30: 4}, out.sums(t, "n"))
		for i, b := range out.batches {
			assert.EqualValues(t, i+1, b.ID.Seq)
			want := start + int64(i)*10
			assert.Equal(t, []int64{max(began, want), min(want+10, began+40), want}, []int64{b.Start, b.End, b.Stamp})
		}
	})
}

func TestIdleLogHasABatchForEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		appendLines(t, log, 0)
		following(t, job, func() { time.Sleep(95 * time.Second) })
		assert.Len(t, out.batches, 10)
	})
}

func TestRestartInAnIntervalDoesNotOverwriteItsPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		written := 0
		for i := range 40 {
			following(t, job, func() {
				appendLines(t, log, i)
				written += i
				time.Sleep(time.Duration(1+i*7%23) * time.Second)
			})
		}
		assert.EqualValues(t, written, out.total(t, "n"))
		end := int64(0)
		for _, b := range out.batches {
			assert.Zero(t, b.Stamp%10)
			assert.LessOrEqual(t, end, b.Start)
			assert.LessOrEqual(t, b.Start, b.End)
			end = b.End
		}
	})
}

func TestFailingOutputDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := new(taker), &taker{fail: errors.New("connection refused")}
		job, log := followed(t, good, bad)
		following(t, job, func() {
			for range 30 {
				appendLines(t, log, 5)
				time.Sleep(10 * time.Second)
				synctest.Wait()
			}
			assert.GreaterOrEqual(t, good.total(t, "n"), 145.)
			assert.Empty(t, bad.batches)
			require.Error(t, job.Status.Snapshot().Failed["out1"])
			bad.set(nil)
			time.Sleep(40 * time.Second)
			assert.NoError(t, job.Status.Snapshot().Failed["out1"])
		})
		for _, o := range []*taker{good, bad} {
			assert.EqualValues(t, 150, o.total(t, "n"))
			for i, b := range o.batches {
				assert.EqualValues(t, i+1, b.ID.Seq, "in order, each once")
			}
		}
	})
}

func TestHangingOutputHoldsUpNoInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, hangs := new(taker), &taker{slow: time.Hour}
		job, log := followed(t, good, hangs)
		following(t, job, func() {
			for range 10 {
				appendLines(t, log, 1)
				time.Sleep(10 * time.Second)
			}
			began := time.Now()
			t.Cleanup(func() { assert.Less(t, time.Since(began), time.Hour) })
		})
		assert.EqualValues(t, 10, good.total(t, "n"))
	})
}

func TestSpoolDropsTheOldestAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := new(taker), &taker{fail: errors.New("connection refused")}
		job, log := followed(t, good, bad)
		job.SpoolSize, job.SelfMetrics = 20<<10, true
		following(t, job, func() {
			for range 100 {
				appendLines(t, log, 1)
				time.Sleep(10 * time.Second)
			}
			bad.set(nil)
			time.Sleep(40 * time.Second)
		})
		dropped := good.sums(t, "n")
		for stamp := range bad.sums(t, "n") {
			delete(dropped, stamp)
		}
		require.NotEmpty(t, dropped)
		last := good.batches[len(good.batches)-1]
		for _, s := range last.Samples {
			if s.Name == "logmetrics.batchesDropped" {
				assert.EqualValues(t, len(dropped), s.Last)
			}
		}
		first := bad.batches[0]
		for stamp := range dropped {
			assert.Less(t, stamp, first.Stamp, "the oldest go")
		}
	})
}

// TestOutageHoldsUpNoInterval: while an output takes nothing, and the queue is
// full, each interval still has its batch.
func TestOutageHoldsUpNoInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &taker{fail: errors.New("connection refused")}
		job, log := followed(t, out)
		job.SpoolSize, job.SelfMetrics = 20<<10, true
		following(t, job, func() {
			for i := range 200 {
				if i == 180 {
					out.set(nil)
				}
				appendLines(t, log, 1)
				time.Sleep(10 * time.Second)
			}
		})
		assert.EqualValues(t, 200, out.batches[len(out.batches)-1].ID.Seq)
		for stamp, lines := range out.sums(t, "n") {
			assert.InDelta(t, 1, lines, 1, "of the interval at %d", stamp) // written just at its end
		}
	})
}

// TestBatchDroppedBeforeItsTurnIsNoFailure: an output that is back, and slower
// than what comes, takes one batch after the other, though those that are to be
// next are dropped.
func TestBatchDroppedBeforeItsTurnIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, slow := new(taker), &taker{fail: errors.New("connection refused"), slow: 15 * time.Second}
		job, log := followed(t, good, slow)
		job.SpoolSize, job.SelfMetrics = 20<<10, true
		back := time.Now().Unix() + 630 // the attempt that was under way is over then
		following(t, job, func() {
			for i := range 160 {
				if i == 60 {
					slow.set(nil)
				}
				appendLines(t, log, 1)
				time.Sleep(10 * time.Second)
			}
		})
		dropped := len(good.batches) - int(slow.batches[0].ID.Seq) - len(slow.batches)
		require.Positive(t, dropped, "batches go while it takes others")
		assert.InDelta(t, (1000-30)/15, len(slow.batches), 3)
		for stamp, failures := range good.sums(t, "logmetrics.deliveryErrors") {
			assert.True(t, failures == 0 || stamp < back, "a failure at %d", stamp-back)
		}
	})
}

// TestNothingLeftToTakeIsNotTaken: an output does not work again because what it did not
// take is gone.
func TestNothingLeftToTakeIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &taker{fail: errors.New("connection refused")}
		job, log := followed(t, out)
		var said testutil.Transcript
		job.Log = slog.New(slog.NewTextHandler(&said, nil))
		following(t, job, func() {
			appendLines(t, log, 1)
			time.Sleep(15 * time.Second)
			waiting, err := filepath.Glob(filepath.Join(job.StateDir, "*.q", "*.batch"))
			require.NoError(t, err)
			require.Len(t, waiting, 1)
			require.NoError(t, os.WriteFile(waiting[0], []byte("damaged"), 0o600))
			time.Sleep(time.Minute)
			assert.NotEmpty(t, job.Status.Snapshot().Failed)
			appendLines(t, log, 1)
			time.Sleep(time.Minute)
			out.set(nil)
			time.Sleep(time.Minute)
			assert.Empty(t, job.Status.Snapshot().Failed)
		})
		assert.Contains(t, said.String(), "a queued batch is damaged")
		assert.Equal(t, 1, strings.Count(said.String(), "does not take batches"), &said)
		assert.Equal(t, 1, strings.Count(said.String(), "takes batches again"), &said)
		assert.EqualValues(t, 1, out.total(t, "n"))
	})
}

// TestSlowOutputIsGivenTimeForEachBatch: to take all that waited may need longer
// than one batch may.
func TestSlowOutputIsGivenTimeForEachBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &taker{slow: 3 * time.Second}
		job, log := followed(t, slow)
		var said testutil.Transcript
		job.Log = slog.New(slog.NewTextHandler(&said, nil))
		slow.set(errors.New("connection refused"))
		following(t, job, func() {
			for i := range 200 {
				if i == 10 {
					slow.set(nil)
				}
				appendLines(t, log, 1)
				time.Sleep(10 * time.Second)
			}
			time.Sleep(5 * time.Second)
		})
		assert.Equal(t, 1, strings.Count(said.String(), "does not take batches"), &said)
		assert.Equal(t, 1, strings.Count(said.String(), "takes batches again"), &said)
		assert.EqualValues(t, 200, slow.total(t, "n"))
	})
}

func TestFullDiskStopsReadingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		disk := vfs.NewFaults(vfs.OS{})
		job.FS = disk
		following(t, job, func() {
			appendLines(t, log, 3)
			time.Sleep(15 * time.Second)
			disk.Full(true)
			appendLines(t, log, 4)
			time.Sleep(60 * time.Second)
			require.ErrorIs(t, job.Status.Snapshot().Trouble, syscall.ENOSPC)
			appendLines(t, log, 5)
			disk.Full(false)
			time.Sleep(60 * time.Second)
			require.NoError(t, job.Status.Snapshot().Trouble)
		})
		assert.EqualValues(t, 12, out.total(t, "n"))
	})
}

func TestLogsThatComeLaterAreReadFromTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		job.FromBegin = false
		later := filepath.Join(filepath.Dir(log), "later.log")
		job.Logs = []string{log, filepath.Join(filepath.Dir(log), "*.log")}
		appendLines(t, log, 7)
		following(t, job, func() {
			time.Sleep(time.Second)
			appendLines(t, log, 1)
			appendLines(t, later, 10)
			time.Sleep(20 * time.Second)
			require.NoError(t, os.Remove(later))
			time.Sleep(5 * time.Minute)
		})
		assert.EqualValues(t, 11, out.total(t, "n"))
	})
}

func TestMissingLogIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		job.FromBegin = false
		following(t, job, func() {
			time.Sleep(25 * time.Second)
			assert.Equal(t, 1., figure(job.Status, "logErrors"))
			appendLines(t, log, 4)
			time.Sleep(25 * time.Second)
			assert.Equal(t, 0., figure(job.Status, "logErrors"))
			assert.Equal(t, 4., figure(job.Status, "lines"))
		})
		assert.EqualValues(t, 4, out.total(t, "n"))
	})
}

func figure(s *extract.Status, name string) float64 {
	for _, f := range s.Snapshot().Account {
		if f.Name == name {
			return f.Value
		}
	}
	return -1
}

func TestNamesThatChangeDoNotFillTheRecorderForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		job.MaxSeries = 50
		following(t, job, func() {
			for i := range 200 {
				f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
				require.NoError(t, err)
				for j := range 20 {
					_, err = fmt.Fprintf(f, `{"n": {"%d": 1}}`+"\n", 20*i+j)
					require.NoError(t, err)
				}
				require.NoError(t, f.Close())
				time.Sleep(10 * time.Second)
			}
		})
		names := map[string]bool{}
		for _, b := range out.batches {
			for _, s := range b.Samples {
				names[s.Name] = true
			}
		}
		assert.Len(t, names, 4000)
		assert.Equal(t, 0., figure(job.Status, "seriesDropped"))
	})
}

func TestClockThatJumpsWhileFollowing(t *testing.T) {
	for _, jump := range []time.Duration{-30 * time.Second, -time.Hour, -20 * 365 * 24 * time.Hour, time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := new(taker)
				job, log := followed(t, out)
				var mu sync.Mutex
				var shift time.Duration
				job.Now = func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					return time.Now().Add(shift)
				}
				following(t, job, func() {
					for i := range 60 {
						appendLines(t, log, 1)
						time.Sleep(5 * time.Second)
						if i == 30 {
							mu.Lock()
							shift = jump
							mu.Unlock()
						}
					}
				})
				total := 0.
				for _, b := range out.batches {
					for _, s := range b.Samples {
						if s.Name == "n" {
							total += s.Sum
						}
					}
					assert.GreaterOrEqual(t, b.Seconds(), 0.)
				}
				assert.EqualValues(t, 60, total)
				assert.Greater(t, len(out.batches), 10, "intervals go on")
			})
		})
	}
}

// sluggish is a parser that takes a second for each block.
type sluggish struct{ parsers.Parser }

func (p sluggish) Parse(b parsers.Block, rec *metric.Recorder) parsers.Stats {
	time.Sleep(time.Second)
	return p.Parser.Parse(b, rec)
}

// TestALogThatGrowsTooFastLeavesTimeForOthers: one that is not read to its end
// in an interval, as a socket that is flooded may never be, is not read first
// in the next.
func TestALogThatGrowsTooFastLeavesTimeForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		other := filepath.Join(filepath.Dir(log), "other.log")
		job.Logs, job.Workers = append(job.Logs, other), 1
		inner := job.Parser.New
		job.Parser.New = func(opt parsers.Options, rec *metric.Recorder) (parsers.Parser, error) {
			p, err := inner(opt, rec)
			return sluggish{p}, err
		}
		appendText(t, log, strings.Repeat(`{"text": "much"}`+"\n", 30*tail.BlockSize/17))
		appendText(t, other, `{"n": 1}`+"\n")
		following(t, job, func() { time.Sleep(19 * time.Second) })
		assert.EqualValues(t, 1, out.total(t, "n"))
	})
}

// TestThousandLogsOfAGlob has logs that come, grow, and rest for so long that
// their files are closed.
func TestThousandLogsOfAGlob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		dir := filepath.Dir(log)
		job.Logs = []string{filepath.Join(dir, "*.log")}
		name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%04d.log", i)) }
		lines := 0
		grow := func(from, to, step int) {
			for i := from; i < to; i += step {
				appendLines(t, name(i), 1+i%3)
				require.NoError(t, os.Chtimes(name(i), time.Now(), time.Now())) // the bubble's
				lines += 1 + i%3
			}
		}
		grow(0, 1000, 1)
		following(t, job, func() {
			time.Sleep(15 * time.Second)
			assert.Equal(t, 1000, openIn(t, dir))
			grow(1000, 1100, 1)
			time.Sleep(20 * time.Second)
			assert.EqualValues(t, lines, out.total(t, "n"), "new ones are found")
			for range 40 {
				grow(0, 1100, 100)
				time.Sleep(10 * time.Second)
			}
			assert.Equal(t, 11, openIn(t, dir), "only those that are written to")
			grow(0, 1100, 1)
			time.Sleep(20 * time.Second)
			assert.EqualValues(t, lines, out.total(t, "n"), "those that rested go on")
		})
	})
}

// openIn counts the files of a directory that this process has open.
func openIn(t *testing.T, dir string) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, e := range list {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && filepath.Dir(target) == dir {
			n++
		}
	}
	return n
}
