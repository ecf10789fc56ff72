package extract_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/state"
)

// scenario is a way in which logs are written, rotated and spoilt. It starts
// after a first run; all lines must have arrived once when it has been played.
type scenario struct {
	name string
	play func(w *world)
	says string // part of what the program may say; empty: it must be silent
}

var appending = []scenario{
	{name: "nothing new", play: func(w *world) { w.exits(0); w.exits(0) }},
	{name: "appends of any size", play: func(w *world) {
		for _, n := range []int{1, 0, 7, 300, 8000, 2} {
			w.write(n)
			w.exits(0)
		}
	}},
	{name: "partial last line", play: func(w *world) { w.write(3); w.begin(); w.exits(0); w.exits(0); w.write(1) }},
	{name: "line in two halves", play: func(w *world) {
		for range 5 {
			w.begin()
			w.exits(0)
			w.write(4)
		}
	}},
	{name: "half a line, ended in the renamed file", play: func(w *world) {
		w.begin()
		w.rotate()
		w.exits(0)
		w.writeTo(".1", 3)
		w.write(2)
	}},
	{name: "half a line, then copytruncate", play: func(w *world) {
		w.begin()
		w.exits(0)
		w.write(1)
		w.copytruncate(".1")
		w.write(3)
	}},
	{name: "empty file at first", play: func(w *world) { w.rotate(); w.exits(0); w.exits(0); w.write(5); w.rotate() }},
}

var rotating = []scenario{
	{name: "rename and create", play: func(w *world) { w.write(50); w.rotate(); w.write(50) }},
	{name: "writer still at the renamed file", play: func(w *world) {
		w.write(5)
		w.rotate()
		w.exits(0)
		w.writeTo(".1", 20)
		w.exits(0)
		w.writeTo(".1", 3)
		w.write(9)
	}},
	{name: "copytruncate", play: func(w *world) { w.write(50); w.copytruncate(".1"); w.write(5) }},
	{name: "copytruncate, grown past the old offset", play: func(w *world) { w.write(5); w.copytruncate(".1"); w.write(500) }},
	{name: "copytruncate, run between copy and truncation", play: func(w *world) {
		w.write(20)
		w.copyTo(".1")
		w.write(20)
		w.exits(0)
		w.truncate()
		w.exits(0)
		w.write(5)
	}},
	{name: "several rotations between two runs", play: func(w *world) {
		for range generations - 1 {
			w.write(40)
			w.rotate()
		}
		w.write(9)
	}},
	{name: "two rotations, each in another way", play: func(w *world) {
		w.write(10)
		w.rotate()
		w.write(10)
		w.shift()
		w.copytruncate(".1")
		w.write(10)
	}},
	{name: "rotations with empty files", play: func(w *world) { w.write(4); w.rotate(); w.rotate(); w.rotate(); w.write(9) }},
	{name: "gzip delayed", play: func(w *world) {
		for i := range 4 {
			w.write(50)
			if i > 0 {
				w.compress(".1", "gzip")
			}
			w.rotate()
		}
		w.write(9)
	}},
	{name: "live path missing for a moment", play: func(w *world) {
		w.write(20)
		w.move("", ".1")
		w.exits(0)
		w.exits(0)
		w.create()
		w.write(4)
	}, says: "the log is missing"},
	{name: "live path missing, nothing left", play: func(w *world) {
		w.remove("")
		w.exits(0)
		w.create()
		w.write(4)
	}, says: "the "},
}

// dateext has each form in which logrotate and others date generations.
func dateext() (list []scenario) {
	for _, dates := range [][]string{
		{"-20251130", "-20251201"},
		{"-2025113023", "-2025120100"},
		{"-20251130-1764460800", "-20251201-1764547200"},
		{".2025-11-30", ".2025-12-01"},
		{"-2025-11-30", "-2025-12-01"},
		{".20251130", ".20251201"},
		{"-20251130-235900", "-20251201-000000"},
		{"-1764460800", "-1764547200"},
		{".1711123199", ".1711123200"}, // the year 1711 it is not
		{"-20251130.9", "-20251130.10"},
	} {
		for _, tool := range []string{"", "gzip"} {
			list = append(list, scenario{name: strings.TrimSpace("dateext " + dates[0] + " " + tool), play: func(w *world) {
				for _, date := range dates {
					w.write(20)
					w.move("", date)
					w.create()
					if tool != "" {
						w.compress(date, tool)
					}
				}
				w.write(3)
			}})
		}
	}
	return list
}

