package extract_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var minutes = flag.Float64("minutes", 0.1, "for how long TestDaemonChaos and TestSoak go on")

// tick is how long an action of TestDaemonChaos takes, and lasting how many
// ticks a state that is to pass lasts at most.
const (
	tick    = 10 * time.Millisecond
	lasting = 150
)

// TestDaemonChaos has a daemon of several jobs, which is killed, ended, stopped
// and reconfigured while several writers append to its logs, these are rotated,
// and its sinks fail. Between times all is well for a moment: then every line
// must have arrived once.
func TestDaemonChaos(t *testing.T) {
	t.Parallel()
	for _, disk := range []string{"disk with room", "disk that is full for a while"} {
		t.Run(disk, func(t *testing.T) {
			t.Parallel()
			newMayhem(t, disk != "disk with room").play(time.Duration(*minutes * float64(time.Minute)))
		})
	}
}

// mayhem is a daemon, its jobs, and all that befalls them.
type mayhem struct {
	*world // of the process; its own log and sink are not used
	config string
	jobs   []*victim
	now    *attended // nil: it is down
	asleep bool
	ticks  int
	due    []event
	count  map[string]int
	small  bool // disks have little room
	full   func()
	diary  []string // since all was well
}

// event is what happens later.
type event struct {
	at int // tick
	do func()
}

// victim is a job of a daemon.
type victim struct {
	*world
	pattern string
	writers []*writer
	present bool // it is in the configuration
	workers int
	shut    bool // its sink does not listen
}

func newMayhem(t *testing.T, small bool) *mayhem {
	t.Helper()
	m := &mayhem{world: emptyWorld(t), count: make(map[string]int), small: small}
	m.config = filepath.Join(m.dir, "c.yaml")
	for _, logs := range []int{1, 5} {
		v := &victim{world: emptyWorld(t, fmt.Sprint("--job=logs", logs)), present: true, workers: 1}
		v.rand, v.outputs = m.rand, []string{"graphite"} // one seed for all
		v.pattern = filepath.Join(v.dir, "*.log")
		v.logs = []string{v.pattern}
		if small {
			mountMemory(t, v.state(), "size=4m") // for all that comes while a sink fails
		}
		for i := range logs {
			v.writers = append(v.writers, newWriter(v.world, filepath.Join(v.dir, fmt.Sprintf("app%c.log", 'a'+i)), i%2 == 0))
		}
		m.jobs = append(m.jobs, v)
	}
	t.Cleanup(func() {
		if m.now != nil {
			m.now.cmd.Process.Kill()
			<-m.now.done
		}
	})
	return m
}

// play lets it all happen, and checks what came of it.
func (m *mayhem) play(length time.Duration) {
	m.t.Helper()
	m.settle()
	pace := time.NewTicker(tick)
	defer pace.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); m.ticks++ {
		<-pace.C
		m.pass()
		v := m.jobs[m.rand.IntN(len(m.jobs))]
		w := v.writers[m.rand.IntN(len(v.writers))]
		w.append(m.rand.IntN(60))
		if m.rand.IntN(40) == 0 {
			w.rotate()
			m.count["rotations"]++
		}
		m.befall(v)
		if w.rotations == generations-1 {
			m.settle()
		}
	}
	m.settle()
	m.signal(syscall.SIGTERM)
	m.over()
	total := 0
	for _, v := range m.jobs {
		v.world.exact()
		total += v.written
	}
	m.t.Logf("%d lines, %v", total, m.count)
}

// befall has something happen, or nothing.
func (m *mayhem) befall(v *victim) {
	m.t.Helper()
	switch m.rand.IntN(300) {
	case 0, 1:
		m.down(syscall.SIGKILL)
	case 2:
		m.down(syscall.SIGTERM)
	case 3:
		m.sleep()
	case 4, 5:
		m.reconfigure(v)
	case 6, 7, 8, 9, 10, 11:
		m.spoil(v)
	case 12:
		m.fill(v)
	}
}

