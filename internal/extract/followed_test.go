package extract_test

import (
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

var plays = flag.Int("repeat", 1, "how often each scenario is played to a program that follows")

// way is how a program that follows meets what happens to its log.
type way string

const (
	running way = "running" // it goes on
	stopped way = "stopped" // it was ended by SIGTERM before, and is started again afterwards
	killed  way = "killed"  // it is killed at a random instant of it, and started again afterwards
)

// followedWorld is a world whose program goes on. Where a run comes to its end in
// other worlds, this one waits until all lines that are whole have arrived.
type followedWorld struct {
	*world
	way   way
	plain []string  // its arguments but for those that make it follow
	now   *attended // nil: it does not run
	had   int       // batches that had arrived when it was started
	death *time.Timer
}

// attended is a run that goes on.
type attended struct {
	cmd  *exec.Cmd
	said testutil.Transcript
	done chan struct{} // closed when it has ended
}

// newFollowed returns a world whose log has lines that have arrived; prepare is
// called before there is a log, and may be nil.
func newFollowed(t testing.TB, way way, prepare func(w *world), args ...string) *followedWorld {
	t.Helper()
	f := &followedWorld{world: emptyWorld(t, args...), way: way}
	f.plain, f.outputs, f.step = f.args, []string{"graphite"}, f.meet
	if prepare != nil {
		prepare(f.world)
	}
	t.Cleanup(func() { f.kill() })
	f.write(10)
	f.begin()
	f.complete()
	f.part()
	return f
}

// begin starts the program, which is not there.
func (f *followedWorld) begin() {
	f.t.Helper()
	require.Nil(f.t, f.now)
	f.args = append([]string{"--follow", "--interval=1s"}, f.plain...) // which may have another interval
	p := &attended{cmd: f.command(), done: make(chan struct{})}
	f.args = f.plain
	p.cmd.Stderr = &p.said
	require.NoError(f.t, p.cmd.Start())
	go func() { defer close(p.done); _ = p.cmd.Wait() }() // the process' state tells it all
	f.now, f.had = p, f.ledger.count("graphite")
}

// over waits for the program's end and returns its exit code, -1 when it was killed.
func (f *followedWorld) over() (code int, said string) {
	f.t.Helper()
	p := f.now
	select {
	case <-p.done:
	case <-time.After(patience):
		require.FailNow(f.t, "it does not end", "%s", &p.said)
	}
	f.now = nil
	said = p.said.String()
	f.said += said
	return p.cmd.ProcessState.ExitCode(), said
}

// end ends the program as a service manager does.
func (f *followedWorld) end() {
	f.t.Helper()
	p := f.now.cmd
	require.NoError(f.t, p.Process.Signal(syscall.SIGTERM))
	code, said := f.over()
	if p.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		f.killed++ // it had just been started, and did not take signals yet
		return
	}
	require.Zero(f.t, code, "%s", said)
}

// kill kills the program, if it is there.
func (f *followedWorld) kill() {
	f.t.Helper()
	if f.now == nil {
		return
	}
	if f.death != nil {
		f.death.Stop()
	}
	f.now.cmd.Process.Kill()
	code, said := f.over()
	require.Equal(f.t, -1, code, "it ended by itself: %s", said)
	f.killed++
}

// part leaves the program as it is to be in what follows.
func (f *followedWorld) part() {
	f.t.Helper()
	switch f.way {
	case stopped:
		f.end()
	case killed:
		process := f.now.cmd.Process
		f.death = time.AfterFunc(time.Duration(f.rand.IntN(30000))*time.Microsecond, func() { process.Kill() })
	}
}

// meet has the program meet what has happened.
func (f *followedWorld) meet() {
	f.t.Helper()
	f.there()
	f.complete()
	f.part()
}

// there has the program run.
func (f *followedWorld) there() {
	f.t.Helper()
	if f.way == killed {
		f.kill()
	}
	if f.now == nil {
		f.begin()
	}
}

// complete waits until all lines that are whole have arrived, and the program
// has made a batch since it was started.
func (f *followedWorld) complete() {
	f.t.Helper()
	want := f.written - len(f.lost)
	if f.half != "" {
		want--
	}
	f.waitFor(func() bool { return f.ledger.lines("graphite") >= want && f.ledger.count("graphite") > f.had }, "%d lines", want)
}

// says waits until the program has said so.
func (f *followedWorld) says(text string) {
	f.t.Helper()
	f.waitFor(func() bool { return strings.Contains(f.now.said.String(), text) }, "%q", text)
}

func (f *followedWorld) waitFor(cond func() bool, what string, args ...any) {
	f.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-f.now.done:
			_, said := f.over()
			require.FailNow(f.t, "the program has ended", "waiting for "+fmt.Sprintf(what, args...)+": "+said)
		case <-end:
			require.FailNow(f.t, "it did not happen", fmt.Sprintf(what, args...)+"; there are %d; %s", f.ledger.lines("graphite"), &f.now.said)
		}
	}
}

// exact has the program meet what has happened, ends it, and checks what the
// sink has, at last with runs that end.
func (f *followedWorld) exact() {
	f.t.Helper()
	f.there()
	f.complete()
	f.end()
	f.step = nil
	f.args = append(f.plain, "--delivery-timeout=20s") // a busy machine may need more than a failing sink is given
	f.world.exact()
}

// incident is a scenario that knows whether the program runs.
type incident struct {
	name    string
	args    []string
	prepare func(w *world) // nil: nothing is to be done before the log is made
	play    func(f *followedWorld)
	silent  bool  // the program says nothing
	ways    []way // nil: all
}

// sideBySide plays the incidents in each way. They wait for the ends of
// intervals most of their time, so more are played at once than there are
// processors.
func sideBySide(t *testing.T, incidents []incident) {
	slots := make(chan struct{}, 32)
	var wg sync.WaitGroup
	defer wg.Wait()
	for range *plays {
		for _, in := range incidents {
			ways := in.ways
			if ways == nil {
				ways = []way{running, stopped, killed}
			}
			for _, way := range ways {
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					t.Run(in.name+"/"+string(way), func(t *testing.T) { in.happen(t, way) })
				})
			}
		}
	}
}

func (in incident) happen(t *testing.T, way way) {
	f := newFollowed(t, way, in.prepare, in.args...)
	in.play(f)
	f.exact()
	if in.silent {
		assert.Empty(t, f.said)
	}
}

// TestFollowedScenarios plays all that can happen to a log, as TestScenarios
// does, to a program that follows it.
func TestFollowedScenarios(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"gzip", "zstd", "bzip2", "xz"} {
		testutil.Peer(t, tool)
	}
	var all []incident
	for _, group := range [][]scenario{appending, rotating, dateext(), dateBeforeExtension(), compressed(), replaced, content} {
		for _, s := range group {
			all = append(all, incident{name: s.name, play: func(f *followedWorld) { s.play(f.world) }, silent: s.says == ""})
		}
	}
	sideBySide(t, all)
}
