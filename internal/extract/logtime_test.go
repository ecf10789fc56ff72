package extract_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
)

// history writes lines whose stamps lie around a time that goes on, and knows
// how many belong to each interval of ten seconds.
type history struct {
	rand   *rand.Rand
	now    int64
	counts map[int64]float64
}

// text returns n lines; their stamps are up to 20 s out of order.
func (h *history) text(n int) []byte {
	var b bytes.Buffer
	for range n {
		h.now += h.rand.Int64N(4)
		at := h.now - h.rand.Int64N(20)
		h.counts[at-at%10]++
		fmt.Fprintf(&b, `{"time": %d, "n": 1, "text": "%0*d"}`+"\n", at, h.rand.IntN(200), 7)
	}
	return b.Bytes()
}

// check compares without printing thousands of intervals.
func (h *history) check(t *testing.T, out *taker) {
	t.Helper()
	sums := out.sums(t, "n")
	require.Len(t, sums, len(h.counts))
	for start, n := range h.counts {
		require.Equal(t, n, sums[start], "interval %d", start)
	}
}

func timed(t *testing.T, outs ...*taker) (extract.Job, string, *history) {
	t.Helper()
	job, log := followed(t, outs...)
	job.LogTime, job.Status = true, nil
	return job, log, &history{rand: newRand(t), now: 1_700_000_000, counts: make(map[int64]float64)}
}

func zipped(t *testing.T, name string, text []byte) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	write(t, name, b.String())
}

// TestHistoryOfRotatedLogs reads years-old logs, compressed and not, and is
// killed on the way.
func TestHistoryOfRotatedLogs(t *testing.T) {
	for _, workers := range []int{1, 4} {
		out := new(taker)
		job, log, h := timed(t, out)
		job.Workers, job.Logs = workers, []string{log + "*"}
		for i := 5; i > 0; i-- {
			if i > 2 {
				zipped(t, fmt.Sprintf("%s.%d.gz", log, i), h.text(5000))
			} else {
				write(t, fmt.Sprintf("%s.%d", log, i), string(h.text(5000)))
			}
		}
		write(t, log, string(h.text(5000)))
		for range 6 {
			ctx, stop := context.WithCancel(t.Context())
			job.Progress = func(p extract.Progress) {
				if h.rand.IntN(2) == 0 {
					stop()
				}
			}
			_, err := extract.Run(ctx, job)
			stop()
			require.True(t, err == nil || ctx.Err() != nil, err)
		}
		job.Progress = nil
		res, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		assert.Zero(t, res.Late)
		h.check(t, out)
	}
}

// TestLogsOfOneTimeAreReadSideBySide has ten logs of the same days, which
// would all be late but for the first if they were read one after the other.
func TestLogsOfOneTimeAreReadSideBySide(t *testing.T) {
	out := new(taker)
	job, log, h := timed(t, out)
	job.Logs = []string{filepath.Join(filepath.Dir(log), "*.log")}
	for i := range 10 {
		h.now = 1_700_000_000
		write(t, filepath.Join(filepath.Dir(log), fmt.Sprintf("%d.log", i)), string(h.text(20000)))
	}
	res, err := extract.Run(t.Context(), job)
	require.NoError(t, err)
	assert.Zero(t, res.Late)
	h.check(t, out)
}

// TestRunsByLogTimeLeaveIntervalsOpen runs each minute beside a program that
// writes all the time.
func TestRunsByLogTimeLeaveIntervalsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log, h := timed(t, out)
		for range 30 {
			h.now = time.Now().Unix()
			appendText(t, log, string(h.text(10)))
			time.Sleep(time.Minute)
			_, err := extract.Run(t.Context(), job)
			require.NoError(t, err)
		}
		time.Sleep(2 * time.Minute)
		_, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		h.check(t, out)
	})
}

func TestFollowByLogTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log, h := timed(t, out)
		job.Status = new(extract.Status)
		for range 5 {
			following(t, job, func() {
				for range 40 {
					h.now = time.Now().Unix()
					appendText(t, log, string(h.text(3)))
					time.Sleep(7 * time.Second)
				}
			})
		}
		following(t, job, func() { time.Sleep(2 * time.Minute) })
		h.check(t, out)
		assert.Equal(t, 0., figure(job.Status, "lateLines"))
	})
}

func TestLateLinesAreCountedAndGoNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log, _ := timed(t, out)
		job.Status = new(extract.Status)
		start := time.Now().Unix()
		line := func(at int64) {
			f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			require.NoError(t, err)
			_, err = fmt.Fprintf(f, `{"time": %d, "n": 1}`+"\n", at)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		following(t, job, func() {
			line(start)
			time.Sleep(3 * time.Minute)
			line(start)                    // late
			line(start - 1<<29)            // long ago
			line(start + 1<<30)            // not to be believed: goes with the line before it
			line(time.Now().Unix() - 1)    // in time
			line(time.Now().Unix() + 3600) // of a clock that is ahead
			time.Sleep(3 * time.Hour)
		})
		sums := out.sums(t, "n")
		assert.Equal(t, []float64{1, 1, 1}, []float64{sums[start], sums[start+170], sums[start+3780]}, "%v", sums)
		assert.Len(t, sums, 3)
		assert.Equal(t, 2., figure(job.Status, "lateLines"))
		assert.Equal(t, 1., figure(job.Status, "untimedLines"))
	})
}

// TestFromLogTimeToTheClock leaves no interval behind.
func TestFromLogTimeToTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log, h := timed(t, out)
		h.now = time.Now().Unix()
		write(t, log, string(h.text(50)))
		_, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		time.Sleep(time.Second)
		job.LogTime = false
		_, err = extract.Run(t.Context(), job)
		require.NoError(t, err)
		total := 0.
		for _, n := range out.sums(t, "n") {
			total += n
		}
		assert.EqualValues(t, 50, total)
	})
}

// TestStampsOfAnAttackerTakeNoMemory has each line in another century.
func TestStampsOfAnAttackerTakeNoMemory(t *testing.T) {
	out := new(taker)
	job, log, h := timed(t, out)
	var b bytes.Buffer
	for range 200_000 {
		fmt.Fprintf(&b, `{"time": %d, "n": 1}`+"\n", h.rand.Int64N(4_000_000_000))
	}
	write(t, log, b.String())
	res, err := extract.Run(t.Context(), job)
	require.NoError(t, err)
	taken := 0.
	for _, n := range out.sums(t, "n") {
		taken += n
	}
	// A line without a stamp that is believed goes where the line before it goes.
	assert.LessOrEqual(t, taken+float64(res.Late), 200_000.)
	assert.GreaterOrEqual(t, taken+float64(res.Late)+float64(res.Untimed), 200_000., "each is in an interval or counted")
}