// later has fn called in some ticks.
func (m *mayhem) later(fn func()) {
	m.due = append(m.due, event{m.ticks + m.rand.IntN(lasting), fn})
}

// pass does what is due, and looks whether the daemon is well.
func (m *mayhem) pass() {
	m.t.Helper()
	due := m.due
	m.due = nil
	for _, e := range due {
		if e.at <= m.ticks {
			e.do()
		} else {
			m.due = append(m.due, e)
		}
	}
	if m.now == nil {
		return
	}
	select {
	case <-m.now.done:
		m.over() // it was told to end
		m.later(m.up)
	default:
	}
}

// over waits for the daemon's end, which must not be one of its own.
func (m *mayhem) over() {
	m.t.Helper()
	p := m.now
	select {
	case <-p.done:
	case <-time.After(patience):
		require.FailNow(m.t, "the daemon does not end", "%s", &p.said)
	}
	m.now = nil
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	asked := m.count["SIGTERM"] > 0 && status.Exited() && status.ExitStatus() == 0
	// Before it can take signals they end it.
	require.True(m.t, status.Signaled() && status.Signal() != syscall.SIGABRT || asked, "it ended with %v: %s", status, &p.said)
}

func (m *mayhem) up() {
	m.t.Helper()
	if m.now != nil {
		return
	}
	p := &attended{cmd: exec.Command(m.bin, "daemon", "--config", m.config), done: make(chan struct{})}
	p.cmd.Stderr = &p.said
	require.NoError(m.t, p.cmd.Start())
	go func() { defer close(p.done); _ = p.cmd.Wait() }() // the process' state tells it all
	m.now = p
	m.diary = append(m.diary, fmt.Sprintf("tick %d: start %d", m.ticks, p.cmd.Process.Pid))
}

func (m *mayhem) signal(s syscall.Signal) {
	m.t.Helper()
	if m.now == nil {
		return
	}
	m.count[map[syscall.Signal]string{
		syscall.SIGKILL: "kills", syscall.SIGTERM: "SIGTERM", syscall.SIGSTOP: "SIGSTOP", syscall.SIGCONT: "SIGCONT", syscall.SIGHUP: "SIGHUP",
	}[s]]++
	m.diary = append(m.diary, fmt.Sprintf("tick %d: %v to %d", m.ticks, s, m.now.cmd.Process.Pid))
	_ = m.now.cmd.Process.Signal(s) // it may have ended
}

// down ends the daemon; pass has it started again.
func (m *mayhem) down(s syscall.Signal) {
	m.t.Helper()
	m.awake()
	m.signal(s)
}

func (m *mayhem) sleep() {
	m.t.Helper()
	if m.asleep || m.now == nil {
		return
	}
	m.signal(syscall.SIGSTOP)
	m.asleep = true
	m.later(m.awake)
}

func (m *mayhem) awake() {
	m.t.Helper()
	if m.asleep {
		m.signal(syscall.SIGCONT)
	}
	m.asleep = false
}

// reconfigure changes a job, or takes it away for a while.
func (m *mayhem) reconfigure(v *victim) {
	m.t.Helper()
	v.workers = 1 + m.rand.IntN(3)
	if v.present && m.rand.IntN(3) == 0 {
		v.present = false
		m.later(func() { v.present = true; m.configure() })
	}
	m.configure()
}

// configure writes the configuration as it is to be, and has it read.
func (m *mayhem) configure() {
	m.t.Helper()
	text := fmt.Sprintf("parser: RegexParser\nparser-options: '%s'\noutput: graphite\nfrom: begin\nmax-series: 1000000\ninterval: 1s\ndelivery-timeout: 2s\njobs:\n",
		strings.ReplaceAll(rule, "'", "''"))
	for i, v := range m.jobs {
		if v.present || i == 0 { // a daemon has a job at least
			text += fmt.Sprintf("  - job: %s\n    logs: '%s'\n    state-dir: %s\n    graphite-host: %s\n    workers: %d\n",
				strings.TrimPrefix(v.args[len(v.args)-1], "--job="), v.pattern, v.state(), v.sink.address, v.workers)
		}
	}
	require.NoError(m.t, os.WriteFile(m.config+".new", []byte(text), 0o600))
	require.NoError(m.t, os.Rename(m.config+".new", m.config))
	m.signal(syscall.SIGHUP)
}

