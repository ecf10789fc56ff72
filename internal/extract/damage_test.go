package extract_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// damages are what disks and power cuts make of files; nil: the file is gone.
var damages = map[string]func(content []byte) []byte{
	"half":    func(b []byte) []byte { return b[:len(b)/2] },
	"empty":   func(b []byte) []byte { return []byte{} },
	"NUL":     func(b []byte) []byte { return make([]byte, len(b)) },
	"garbage": func(b []byte) []byte { return garbage(len(b)) },
	"longer":  func(b []byte) []byte { return append(bytes.Clone(b), garbage(100)...) },
	"one bit": func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 4; return b },
	"gone":    func([]byte) []byte { return nil },
}

func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// damage spoils the files of the state that match.
func (w *world) damage(pattern string, how func([]byte) []byte) {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.state(), pattern))
	require.NoError(w.t, err)
	require.NotEmpty(w.t, names)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(w.t, err)
		if data = how(data); data == nil {
			require.NoError(w.t, os.Remove(name))
			continue
		}
		require.NoError(w.t, os.WriteFile(name, data, 0o600))
	}
}

// TestDamagedState spoils one copy of the state, or both, which leaves the
// newest batch that was delivered: it carries the state, too.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	for how, spoil := range damages {
		for _, files := range [][]string{{"*.state"}, {"*.state.bak"}, {"*.state", "*.state.bak"}} {
			if how == "gone" && len(files) > 1 {
				continue // the user's own way to start over
			}
			t.Run(fmt.Sprintf("%s %s", how, strings.Join(files, " ")), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write(20)
				w.exits(0)
				for _, pattern := range files {
					w.damage(pattern, spoil)
				}
				w.write(20)
				w.exits(0)
				for _, pattern := range files {
					if pattern != "*.state.bak" || how != "gone" {
						assert.Regexp(t, strings.ReplaceAll(pattern, "*", `state file is (damaged|missing).*file=\S+`), w.said)
					}
				}
				w.write(20)
				said := w.said
				w.exact()
				assert.Equal(t, said, w.said, "it is said once")
			})
		}
	}
}

// TestDamagedQueue spoils a batch that waits: that one is lost, counted, said
// and kept aside, and the rest arrives.
func TestDamagedQueue(t *testing.T) {
	t.Parallel()
	for how, spoil := range damages {
		if how == "gone" {
			continue // who removes a batch does not want it
		}
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "--delivery-timeout=200ms")
			w.sink.close()
			w.write(5)
			w.exits(3)
			first := w.written
			w.write(5)
			w.exits(3)
			w.damage("*.q/*3.batch", spoil)
			w.sink.open(w.sink.address)
			w.write(5)
			w.exits(0)
			assert.Contains(t, w.said, "a queued batch is damaged and will not be delivered")
			w.ledger.check(t, "stdout", w.written, nil)
			w.ledger.check(t, "graphite", w.written, numbers(first, first+5))
			w.exits(0)
		})
	}
}

func numbers(from, to int) map[int]bool {
	set := make(map[int]bool)
	for i := from; i < to; i++ {
		set[i] = true
	}
	return set
}

// TestAllCopiesDamaged: then it is a first run, which is said, and nothing is lost.
func TestAllCopiesDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.damage("*.state*", damages["garbage"])
	w.damage("*.q/*", damages["NUL"])
	w.write(5)
	assert.Contains(t, w.exits(0), "all copies of the state are damaged: this is a first run")
	assert.Len(t, w.newest("graphite").lines, w.written)
	assert.Len(t, w.newest("stdout").lines, w.written)
}

// TestConcurrentRuns: while one run has the job, each other one ends with 4.
func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	w.sink.is(func(c *net.TCPConn) []byte {
		close(arrived)
		<-release
		return good(c)
	})
	w.write(50)
	_, wait := w.start()
	<-arrived
	for range 5 {
		stderr := w.exits(4)
		assert.Contains(t, stderr, "held by another run, process ")
		assert.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	w.sink.is(good)
	close(release)
	code, stderr := wait()
	require.Zero(t, code, stderr)
	w.write(10)
	w.exact()
}

