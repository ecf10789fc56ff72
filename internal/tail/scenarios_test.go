package tail_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

// TestScenarios has one case for each way in which logs are written, rotated and
// spoilt. Each starts with some lines read, and ends with all lines having
// arrived once.
func TestScenarios(t *testing.T) {
	for name, play := range map[string]func(r *rig){
		"appends":     func(r *rig) { r.append(1); r.run(); r.append(300); r.run(); r.append(7) },
		"nothing new": func(r *rig) { r.run(); r.run() },
		"line in two halves": func(r *rig) {
			r.partial()
			r.run()
			r.run()
			r.append(1)
		},
		"rename and create": func(r *rig) { r.append(50); r.rotate(); r.append(50) },
		"rename, late create": func(r *rig) {
			r.append(50)
			r.shift()
			r.rename("", ".1")
			r.run()
			r.create()
			r.run()
			r.append(50)
		},
		"writer still at the renamed file": func(r *rig) {
			r.append(5)
			r.rotate()
			r.run()
			r.appendTo(".1", 20)
			r.run()
			r.appendTo(".1", 3)
			r.append(9)
		},
		"half a line in the renamed file, ended there": func(r *rig) {
			r.partial()
			r.rotate()
			r.run()
			r.appendTo(".1", 1)
			r.append(9)
		},
		"half a line in the renamed file for ever": func(r *rig) {
			r.append(9)
			r.partial()
			r.rotate()
			r.run()
			r.tornAway()
			r.append(9)
		},
		"half a line in a compressed file": func(r *rig) {
			r.partial()
			r.tornAway()
			r.rotate()
			r.compress(".1", ".gz")
			if r.kept != nil {
				r.append(1) // before that its writer may end it
			}
		},
		"copytruncate":                   func(r *rig) { r.append(50); r.copytruncate(); r.append(5) },
		"copytruncate, live still empty": func(r *rig) { r.append(50); r.copytruncate(); r.run(); r.append(5) },
		"copytruncate, regrown past the offset": func(r *rig) {
			r.append(5)
			r.copytruncate()
			r.append(500)
		},
		"copytruncate, read between copy and truncation": func(r *rig) {
			r.append(20)
			r.shift()
			r.copyTo(".1")
			r.append(20)
			r.run()
			r.truncate()
			r.run()
			r.append(5)
		},
		"copytruncate twice, compressed": func(r *rig) {
			r.append(20)
			r.copytruncate()
			r.append(30)
			r.compress(".1", ".gz")
			r.copytruncate()
			r.append(5)
		},
		"dateext": func(r *rig) {
			r.append(5)
			r.rename("", "-20240131")
			r.create()
			r.append(6)
			r.rename("", "-20240201")
			r.create()
			r.append(7)
		},
		"dates with hours, seconds and dashes": func(r *rig) {
			for _, suffix := range []string{"-2024013123", "-2024020100", "-20240202-1706832000", "-20240203-101112", ".2024-02-04"} {
				r.append(5)
				r.rename("", suffix)
				r.create()
			}
			r.append(7)
		},
		"from numbers to dates": func(r *rig) {
			r.append(5)
			r.rotate()
			r.append(6)
			old := time.Now().Add(-time.Hour)
			require.NoError(r.t, os.Chtimes(r.file(".1"), old, old))
			r.rename("", "-20240201")
			r.create()
			r.append(7)
		},
		"gzip at once": func(r *rig) { r.append(50); r.rotate(); r.compress(".1", ".gz"); r.append(9) },
		"zstd at once": func(r *rig) { r.append(50); r.rotate(); r.compress(".1", ".zst"); r.append(9) },
		"xz at once":   func(r *rig) { r.append(50); r.rotate(); r.compress(".1", ".xz"); r.append(9) },
		"gzip delayed": func(r *rig) {
			for range 4 {
				r.append(50)
				if _, err := os.Lstat(r.file(".1")); err == nil {
					r.compress(".1", ".gz")
				}
				r.rotate()
			}
			r.append(9)
		},
		"gzip not complete yet": func(r *rig) {
			r.append(50)
			r.rotate()
			data, err := os.ReadFile(r.file(".1"))
			require.NoError(r.t, err)
			r.write("mail.log.1.gz", squeeze(r.t, ".gz", data)[:20])
			r.append(3)
		},
		"read in pieces from a compressed file": func(r *rig) {
			r.append(900)
			r.rotate()
			r.compress(".1", ".gz")
			r.append(9)
			for range 12 {
				r.runFor(1)
				r.killed(2)
			}
		},
		"compressed while it is read": func(r *rig) {
			r.append(400)
			r.rotate()
			r.append(9)
			f := r.open()
			r.got = append(r.got, r.read(f, 2)...)
			r.compress(".1", ".gz")
			r.rotate()
			r.append(2)
			r.got = append(r.got, r.read(f, all)...)
			r.close(f)
		},
		"rotated while it is read": func(r *rig) {
			r.append(400)
			f := r.open()
			r.got = append(r.got, r.read(f, 2)...)
			r.rotate()
			r.append(3)
			r.rotate()
			r.append(2)
			r.got = append(r.got, r.read(f, all)...)
			r.close(f)
		},
		"copytruncate while it is read": func(r *rig) {
			r.append(400)
			f := r.open()
			r.got = append(r.got, r.read(f, 2)...)
			r.copytruncate()
			r.append(3)
			r.got = append(r.got, r.read(f, all)...)
			r.close(f)
		},
		"several rotations": func(r *rig) {
			for range 5 {
				r.append(40)
				r.rotate()
			}
			r.append(9)
		},
		"rotations with empty files": func(r *rig) { r.append(4); r.rotate(); r.rotate(); r.rotate(); r.append(9) },
		"killed while draining": func(r *rig) {
			r.append(400)
			r.rotate()
			r.append(100)
			r.killed(2)
			r.runFor(2)
			r.rotate()
			r.killed(5)
		},
		"two rotations, read up to the last": func(r *rig) { r.rotate(); r.rotate(); r.append(3) },
		"deleted and recreated":              func(r *rig) { r.remove(""); r.create(); r.append(4) },
		"deleted and recreated, older ones kept": func(r *rig) {
			r.rotate()
			r.append(20)
			r.rotate()
			r.append(20)
			r.run()
			r.remove("")
			r.create()
			r.append(4)
		},
		"truncated":                     func(r *rig) { r.truncate(); r.append(2) },
		"truncated, older ones kept":    func(r *rig) { r.rotate(); r.append(20); r.run(); r.truncate(); r.append(2) },
		"truncated and regrown past it": func(r *rig) { r.truncate(); r.append(700) },
		"replaced by a shorter file":    func(r *rig) { r.write("new", nil); r.rename("", ".tmp"); r.create(); r.append(1); r.remove(".tmp") },
		"lost its end in a power cut": func(r *rig) {
			r.append(100)
			r.run()
			data, err := os.ReadFile(r.path)
			require.NoError(r.t, err)
			cut := strings.LastIndex(string(data[:len(data)-1500]), "\n") + 1
			require.NoError(r.t, os.Truncate(r.path, int64(cut)))
			r.run()
			r.append(6)
		},
		"copied back under another inode": func(r *rig) { r.copyTo(".new"); r.rename(".new", ""); r.append(3) },
		"clock going back": func(r *rig) {
			past := time.Now().Add(-20 * 365 * 24 * time.Hour)
			r.append(3)
			r.rotate()
			r.append(3)
			r.rotate()
			require.NoError(r.t, os.Chtimes(r.file(".1"), past, past))
			r.append(3)
			require.NoError(r.t, os.Chtimes(r.path, past, past))
		},
		"missing for a while": func(r *rig) {
			r.append(20)
			r.rename("", ".1")
			r.run()
			r.run()
			r.create()
			r.append(4)
		},
		"CRLF and invalid UTF-8": func(r *rig) {
			r.raw("", "dos\r\nbad \xff\xfe utf-8 \x00 nul \x1b[m\n\n\n")
			r.want = append(r.want, "dos\r", "bad \xff\xfe utf-8 \x00 nul \x1b[m", "", "")
		},
	} {
		for mode, set := range modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				r := newRig(t, t.TempDir())
				set(r)
				defer r.reopen()
				r.append(100)
				r.run()
				play(r)
				r.run()
				r.exact()
				r.run()
				r.exact()
				gone := strings.HasPrefix(name, "truncated")
				if r.kept == nil || mode == "suspended" { // else it is open still
					gone = gone || strings.HasPrefix(name, "deleted") || strings.HasPrefix(name, "replaced")
				}
				assert.Equal(t, gone, r.stats.Gaps == 1, "a gap is counted where the file that was read is gone")
				assert.True(t, gone || r.stats.Lost == 0)
			})
		}
	}
}