// spoil has the job's sink behave in another way for a while.
func (m *mayhem) spoil(v *victim) {
	m.t.Helper()
	ways := []behaviour{nil, reset(0), reset(1 + m.rand.Int64N(5000)), half, stuck, halfClosing, slow, answering}
	way := ways[m.rand.IntN(len(ways))]
	m.count["failing sinks"]++
	if way != nil {
		v.sink.is(way)
	} else if !v.shut && !m.asleep { // who sleeps would hold connections that shut waits for
		v.sink.close()
		v.shut = true
	}
	m.later(func() { m.repair(v) })
}

func (m *mayhem) repair(v *victim) {
	m.t.Helper()
	v.sink.is(good)
	if v.shut {
		v.sink.open(v.sink.address)
	}
	v.shut = false
}

// fill takes all room from the disk of the job's state for a while.
func (m *mayhem) fill(v *victim) {
	m.t.Helper()
	if !m.small || m.full != nil {
		return
	}
	m.count["full disks"]++
	m.full = fill(m.t, filepath.Join(v.state(), "filler"))
	m.later(m.free)
}

func (m *mayhem) free() {
	if m.full != nil {
		m.full()
	}
	m.full = nil
}

// settle has all be well, until every line has arrived.
func (m *mayhem) settle() {
	m.t.Helper()
	m.count["checks"]++
	due := m.due
	m.due = nil
	for _, e := range due {
		e.do()
	}
	m.awake()
	m.free()
	for _, v := range m.jobs {
		m.repair(v)
		v.present = true
		for _, w := range v.writers {
			w.append(1)
			w.reopen()
			w.append(1)
			w.whole()
		}
	}
	m.configure()
	m.await()
	m.diary = nil
	for _, v := range m.jobs {
		for _, w := range v.writers {
			w.rotations, w.diary = 0, nil
		}
	}
}

// await waits until every line has arrived, and checks that it did once.
func (m *mayhem) await() {
	m.t.Helper()
	pace := time.NewTicker(tick)
	defer pace.Stop()
	end := time.Now().Add(2 * time.Minute) // an output that failed for long is tried again after half a minute
	for _, v := range m.jobs {
		for v.ledger.lines("graphite") < v.written {
			<-pace.C
			m.ticks++
			if m.pass(); m.now == nil && len(m.due) == 0 {
				m.up()
			}
			if time.Now().After(end) {
				m.explain(v)
				break
			}
		}
		v.ledger.check(m.t, "graphite", v.written, nil)
	}
}

// explain tells what led to lines not being there.
func (m *mayhem) explain(v *victim) {
	m.t.Helper()
	missing := numbers(0, v.written)
	v.ledger.mu.Lock()
	for _, d := range v.ledger.batches["graphite"] {
		for _, line := range d.lines {
			id, _ := lineNumber(m.t, line)
			delete(missing, id)
		}
	}
	v.ledger.mu.Unlock()
	m.t.Logf("%d lines are missing: %v", len(missing), slices.Sorted(maps.Keys(missing)))
	for _, w := range v.writers {
		m.t.Logf("%s\n%s", w.path, strings.Join(w.diary, "\n"))
		files, err := filepath.Glob(w.path + "*")
		require.NoError(m.t, err)
		for _, name := range files {
			if fi, err := os.Stat(name); err == nil {
				m.t.Logf("%s %d bytes, inode %d", name, fi.Size(), fi.Sys().(*syscall.Stat_t).Ino)
			}
		}
	}
	m.t.Logf("events: %s\nthe daemon said: %s", strings.Join(m.diary, "\n"), &m.now.said)
}