// TestRunsAtOnce starts runs together, again and again: whoever gets the lock,
// every line is counted once.
func TestRunsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	took, locked := 0, 0
	for range 5 {
		w.write(100)
		var waits []func() (int, string)
		for range 6 {
			_, wait := w.start()
			waits = append(waits, wait)
		}
		for _, wait := range waits {
			code, stderr := wait()
			switch code {
			case 0:
				took++
			case 4:
				locked++
			default:
				require.Fail(t, "exit code", "%d: %s", code, stderr)
			}
		}
	}
	assert.GreaterOrEqual(t, took, 5)
	assert.Positive(t, locked)
	w.exact()
}

// TestLockLeftByKilledRun: what counts is the lock, not the file.
func TestLockLeftByKilledRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(5)
	w.run(0, "LOGMETRICS_FAULT=after-read:kill")
	require.Equal(t, 1, w.killed)
	locks, err := filepath.Glob(filepath.Join(w.state(), "*.lock"))
	require.NoError(t, err)
	require.Len(t, locks, 1, "it is still there")
	require.NoError(t, os.WriteFile(locks[0], []byte("1\n"), 0o600)) // a process that lives
	w.write(5)
	w.exact()
	assert.Empty(t, w.said)
}

// fill writes to a file until there is no space, and returns what frees it.
func fill(t testing.TB, path string) (free func()) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	block := make([]byte, 4<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorContains(t, err, "no space left")
	return func() { require.NoError(t, os.Remove(path)) }
}

// refused runs once: it says so in one line and sends nothing.
func (w *world) refused(what string) {
	w.t.Helper()
	before, printed := w.ledger.count("graphite"), w.ledger.count("stdout")
	stderr := w.exits(1)
	assert.Contains(w.t, stderr, what)
	assert.Equal(w.t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
	assert.Equal(w.t, before, w.ledger.count("graphite"), "nothing is sent")
	assert.Equal(w.t, printed, w.ledger.count("stdout"), "nothing is printed")
}

// TestStateOnFullDisk: nothing is emitted that is not kept.
func TestStateOnFullDisk(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"first run", "later run"} {
		t.Run(when, func(t *testing.T) {
			w := emptyWorld(t)
			mountSmall(t, w.state())
			w.write(10)
			if when == "later run" {
				w.exits(0)
				w.write(10)
			}
			free := fill(t, filepath.Join(w.state(), "filler"))
			w.refused("no space left on device")
			w.write(10)
			if when == "later run" { // a first run reads the live file alone
				w.rotate()
				w.write(3)
			}
			w.refused("no space left on device")
			free()
			w.exact()
		})
	}
}

func TestStateOnReadOnlyDisk(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	remount := mountSmall(t, w.state())
	w.write(10)
	w.exits(0)
	w.write(10)
	remount(true)
	w.refused("read-only file system")
	w.write(10)
	w.rotate()
	w.refused("read-only file system")
	remount(false)
	w.write(2)
	w.exact()
}

// TestDiskFullWhileSending fills the disk between the commit of a batch and the
// note that an output took it: the batch may be sent again, and is the same then.
func TestDiskFullWhileSending(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.outputs = []string{"graphite"} // no other that writes the state meanwhile
	mountSmall(t, w.state())
	w.write(10)
	w.exits(0)
	var free func()
	w.sink.is(func(c *net.TCPConn) []byte {
		free = fill(t, filepath.Join(w.state(), "filler"))
		return good(c)
	})
	w.write(10)
	stderr := w.exits(3)
	assert.Contains(t, stderr, "no space left on device")
	w.sink.is(good)
	free()
	w.write(10)
	w.exact()
}

// TestStdoutClosed: a reader that goes away stops the run as in every pipe; what
// it did not read is printed by the next run.
func TestStdoutClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(9000) // more than a pipe holds
	cmd := w.command()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	one := make([]byte, 10)
	_, err = io.ReadFull(out, one)
	require.NoError(t, err)
	require.NoError(t, out.Close()) // | head -1
	require.Error(t, cmd.Wait())
	assert.Equal(t, syscall.SIGPIPE, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
	w.write(10)
	w.exact()
}
