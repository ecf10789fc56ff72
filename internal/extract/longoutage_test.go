package extract_test

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

var outageLength = flag.Duration("outage", 5*time.Second, "for how long TestLongOutage has a sink refuse: in 10m there are 60 intervals of 10 s")

// arrivals are stamps of batches in the order in which they came.
type arrivals struct {
	mu     sync.Mutex // protects stamps
	stamps []int64
}

// take is a behaviour that notes the stamp, too.
func (a *arrivals) take(c *net.TCPConn) []byte {
	stream := good(c)
	if f := bytes.Fields(stream); len(f) > 2 {
		stamp, _ := strconv.ParseInt(string(f[2]), 10, 64)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.stamps = append(a.stamps, stamp)
	}
	return stream
}

// TestLongOutage: see promise R7. While a sink refuses, 1000 lines a second are
// read, each a series of its own. What the spool holds arrives afterwards, in
// order; of more than that the oldest is dropped, counted and said.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	const perSecond, perLine = 1000, 40 // the latter in bytes of the spool, at least
	interval := max(time.Second, (*outageLength / 60).Truncate(time.Second))
	all := int(outageLength.Seconds()) * perSecond * perLine
	for name, spool := range map[string]int{"within the spool": 8 * all, "beyond the spool": all / 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollowed(t, running, nil, "--max-series=30000", "--spool-size", strconv.Itoa(spool)) // names of two intervals
			f.end()
			f.plain = append(f.plain, "--interval", interval.String())
			var came arrivals
			f.sink.is(came.take)
			f.begin()
			f.write(10)
			f.complete()
			first := f.written
			f.sink.close()
			pace := time.NewTicker(100 * time.Millisecond)
			defer pace.Stop()
			for end := time.Now().Add(*outageLength); time.Now().Before(end); <-pace.C {
				f.write(perSecond / 10)
			}
			f.says("the output does not take batches")
			f.sink.open(f.sink.address)
			f.write(10)
			last := f.written - 1
			// It was left alone for half a minute at most.
			testutil.Eventually(t, 2*time.Minute, func() bool { return f.ledger.has("graphite", last) })
			f.frugal()
			f.end()
			dropped := f.dropped(first)
			batches := came.ascend(t)
			if spool > all {
				assert.Empty(t, dropped)
			} else {
				assert.NotEmpty(t, dropped)
				assert.Contains(t, f.said, "outputs did not take the oldest batches in time: they are dropped")
			}
			t.Logf("%d lines, %d batches, %d of them came; %d lines were dropped", f.written, f.ledger.count("graphite"), batches, len(dropped))
			f.lost, f.step, f.said = dropped, nil, ""
			f.world.exact()
		})
	}
}

// has reports whether a line has arrived.
func (l *ledger) has(sink string, line int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	want := fmt.Sprintf("n.%d 1", line)
	for _, d := range l.batches[sink] {
		if _, ok := slices.BinarySearch(d.lines, want); ok {
			return true
		}
	}
	return false
}

// frugal checks the program's memory at its most.
func (f *followedWorld) frugal() {
	f.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.now.cmd.Process.Pid))
	if err != nil {
		return // not Linux
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindStringSubmatch(string(text))
	require.NotNil(f.t, m)
	kib, err := strconv.Atoi(m[1])
	require.NoError(f.t, err)
	f.t.Logf("%d MiB resident at most", kib>>10)
	assert.LessOrEqual(f.t, kib<<10, maxPeak)
}

// dropped returns the lines that did not arrive: those of the first batches
// after line first, as many as the program says.
func (f *followedWorld) dropped(first int) map[int]bool {
	f.t.Helper()
	gone := numbers(0, f.written)
	var batches []int
	f.ledger.mu.Lock()
	for number, d := range f.ledger.batches["graphite"] {
		n, err := strconv.Atoi(number)
		require.NoError(f.t, err)
		batches = append(batches, n)
		for _, line := range d.lines {
			id, _ := lineNumber(f.t, line)
			delete(gone, id)
		}
	}
	f.ledger.mu.Unlock()
	for i := range len(gone) {
		require.True(f.t, gone[first+i], "not the oldest are gone: line %d is there, of %d from %d", first+i, len(gone), first)
	}
	missing := slices.Max(batches) - len(batches)
	assert.EqualValues(f.t, missing, f.newest("graphite").account["batchesDropped"])
	assert.Equal(f.t, len(gone) > 0, missing > 0)
	said := 0
	for _, m := range regexp.MustCompile(`they are dropped batches=(\d+)`).FindAllStringSubmatch(f.said, -1) {
		n, _ := strconv.Atoi(m[1])
		said += n
	}
	assert.Equal(f.t, missing, said)
	assert.LessOrEqual(f.t, strings.Count(f.said, "the output does not take batches"), 1, "it is said once: %s", f.said)
	return gone
}

// ascend checks that no batch came before an older one, and returns how many came.
func (a *arrivals) ascend(t *testing.T) int {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, stamp := range a.stamps {
		require.True(t, i == 0 || stamp > a.stamps[i-1], "batch %d is of %d, after one of %d", i, stamp, a.stamps[max(i, 1)-1])
	}
	return len(a.stamps)
}
