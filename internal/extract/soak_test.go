package extract_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// What TestSoak does and allows.
const (
	soakJobs  = 4
	soakLogs  = 5                      // of each job
	soakPace  = 100 * time.Millisecond // how often lines are written
	soakLines = 25                     // to each log then: 5000 a second in all
	soakLook  = 10 * time.Second       // how often the process is looked at
	soakTail  = 10 * time.Minute       // over which it must not grow
	soakGrow  = 1 << 20                // bytes that it may grow in that time
)

// soakRule counts lines by the last digit of their number.
const soakRule = `--counter 'n.{d}=^event id=\d*(?P<d>\d) ' --timer 'took=^event id=\d*?(?P<value>\d{1,3}) '`

// soak is a daemon under an even load.
type soak struct {
	t       *testing.T
	jobs    []*victim
	cmd     attended
	address string // of its telemetry
	looks   []look
}

// look is what the process was like at one moment.
type look struct {
	at                     time.Duration
	rss, files, goroutines float64
}

// TestSoak has a daemon read 20 logs at 5000 lines a second, all of which are
// rotated each minute, with sinks that fail now and then. Memory, open files and
// goroutines do not grow, and all sums are right in the end.
func TestSoak(t *testing.T) {
	t.Parallel()
	length := time.Duration(*minutes * float64(time.Minute))
	s := newSoak(t)
	pace := time.NewTicker(soakPace)
	defer pace.Stop()
	began := time.Now()
	rotate := every(min(time.Minute, length/4))
	fail := every(min(2*time.Minute, length/2))
	repair := every(min(40*time.Second, length/3))
	watch := every(soakLook)
	for since := time.Duration(0); since < length; since = time.Since(began) {
		<-pace.C
		for _, v := range s.jobs {
			for _, w := range v.writers {
				w.append(soakLines)
				if rotate.due(since) {
					w.rotate()
				}
			}
		}
		rotate.done(since)
		if repair.passed(since) {
			s.repair()
		}
		if fail.passed(since) {
			s.fail()
		}
		if watch.passed(since) {
			s.look(since)
		}
	}
	s.finish()
}

// recurrence is what happens again and again.
type recurrence struct{ every, next time.Duration }

func every(d time.Duration) *recurrence { return &recurrence{d, d} }

func (r *recurrence) due(now time.Duration) bool { return now >= r.next }

func (r *recurrence) done(now time.Duration) {
	if r.due(now) {
		r.next += r.every
	}
}

func (r *recurrence) passed(now time.Duration) bool {
	due := r.due(now)
	r.done(now)
	return due
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, cmd: attended{done: make(chan struct{})}}
	text := fmt.Sprintf("parser: RegexParser\nparser-options: '%s'\noutput: graphite\nfrom: begin\ninterval: 1s\njobs:\n", strings.ReplaceAll(soakRule, "'", "''"))
	for i := range soakJobs {
		v := &victim{world: emptyWorld(t)}
		for j := range soakLogs {
			v.writers = append(v.writers, newWriter(v.world, filepath.Join(v.dir, fmt.Sprintf("app%d.log", j)), j%2 == 0))
		}
		s.jobs = append(s.jobs, v)
		text += fmt.Sprintf("  - job: soak%d\n    logs: '%s'\n    state-dir: %s\n    graphite-host: %s\n", i, filepath.Join(v.dir, "*.log"), v.state(), v.sink.address)
	}
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	s.address = testutil.FreeAddress(t)
	s.cmd.cmd = exec.Command(program(t), "daemon", "--config", config, "--telemetry", s.address)
	s.cmd.cmd.Stderr = &s.cmd.said
	require.NoError(t, s.cmd.cmd.Start())
	go func() { defer close(s.cmd.done); _ = s.cmd.cmd.Wait() }() // the process' state tells it all
	t.Cleanup(func() { s.cmd.cmd.Process.Kill(); <-s.cmd.done })
	s.complete()
	return s
}

// fail has one sink refuse, and another reset.
func (s *soak) fail() {
	s.jobs[0].sink.close()
	s.jobs[0].shut = true
	s.jobs[1].sink.is(reset(1000))
}

func (s *soak) repair() {
	if v := s.jobs[0]; v.shut {
		v.sink.open(v.sink.address)
		v.shut = false
	}
	s.jobs[1].sink.is(good)
}

// look notes what the process says of itself.
func (s *soak) look(at time.Duration) {
	s.t.Helper()
	l := s.ask(at)
	s.looks = append(s.looks, l)
	s.t.Logf("%6v  %5.1f MiB  %3.0f files  %3.0f goroutines", at.Round(time.Second), l.rss/(1<<20), l.files, l.goroutines)
}