// dateBeforeExtension has the forms in which logrotate's "extension" and Java's
// appenders date generations: app-20251130.log.
func dateBeforeExtension() (list []scenario) {
	for _, dates := range [][]string{
		{"-20251130", "-20251201"}, {".2025-11-30", ".2025-12-01"}, {"-2025-11-30-9", "-2025-11-30-10"}, {"-2025113022", "-2025113023"},
	} {
		for _, tool := range []string{"", "gzip"} {
			list = append(list, scenario{name: strings.TrimSpace("app" + dates[0] + ".log " + tool), play: func(w *world) {
				for _, date := range dates {
					w.write(20)
					file := filepath.Join(w.dir, "app"+date+".log")
					require.NoError(w.t, os.Rename(w.log(), file))
					w.create()
					if tool != "" {
						w.compressFile(file, tool)
					}
				}
				w.write(3)
			}})
		}
	}
	return list
}

// compressed has each compression, at once and one rotation later.
func compressed() (list []scenario) {
	for _, tool := range []string{"gzip", "zstd", "bzip2", "xz"} {
		list = append(list, scenario{name: tool + " at once", play: func(w *world) {
			w.write(50)
			w.rotate()
			w.compress(".1", tool)
			w.write(9)
		}}, scenario{name: tool + " twice between two runs", play: func(w *world) {
			for range 2 {
				w.write(50)
				w.rotate()
				w.compress(".1", tool)
			}
			w.write(9)
		}})
	}
	return list
}

var replaced = []scenario{
	{name: "truncated and grown past the old offset", play: func(w *world) { w.truncate(); w.write(700) }, says: "is gone"},
	{name: "truncated, shorter", play: func(w *world) { w.truncate(); w.write(2) }, says: "is gone"},
	{name: "deleted and recreated", play: func(w *world) { w.remove(""); w.write(4) }, says: "is gone"},
	{name: "deleted and recreated, longer", play: func(w *world) { w.remove(""); w.write(400) }, says: "is gone"},
	{name: "replaced by a shorter file", play: func(w *world) {
		w.writeTo(".new", 1)
		w.move(".new", "")
		w.write(1)
	}, says: "is gone"},
	{name: "no generation kept", play: func(w *world) {
		for range 3 {
			w.write(30)
			w.exits(0)
			w.move("", ".1")
			w.remove(".1")
			w.create()
			w.write(3)
		}
	}, says: "is gone"},
	{name: "copied back under another inode", play: func(w *world) { w.copyTo(".new"); w.move(".new", ""); w.write(3) }},
}

var content = []scenario{
	{name: "NUL region after a crash", play: func(w *world) {
		w.write(20)
		w.exits(0)
		w.raw("", "event id"+strings.Repeat("\x00", 70000))
		w.write(20)
		w.exits(0)
		w.raw("", strings.Repeat("\x00", 4096))
		w.exits(0)
		w.write(2)
	}, says: "skipped NUL bytes"},
	{name: "4 MiB line", play: func(w *world) {
		w.write(2)
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20)+"\n")
		w.write(2)
		w.exits(0)
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20))
		w.exits(0)
		w.raw("", "\n")
		w.write(3)
	}, says: "skipped a line that is too long"},
	{name: "CRLF", play: func(w *world) {
		for range 5 {
			w.raw("", strings.Replace(w.line(), "\n", "\r\n", 1))
			w.raw("", "\r\n")
		}
	}},
	{name: "invalid UTF-8 and control characters", play: func(w *world) {
		for _, tail := range []string{"\xff\xfe", "\xc3", "\x00", "\x1b[2J", "\r", "\x7f\b"} {
			w.raw("", strings.TrimSuffix(w.line(), "\n")+tail+"\n"+tail+"\n")
		}
	}},
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, group := range [][]scenario{appending, rotating, dateext(), dateBeforeExtension(), compressed(), replaced, content} {
		for _, s := range group {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				s.play(w)
				w.exact()
				if s.says == "" {
					assert.Empty(t, w.said, "a good run prints nothing")
				} else {
					assert.Contains(t, w.said, s.says)
				}
			})
		}
	}
}

// TestLinesThatAreGone: what was deleted before it was read is counted and
// said, and nothing else is lost with it.
func TestLinesThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.loses(40)
	w.rotate()
	w.write(300)
	w.rotate()
	w.write(5)
	w.remove(".2")
	w.exact()
	assert.Contains(t, w.said, "the file that was read last is gone, and with it what was not read of it")
	assert.Positive(t, w.ledger.sum("graphite", "bytesLost"))
}

// TestLongLinesWithinTheLimit: they are read; rules do not match lines of more
// than 64 KiB, which are counted as rejected.
func TestLongLinesWithinTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--max-line=8MiB")
	for range 3 {
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20)+"\n")
		w.write(4)
	}
	w.exact()
	assert.Empty(t, w.said)
	assert.Equal(t, 3.0, w.ledger.sum("stdout", "rejected"))
	assert.Equal(t, float64(w.written+3), w.ledger.sum("stdout", "lines"))
}