// modes are the ways in which a job reads its logs.
var modes = map[string]func(r *rig){
	"run after run": func(*rig) {},
	"followed":      func(r *rig) { r.follow = true },
	"followed, at rest": func(r *rig) {
		r.follow = true
		r.opt.Now = func() time.Time { return time.Now().Add(time.Hour) } // no file is new
	},
	"suspended": func(r *rig) {
		r.follow = true
		r.opt.Now = func() time.Time { return time.Now().Add(time.Hour) }
		r.after = func(f *tail.File) { require.NoError(r.t, f.Suspend()) }
	},
	"let go": func(r *rig) {
		r.follow = true
		now := time.Now()
		r.opt.Now = func() time.Time { now = now.Add(time.Minute); return now }
	},
}

func TestSymlinkSwitched(t *testing.T) {
	for name, names := range map[string][]string{
		"numbers":  {"0.log", "1.log", "10.log"},
		"dates":    {"app-20240131.log", "app-20240201.log", "app-20240202.log"},
		"no order": {"blue.log", "green.log"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			r.remove("")
			pods := t.TempDir()
			link := func(name string) {
				require.NoError(t, os.WriteFile(filepath.Join(pods, name), nil, 0o600))
				os.Remove(r.path)
				require.NoError(t, os.Symlink(filepath.Join(pods, name), r.path))
			}
			link(names[0])
			r.append(5)
			r.run()
			r.append(5)
			for _, name := range names[1:] {
				link(name)
				r.append(5)
			}
			r.run()
			r.exact()
			r.append(1)
			r.run()
			r.exact()
		})
	}
}