func (s *soak) ask(at time.Duration) look {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.address+"/metrics", nil)
	require.NoError(s.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err, "%s", &s.cmd.said)
	defer resp.Body.Close()
	var page bytes.Buffer
	_, err = page.ReadFrom(resp.Body)
	require.NoError(s.t, err)
	figure := func(name string) float64 {
		_, rest, ok := strings.Cut(page.String(), "\n"+name+" ")
		require.True(s.t, ok, "%s", name)
		text, _, _ := strings.Cut(rest, "\n")
		v, err := strconv.ParseFloat(text, 64)
		require.NoError(s.t, err)
		return v
	}
	return look{at, figure("process_resident_memory_bytes"), figure("process_open_fds"), figure("go_goroutines")}
}

// calm waits, after a long run, until what was rotated is no longer kept open:
// files and goroutines are then as many as at first.
func (s *soak) calm() {
	s.t.Helper()
	if !s.long() {
		return
	}
	first, last := s.looks[0], look{}
	testutil.Eventually(s.t, 4*time.Minute, func() bool {
		last = s.ask(0)
		return last.files <= first.files && last.goroutines <= first.goroutines
	})
	s.t.Logf("in the end %.0f files and %.0f goroutines, at first %.0f and %.0f", last.files, last.goroutines, first.files, first.goroutines)
}

// long reports whether there are enough looks to tell what grows.
func (s *soak) long() bool { return len(s.looks) >= int(soakTail/soakLook)*3/2 } // what comes before the tail is the beginning

// complete waits until all lines have arrived.
func (s *soak) complete() {
	s.t.Helper()
	for _, v := range s.jobs {
		for _, w := range v.writers {
			w.reopen()
			w.whole()
		}
		testutil.Eventually(s.t, patience, func() bool { return v.counted() >= float64(v.written) })
	}
}

// finish ends the daemon and checks all.
func (s *soak) finish() {
	s.t.Helper()
	s.repair()
	s.complete()
	s.calm()
	require.NoError(s.t, s.cmd.cmd.Process.Signal(syscall.SIGTERM))
	<-s.cmd.done
	require.Zero(s.t, s.cmd.cmd.ProcessState.ExitCode(), "%s", &s.cmd.said)
	total, rotations := 0, 0
	for _, v := range s.jobs {
		v.checkDigits()
		total += v.written
		for _, w := range v.writers {
			rotations += w.rotations
		}
	}
	s.t.Logf("%d lines, %d rotations, %d looks", total, rotations, len(s.looks))
	s.flat()
}

// flat checks the last looks, if there are enough.
func (s *soak) flat() {
	s.t.Helper()
	if !s.long() {
		return
	}
	looks := s.looks[len(s.looks)-int(soakTail/soakLook):]
	growth := slope(looks, func(l look) float64 { return l.rss }) * soakTail.Seconds()
	s.t.Logf("growth over the last %v: %.2f MiB", soakTail, growth/(1<<20))
	assert.LessOrEqual(s.t, growth, float64(soakGrow))
	for name, of := range map[string]func(look) float64{
		"files":      func(l look) float64 { return l.files },
		"goroutines": func(l look) float64 { return l.goroutines },
	} {
		// They go up and down: what was rotated stays open for two minutes. One left
		// by every twentieth rotation would be ten.
		assert.Less(s.t, slope(looks, of)*soakTail.Seconds(), soakJobs*soakLogs/2., "%s grow", name)
	}
}

// slope is the increase in a second of the line that fits best.
func slope(looks []look, of func(look) float64) float64 {
	var t, y, tt, ty float64
	n := float64(len(looks))
	for _, l := range looks {
		x := l.at.Seconds()
		t, y, tt, ty = t+x, y+of(l), tt+x*x, ty+x*of(l)
	}
	return (n*ty - t*y) / (n*tt - t*t)
}

// digits is what was counted by the last digit of the lines' numbers.
func (v *victim) digits() (sums [10]float64) {
	v.ledger.mu.Lock()
	defer v.ledger.mu.Unlock()
	for _, d := range v.ledger.batches["graphite"] {
		for _, line := range d.lines {
			name, value, _ := strings.Cut(line, " ")
			if digit, ok := strings.CutPrefix(name, "n."); ok {
				n, _ := strconv.ParseFloat(value, 64)
				sums[digit[0]-'0'] += n
			}
		}
	}
	return sums
}

func (v *victim) counted() (total float64) {
	for _, n := range v.digits() {
		total += n
	}
	return total
}

// checkDigits holds the sums to the lines that were written.
func (v *victim) checkDigits() {
	v.t.Helper()
	require.Empty(v.t, v.ledger.faults)
	for digit, n := range v.digits() {
		assert.EqualValues(v.t, (v.written-digit+9)/10, n, "lines whose numbers end with %d", digit)
	}
}