// TestReusedInode: the inode of a file that was compressed away goes to the
// next live file.
func TestReusedInode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inode := func() uint64 {
		fi, err := os.Stat(w.log())
		require.NoError(t, err)
		return fi.Sys().(*syscall.Stat_t).Ino
	}
	old := inode()
	w.write(50)
	w.move("", ".1")
	w.compress(".1", "gzip")
	var spare []string
	for range 50 {
		if w.create(); inode() == old {
			break
		}
		spare = append(spare, ".spare"+strings.Repeat("+", len(spare)))
		w.move("", spare[len(spare)-1])
	}
	for _, suffix := range spare {
		w.remove(suffix)
	}
	if len(spare) == 50 { // this file system gives none back: let the position say that it did
		w.create()
		w.setInode(inode())
	}
	w.write(600)
	w.exact()
	assert.Empty(t, w.said)
}

// setInode makes the job's position tell of another inode.
func (w *world) setInode(inode uint64) {
	w.t.Helper()
	jobs, err := state.List(w.state())
	require.NoError(w.t, err)
	j, err := state.Open(w.state(), jobs[0].State.Key, state.Options{})
	require.NoError(w.t, err)
	pos := j.State().Logs[w.log()]
	pos.Inode = inode
	j.State().Logs[w.log()] = pos
	require.NoError(w.t, j.Commit(nil))
	require.NoError(w.t, j.Close())
}

// TestSymlinkSwitched: kubernetes rotates by switching a link.
func TestSymlinkSwitched(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	pods := t.TempDir()
	link := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(pods, name), nil, 0o644))
		os.Remove(w.log())
		require.NoError(t, os.Symlink(filepath.Join(pods, name), w.log()))
	}
	link("0.log")
	w.write(5)
	w.exits(0)
	for _, name := range []string{"1.log", "2.log"} {
		w.write(20)
		link(name)
	}
	w.write(5)
	w.exits(0)
	// The kubelet renames the file, too, before it makes the next.
	w.write(30)
	require.NoError(t, os.Rename(filepath.Join(pods, "2.log"), filepath.Join(pods, "2.log.20251201-101112")))
	link("3.log")
	w.write(5)
	w.exact()
	assert.Empty(t, w.said)
}

func TestPermissionRemovedForAWhile(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.unprivileged()
	w.write(10)
	w.exits(0)
	w.write(10)
	require.NoError(t, os.Chmod(w.log(), 0))
	assert.Contains(t, w.exits(1), "may not read "+w.log())
	w.write(10)
	w.exits(1)
	require.NoError(t, os.Chmod(w.log(), 0o644))
	w.exits(0)

	w.write(10) // and a rotated file that is not readable at first
	w.rotate()
	require.NoError(t, os.Chmod(w.file(".1"), 0))
	w.write(10)
	w.exits(1)
	require.NoError(t, os.Chmod(w.file(".1"), 0o644))
	w.exact()
}

// unprivileged makes the program run as a user without rights: root may read everything.
func (w *world) unprivileged() {
	w.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	w.uid = nobody
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(w.t, os.Chmod(dir, 0o755))
	}
	require.NoError(w.t, os.Mkdir(w.state(), 0o700))
	require.NoError(w.t, os.Chown(w.state(), nobody, nobody))
}

// TestGlob has files that appear and go for good, and rotate meanwhile.
func TestGlob(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = []string{filepath.Join(w.dir, "app.log*")}
	w.write(10)
	w.writeTo("-web", 10)
	w.exits(0)
	w.writeTo("-web", 10)
	w.rotate()
	w.write(4)
	w.writeTo("-mail", 10) // read from its beginning
	w.exits(0)
	assert.Empty(t, w.said)
	w.write(7)
	w.remove("-web")
	w.writeTo("-new", 3)
	w.exits(0)
	w.writeTo("-mail", 5)
	w.move("-mail", "-mail.1")
	w.writeTo("-mail", 5)
	w.exact()
}

// TestGlobOfDatedNames: what is rotated to another name that the glob takes is
// not read again as a log of its own.
func TestGlobOfDatedNames(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = []string{filepath.Join(w.dir, "*.log")}
	w.write(10)
	w.exits(0)
	for _, date := range []string{"-20251130", ".2025-12-01", "-1764633600"} {
		w.write(10)
		require.NoError(t, os.Rename(w.log(), filepath.Join(w.dir, "app"+date+".log")))
		w.write(10)
		w.exits(0)
	}
	w.exact()
	assert.Empty(t, w.said)
}

func TestTwoLogsInOneJob(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = append(w.logs, w.file("-other"))
	w.write(10)
	w.writeTo("-other", 10)
	w.exits(0)
	before := w.ledger.count("stdout")
	w.write(10)
	w.rotate()
	w.writeTo("-other", 10)
	w.exits(0)
	assert.Equal(t, before+1, w.ledger.count("stdout"), "one batch for all logs")
	w.move("-other", "-other-20251201")
	w.writeTo("-other", 10)
	w.exact()
	assert.Empty(t, w.said)
}