func TestSymlinkTargetRotatedAndSwitched(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.remove("")
	pods := t.TempDir()
	target := filepath.Join(pods, "0.log")
	require.NoError(t, os.Symlink(target, r.path))
	r.append(50)
	r.run()
	r.append(50)
	require.NoError(t, os.Rename(target, target+".20240131-101112"))
	r.append(50)
	require.NoError(t, os.Remove(r.path))
	require.NoError(t, os.Symlink(filepath.Join(pods, "1.log"), r.path))
	r.append(50)
	r.run()
	r.exact()
}

// TestSymlinkTargetRotatedUnderANumber: the name of the file that was read last
// does not tell its place among the older targets, which were read long ago.
func TestSymlinkTargetRotatedUnderANumber(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.remove("")
	pods := t.TempDir()
	link := func(name string) {
		os.Remove(r.path)
		require.NoError(t, os.Symlink(filepath.Join(pods, name), r.path))
	}
	for _, name := range []string{"0.log", "1.log", "2.log"} {
		link(name)
		r.append(10)
		r.run()
	}
	r.append(5)
	require.NoError(t, os.Rename(filepath.Join(pods, "2.log"), filepath.Join(pods, "2.log.20240131-101112")))
	link("3.log")
	r.append(5)
	r.run()
	r.exact()
}

func TestSameFirstKiB(t *testing.T) {
	r := newRig(t, t.TempDir())
	header := "# " + strings.Repeat("header ", 300)
	start := func() {
		r.raw("", header+"\n")
		r.want = append(r.want, header)
	}
	start()
	r.append(100)
	r.run()
	r.append(10)
	r.rotate()
	start()
	r.append(300)
	r.rotate()
	start()
	r.append(5)
	r.run()
	r.exact()
}

