package extract_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// incidents are what happens beside the log, or to more than its content.
var incidents = []incident{
	{name: "reused inode", play: func(f *followedWorld) { reuseInode(f.world) }, silent: true},
	{name: "symlink switched", prepare: func(w *world) { w.link("0.log") }, play: func(f *followedWorld) { switchLinks(f.world) }, silent: true},
	{name: "permission removed for a while", prepare: (*world).unprivileged, play: permissionRemoved},
	{name: "three rotations while suspended", ways: []way{running}, silent: true, play: func(f *followedWorld) {
		f.signal(syscall.SIGSTOP)
		for range 3 {
			f.write(300)
			f.rotate()
		}
		f.compress(".2", "gzip")
		f.write(3)
		f.signal(syscall.SIGCONT)
	}},
	{name: "live path missing for long", play: func(f *followedWorld) {
		f.write(20)
		f.move("", ".1")
		f.there()
		f.says("the log is missing")
		f.create()
		f.write(4)
		f.meet()
		assert.Equal(f.t, 1, strings.Count(f.said, "the log is missing"))
	}, ways: []way{stopped}},
	{name: "concurrent runs", ways: []way{running}, play: concurrent},
	{name: "a lock left by a killed run", ways: []way{killed}, silent: true, play: lockLeft},
	{name: "state damaged, first copy", ways: []way{killed}, play: func(f *followedWorld) { damaged(f, "*.state") }},
	{name: "state damaged, second copy", ways: []way{killed}, play: func(f *followedWorld) { damaged(f, "*.state.bak") }},
	{name: "state damaged, both copies", ways: []way{killed}, play: func(f *followedWorld) { damaged(f, "*.state", "*.state.bak") }},
	{name: "state on a full disk", prepare: func(w *world) { mountSmall(w.t, w.state()) }, play: diskFull},
	{name: "state on a read-only disk", ways: []way{stopped}, prepare: func(w *world) { mountSmall(w.t, w.state()) }, play: diskReadOnly},
}

// TestFollowedIncidents: what scenarios_test.go has not, for a program that follows.
func TestFollowedIncidents(t *testing.T) {
	t.Parallel()
	all := slices.Clone(incidents)
	for name, c := range outages {
		all = append(all, incident{name: "output " + name, args: []string{c.flag}, play: func(f *followedWorld) { outage(f, c.behave, c.code == 3) }})
	}
	sideBySide(t, all)
}

func (f *followedWorld) signal(s syscall.Signal) {
	f.t.Helper()
	require.NoError(f.t, f.now.cmd.Process.Signal(s))
}

// outage has the sink take nothing, or slowly, over three rotations.
func outage(f *followedWorld, behave behaviour, refuses bool) {
	if behave == nil {
		f.sink.close()
	} else {
		f.sink.is(behave)
	}
	for range 3 {
		f.write(5000)
		f.rotate()
		f.there()
		if refuses {
			f.says("the output does not take batches")
			f.part()
		} else {
			f.meet()
		}
	}
	if behave == nil {
		f.sink.open(f.sink.address)
	}
	f.sink.is(good)
	f.write(10)
	f.meet()
	if refuses && f.way == running {
		assert.Positive(f.t, f.ledger.sum("graphite", "deliveryErrors"), "it is counted")
	}
}

// permissionRemoved has a log that cannot be read for a while, then a rotated
// file: what cannot be read waits.
func permissionRemoved(f *followedWorld) {
	denied := func() {
		f.t.Helper()
		if f.way == running {
			return // it is open, and read on
		}
		f.there()
		f.says("a log cannot be read now; it is tried again")
		f.part()
	}
	f.write(10)
	require.NoError(f.t, os.Chmod(f.log(), 0))
	f.write(10)
	denied()
	require.NoError(f.t, os.Chmod(f.log(), 0o644))
	f.meet()

	f.write(10)
	require.NoError(f.t, os.Chmod(f.log(), 0))
	f.rotate()
	require.NoError(f.t, os.Chmod(f.log(), 0))
	f.write(10)
	denied()
	require.NoError(f.t, os.Chmod(f.file(".1"), 0o644))
	require.NoError(f.t, os.Chmod(f.log(), 0o644))
}

// concurrent has others want the job: all find its lock held.
func concurrent(f *followedWorld) {
	first := f.now
	for range 3 {
		f.write(10)
		f.step = nil
		assert.Contains(f.t, f.exits(4), "held by another run, process ")
		f.step = f.meet
		f.now = nil
		f.begin()
		code, said := f.over()
		assert.Equal(f.t, 4, code)
		assert.Contains(f.t, said, "held by another run, process ")
		f.now = first
	}
}

// lockLeft has a lock of a process that lives, but does not hold it.
func lockLeft(f *followedWorld) {
	for range 3 {
		f.kill()
		locks, err := filepath.Glob(filepath.Join(f.state(), "*.lock"))
		require.NoError(f.t, err)
		require.Len(f.t, locks, 1)
		require.NoError(f.t, os.WriteFile(locks[0], []byte("1\n"), 0o600))
		f.write(5)
		f.rotate()
		f.meet()
	}
}

// damaged spoils files of the state in each way, while the program runs and
// before it is killed.
func damaged(f *followedWorld, files ...string) {
	for how, spoil := range damages {
		if how == "gone" && len(files) > 1 {
			continue // the user's own way to start over
		}
		f.write(20)
		f.meet()
		f.kill()
		for _, pattern := range files {
			f.damage(pattern, spoil)
		}
		f.write(20)
		f.rotate()
		f.write(20)
		f.meet()
	}
	f.kill()
	assert.Regexp(f.t, `state file is damaged.*file=\S+`, f.said)
}

// diskFull has the disk of the state full: nothing is sent that is not kept, and
// nothing is read that cannot be kept.
func diskFull(f *followedWorld) {
	for round := range 2 {
		said := func(text string) {
			f.t.Helper()
			if f.way == running {
				f.waitFor(func() bool { return strings.Count(f.now.said.String(), text) > round }, "%q", text)
			}
		}
		free := fill(f.t, filepath.Join(f.state(), "filler"))
		f.write(30)
		f.rotate()
		f.there()
		before := f.ledger.lines("graphite")
		f.full()
		said("nothing can be kept now, so nothing is read")
		f.write(30)
		assert.Equal(f.t, before, f.ledger.lines("graphite"), "nothing is sent")
		free()
		said("it can be kept again")
		f.meet()
	}
}

// full waits until the program says that the disk is full, which some do in
// the moment in which they end.
func (f *followedWorld) full() {
	f.t.Helper()
	f.waitFor(func() bool { return strings.Contains(f.now.said.String(), "no space left on device") }, "the disk is full")
}

// diskReadOnly: a program that cannot keep anything does not start.
func diskReadOnly(f *followedWorld) {
	remountSmall(f.t, f.state(), true)
	for range 2 {
		f.write(20)
		f.rotate()
		f.begin()
		code, said := f.over()
		assert.Equal(f.t, 1, code)
		assert.Contains(f.t, said, "read-only file system")
	}
	remountSmall(f.t, f.state(), false)
}