func TestReusedInode(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(100)
	r.run()
	// The inode of a removed file goes to the next; here the position says so.
	r.remove("")
	r.create()
	fi, err := os.Stat(r.path)
	require.NoError(t, err)
	r.pos.Inode = fi.Sys().(*syscall.Stat_t).Ino
	r.append(400)
	r.run()
	r.exact()
	assert.EqualValues(t, 1, r.stats.Gaps)
}

func TestLossIsCounted(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(10)
	r.run()
	kept := len(r.want)
	r.append(10) // will be lost
	r.want = r.want[:kept]
	r.rotate()
	r.append(40)
	r.rotate()
	r.append(5)
	r.remove(".2")
	r.run()
	r.exact()
	assert.EqualValues(t, 1, r.stats.Gaps)
	assert.Positive(t, r.stats.Lost)
}

func TestDamagedGeneration(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(10)
	r.run()
	r.append(5000)
	r.rotate()
	data, err := os.ReadFile(r.file(".1"))
	require.NoError(t, err)
	z := squeeze(t, ".gz", data)
	r.write("mail.log.1.gz", z[:len(z)*2/3])
	r.remove(".1")
	before := r.line
	r.append(5)
	r.run()
	assert.Positive(t, r.stats.Lost)
	n := len(r.got)
	assert.Equal(t, r.want[before:], r.got[n-5:], "what follows it is read")
	assert.Equal(t, r.want[:n-6], r.got[:n-6], "what is whole is read")
	assert.True(t, strings.HasPrefix(r.want[n-6], r.got[n-6]), "the last line is cut")
	assert.Greater(t, n, 1000)
}

func TestBzip2(t *testing.T) {
	z, err := os.ReadFile("testdata/lines.bz2") // made by bzip2 of "one\ntwo\nthree\n"
	require.NoError(t, err)
	r := newRig(t, t.TempDir())
	r.raw("", "one\n")
	r.run()
	r.write("mail.log.1.bz2", z)
	r.truncate()
	r.raw("", "four\n")
	r.run()
	r.want = []string{"one", "two", "three", "four"}
	r.exact()
}

func TestPlantedFilesAreNotRead(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(10)
	r.run()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	r.rotate()
	r.append(3)
	r.rotate()
	r.append(3)
	r.rename(".1", ".2-kept")
	require.NoError(t, os.Symlink(secret, r.file(".1")))
	require.NoError(t, syscall.Mkfifo(r.file(".0"), 0o600))
	require.NoError(t, os.Mkdir(r.file("-20300101"), 0o700))
	r.want = append(r.want[:10:10], r.want[13:]...)
	r.run()
	r.exact()
}

func TestForeignOwner(t *testing.T) {
	if os.Getuid() != 0 {
		testutil.NotRun(t, "only root can give files away: sudo go test ./internal/tail -run "+t.Name())
	}
	r := newRig(t, t.TempDir())
	r.append(10)
	r.run()
	r.rotate()
	r.write("mail.log.0", []byte("planted\n"))
	require.NoError(t, os.Chown(r.file(".0"), 12345, 12345))
	r.append(3)
	r.run()
	r.exact()
}

func TestFromEnd(t *testing.T) {
	for name, before := range map[string]string{
		"whole lines": "old\nold\n", "half a line": "old\nnew ", "half a line alone": "new ", "empty": "",
		"long": strings.Repeat("o", 3<<20) + "\n" + strings.Repeat("n", 600<<10),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			r.opt.FromEnd = true
			r.raw("", before)
			r.run()
			require.Empty(t, r.got)
			r.raw("", "line\n")
			r.run()
			r.want = []string{before[strings.LastIndex(before, "\n")+1:] + "line"}
			r.exact()
			r.rotate()
			r.append(3)
			r.run()
			r.exact()
		})
	}
}

// TestEmptyFirst has a log that is empty in its first run: it is known by no
// content of its own when it is rotated.
func TestEmptyFirst(t *testing.T) {
	for name, older := range map[string]int{"no older one": 0, "an older one": 5} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			if older > 0 {
				r.raw(".1", strings.Repeat("read long ago\n", older))
			}
			r.run()
			require.Empty(t, r.got)
			r.append(20)
			r.copytruncate()
			r.append(3)
			r.run()
			r.exact()
		})
	}
}

// TestEmptyRotated has a log that is empty in its first run, and still is when
// it is rotated, or has lines that are compressed at once: nothing is lost then.
// Of one that is removed nobody knows.
func TestEmptyRotated(t *testing.T) {
	for name, play := range map[string]func(r *rig){
		"as it was":              func(r *rig) { r.rotate() },
		"twice":                  func(r *rig) { r.rotate(); r.rotate() },
		"compressed":             func(r *rig) { r.rotate(); r.compress(".1", ".gz") },
		"with lines, compressed": func(r *rig) { r.append(9); r.rotate(); r.compress(".1", ".gz") },
		"removed":                func(r *rig) { r.remove(""); r.write("other", nil); r.create() },
	} {
		for i := range 4 {
			older, follow := i%2 > 0, i/2 > 0
			t.Run(fmt.Sprintf("%s, older %t, follow %t", name, older, follow), func(t *testing.T) {
				r := newRig(t, t.TempDir())
				r.follow = follow
				if older {
					r.raw(".1", "read long ago\n")
				}
				r.run()
				play(r)
				r.append(9)
				r.run()
				r.exact()
				require.Equal(t, name == "removed", r.stats.Gaps > 0)
				r.reopen()
			})
		}
	}
}

// TestSameBeginning has a file of which a run saw the beginning of a line, with
// which the files after it begin, too.
func TestSameBeginning(t *testing.T) {
	line := func(r *rig, what string) {
		r.raw("", what+"\n")
		r.want = append(r.want, "the "+strings.TrimPrefix(what, "the "))
	}
	for name, rotate := range map[string]func(r *rig){
		"renamed":    (*rig).rotate,
		"copied":     (*rig).copytruncate,
		"compressed": func(r *rig) { r.rotate(); r.compress(".1", ".gz") },
		"twice":      func(r *rig) { r.rotate(); line(r, "the second"); r.rotate() },
	} {
		for i := range 4 {
			older, follow := i%2 > 0, i/2 > 0
			t.Run(fmt.Sprintf("%s, older %t, follow %t", name, older, follow), func(t *testing.T) {
				r := newRig(t, t.TempDir())
				r.follow = follow
				if older {
					r.append(3)
					r.run()
					r.rotate()
				}
				r.raw("", "the ")
				r.run()
				line(r, "first")
				rotate(r)
				line(r, "the last")
				r.run()
				r.exact()
				require.Zero(t, r.stats.Gaps)
				r.reopen()
			})
		}
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := tail.Open(filepath.Join(dir, "none"), state.Position{}, tail.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)

	r := newRig(t, dir)
	r.append(20)
	r.run()
	r.remove("")
	before := r.pos
	r.run()
	require.Equal(t, before, r.pos)
	f := r.open()
	require.Empty(t, r.read(f, all))
	r.create()
	r.append(4)
	r.got = append(r.got, r.read(f, all)...)
	require.NoError(t, f.Close())
	r.exact()
}

func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for _, path := range []string{dir, fifo, "/dev/null"} {
		_, err := tail.Open(path, state.Position{}, tail.Options{})
		require.ErrorIs(t, err, tail.ErrNotRegular, path)
		require.ErrorContains(t, err, path)
	}
}

func TestSameFirstKiBTruncatedWhileRead(t *testing.T) {
	r := newRig(t, t.TempDir())
	header := "# " + strings.Repeat("header ", 300)
	start := func() {
		r.raw("", header+"\n")
		r.want = append(r.want, header)
	}
	start()
	r.append(10)
	f := r.open()
	r.got = r.read(f, all)
	r.append(3)
	r.copytruncate()
	start()
	r.append(50)
	r.got = append(r.got, r.read(f, all)...)
	r.exact()
	require.NoError(t, f.Close())
}
