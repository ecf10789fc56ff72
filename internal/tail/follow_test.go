package tail_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/vfs"
)

// follower is a rig whose one file stays open, with a clock of its own.
type follower struct {
	*rig
	count *counting
	now   time.Time
	f     *tail.File
	buf   []byte
}

// follow starts with some lines read, on a log that was not written to for an hour.
func follow(t testing.TB) *follower {
	t.Helper()
	r := &follower{rig: newRig(t, t.TempDir()), now: time.Now().Add(time.Hour), buf: make([]byte, tail.BlockSize)}
	r.count = &counting{FS: vfs.OS{}}
	r.opt.FS = r.count
	r.opt.Now = func() time.Time { return r.now }
	r.follow = true
	r.append(10)
	r.f = r.open()
	t.Cleanup(r.reopen)
	r.rest()
	return r
}

// rest reads all there is, and looks once more.
func (r *follower) rest() {
	r.t.Helper()
	r.got = append(r.got, r.read(r.f, all)...)
	r.idle()
}

// restart opens the log anew, with the options as they are now.
func (r *follower) restart() {
	r.t.Helper()
	r.pos = r.f.Position()
	r.reopen()
	r.f = r.open()
}

// idle is a Next that finds nothing.
func (r *follower) idle() {
	r.t.Helper()
	_, err := r.f.Next(context.Background(), r.buf)
	require.ErrorIs(r.t, err, io.EOF)
}

// TestNotTrustedWhenNew has a file replaced by one of the same length within
// one tick of the clock that stamps files.
func TestNotTrustedWhenNew(t *testing.T) {
	r := follow(t)
	r.now = time.Now()
	r.restart()
	r.rest()
	fi, err := os.Stat(r.path)
	require.NoError(t, err)
	r.truncate()
	r.raw("", strings.Repeat("x", int(fi.Size())-1)+"\n")
	require.NoError(t, os.Chtimes(r.path, fi.ModTime(), fi.ModTime()))
	r.want = append(r.want, strings.Repeat("x", int(fi.Size())-1))
	r.rest()
	r.exact()
}

// TestWrittenBetweenReadAndLook has lines written just after the end was read,
// and before the look that takes note of the file's size.
func TestWrittenBetweenReadAndLook(t *testing.T) {
	for at := range 5 { // as many looks as there are
		r := follow(t)
		r.append(1)
		hook := &hooked{FS: vfs.OS{}, at: at, do: func() { r.append(1) }}
		r.opt.FS = hook
		r.restart()
		past := time.Now().Add(-time.Hour)
		hook.after = func() { require.NoError(t, os.Chtimes(r.path, past, past)) } // all has settled
		for range 4 {
			r.got = append(r.got, r.read(r.f, all)...)
		}
		require.Greater(t, hook.stats, at)
		r.exact()
	}
}

// hooked does something before a Stat.
type hooked struct {
	vfs.FS
	at, stats int
	do, after func()
}

func (h *hooked) Stat(name string) (fs.FileInfo, error) {
	if h.stats == h.at {
		h.do()
	}
	h.stats++
	if h.after != nil {
		h.after()
	}
	return h.FS.Stat(name)
}

func TestSuspend(t *testing.T) {
	for name, play := range map[string]func(r *follower){
		"appended": func(r *follower) { r.append(3) },
		"rotated":  func(r *follower) { r.append(3); r.rotate(); r.append(4) },
		"rotated twice, gzip": func(r *follower) {
			r.append(3)
			r.rotate()
			r.compress(".1", ".gz")
			r.append(4)
			r.rotate()
			r.append(1)
		},
		"copied and truncated":  func(r *follower) { r.append(3); r.copytruncate(); r.append(4) },
		"truncated and regrown": func(r *follower) { r.truncate(); r.append(40) },
		"unfinished line":       func(r *follower) { r.partial(); r.rest(); require.NoError(r.t, r.f.Suspend()); r.idle(); r.append(1) },
		"reused inode": func(r *follower) {
			r.remove("")
			r.create() // often gets the inode that is free now
			r.append(20)
		},
		"removed and made again": func(r *follower) { r.remove(""); r.idle(); r.append(3) },
	} {
		t.Run(name, func(t *testing.T) {
			r := follow(t)
			inode := r.f.Position().Inode
			pos := r.f.Position()
			require.NoError(t, r.f.Suspend())
			require.NoError(t, r.f.Suspend(), "twice")
			require.False(t, r.f.Holds(inode))
			require.Equal(t, pos, r.f.Position())
			require.Equal(t, 1, r.calls(), "one stat")
			require.False(t, r.f.Holds(inode), "it stays suspended")
			play(r)
			r.rest()
			r.exact()
			require.Equal(t, int64(0), r.f.Stats().Lag)
		})
	}
}

// TestSuspendHeldBack gives a record that was held back when its file was
// suspended once more with what ends it, and counts it once.
func TestSuspendHeldBack(t *testing.T) {
	r := newRig(t, t.TempDir())
	now := time.Now().Add(time.Hour)
	r.opt.Now = func() time.Time { return now }
	r.raw("", "one\n at two\n")
	f := r.open()
	defer f.Close()
	next(t, f, false, "one", " at two")
	f.Unread(len("one\n at two\n"))
	ends(t, f)
	ends(t, f)
	require.NoError(t, f.Suspend())
	ends(t, f)
	require.Equal(t, int64(12), f.Stats().Lag)
	r.raw("", " at three\n")
	next(t, f, false, "one", " at two", " at three")
	require.Equal(t, int64(22), f.Stats().Bytes)
}

func TestSuspendedLogIsNotOver(t *testing.T) {
	r := follow(t)
	require.NoError(t, r.f.Suspend())
	_, over := r.f.Over()
	require.False(t, over)
	r.remove("")
	r.idle()
	_, over = r.f.Over()
	require.True(t, over)
}

// TestEmptyRotatedLogIsNotOver has an empty log that is rotated before the next
// one is made: its writer may write to it, and the next one may come.
func TestEmptyRotatedLogIsNotOver(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.run()
	r.rename("", ".1")
	f := r.open()
	require.Empty(t, r.read(f, all))
	_, over := f.Over()
	require.False(t, over)
	r.close(f)
	r.appendTo(".1", 2)
	r.create()
	r.append(1)
	r.run()
	r.exact()

	r.rotate()
	r.compress(".1", ".gz")
	r.run()
	r.rename("", ".0")
	f = r.open()
	require.Empty(t, r.read(f, all))
	_, over = f.Over()
	require.False(t, over, "the one before it is compressed")
	r.remove(".0")
	_, over = f.Over()
	require.True(t, over)
	r.close(f)
}

// TestRemovedForGood lets the writer go on for a while, and then gives the
// file's space back.
func TestRemovedForGood(t *testing.T) {
	r := follow(t)
	writer, err := os.OpenFile(r.path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer writer.Close()
	inode := r.f.Position().Inode
	r.remove("")
	write := func(text string) {
		_, err := writer.WriteString(text)
		require.NoError(t, err)
	}
	for range 5 {
		for range 5 {
			r.now = r.now.Add(20 * time.Second)
			r.rest()
		}
		line := r.next()
		write(line + "\n")
		r.want = append(r.want, line)
		r.rest()
		r.exact()
	}
	write("unfinished")
	r.want = append(r.want, "unfinished")
	require.True(t, r.f.Holds(inode))
	require.NoError(t, r.f.Suspend())
	require.True(t, r.f.Holds(inode), "it is not suspended before its time")
	r.rest()
	r.now = r.now.Add(3 * time.Minute)
	r.rest()
	r.rest()
	r.exact()
	require.False(t, r.f.Holds(inode))

	r.create()
	r.append(5)
	r.rest()
	r.exact()
	assert.Zero(t, r.f.Stats().Gaps, "nothing of it was unread")
	assert.EqualValues(t, 1, r.f.Stats().Rotations)
}

func TestMissingIsSaidAgain(t *testing.T) {
	var said bytes.Buffer
	r := follow(t)
	r.opt.Log = slog.New(slog.NewTextHandler(&said, nil))
	r.restart()
	for i := range 3 {
		r.remove("")
		for range 60 {
			r.now = r.now.Add(time.Minute)
			r.idle()
		}
		assert.Equal(t, i+1, strings.Count(said.String(), "missing"), "%s", &said)
		r.create()
		r.append(1)
		r.rest()
	}
	r.exact()
}

// TestFlat looks at memory and descriptors over a long time.
func TestFlat(t *testing.T) {
	r := follow(t)
	measure := func() (heap uint64, fds int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			testutil.NotRun(t, "it needs Linux, whose /proc counts open files")
		}
		return m.HeapAlloc, len(list)
	}
	live := 0
	cycle := func(n int) {
		for i := range n {
			r.append(2)
			r.rest()
			switch i % 4 {
			case 0:
				r.copytruncate()
			case 1:
				r.rotate()
				r.compress(".1", ".gz")
			default:
				r.rotate()
			}
			live++
			for range 50 {
				r.now = r.now.Add(time.Second)
				r.idle()
			}
			if i%10 == 9 {
				require.NoError(t, r.f.Suspend())
			}
		}
		r.append(1)
		r.rest()
		r.exact()
		r.want, r.got = nil, nil
	}
	cycle(20)
	heap, fds := measure()
	cycle(200)
	after, fdsAfter := measure()
	assert.LessOrEqual(t, fdsAfter, fds)
	if !testutil.Race() {
		assert.Less(t, int64(after)-int64(heap), int64(256<<10))
	}
}

// TestNextGenerationTruncated has the next generation copied away between the call
// of Next that finds it and the one that would enter it.
func TestNextGenerationTruncated(t *testing.T) {
	r := follow(t)
	r.partial()
	r.tornAway()
	r.copytruncate()
	r.append(1)
	r.got = append(r.got, r.read(r.f, 1)...)
	require.Len(t, r.got, 11)
	r.copytruncate()
	r.append(2)
	r.rest()
	r.exact()
}

func TestFollowedNulHole(t *testing.T) {
	r := follow(t)
	r.raw("", strings.Repeat("\x00", 5000))
	r.rest()
	r.append(3)
	r.rest()
	r.exact()
	require.EqualValues(t, 5000, r.f.Stats().NulBytes)
}

// TestFollowedWithoutPermission has the log and its successor unreadable for a while.
func TestFollowedWithoutPermission(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		r := follow(t)
		denied := &denying{}
		r.opt.FS = denied
		r.restart()
		r.append(5)
		if rotate {
			r.rotate()
			r.append(6)
		}
		denied.ending = "mail.log"
		for {
			b, err := r.f.Next(t.Context(), r.buf)
			if err != nil {
				if rotate {
					require.ErrorIs(t, err, fs.ErrPermission)
				} else {
					require.ErrorIs(t, err, io.EOF)
				}
				break
			}
			r.got = append(r.got, split(t, b)...)
		}
		denied.ending = ""
		r.append(1)
		r.rest()
		r.exact()
	}
}

// TestFollowedSymlink has a link switched, as kubernetes does, and its targets rotated.
func TestFollowedSymlink(t *testing.T) {
	for _, suspended := range []bool{false, true} {
		r := follow(t)
		pods := t.TempDir()
		r.reopen()
		r.remove("")
		r.want, r.got = nil, nil
		point := func(target string) {
			require.NoError(t, os.WriteFile(filepath.Join(pods, target), nil, 0o600))
			require.NoError(t, os.Symlink(filepath.Join(pods, target), r.path+".new"))
			require.NoError(t, os.Rename(r.path+".new", r.path))
		}
		point("0.log")
		r.f = r.open()
		for i, name := range []string{"1.log", "2.log", "10.log"} {
			r.append(5)
			r.rest()
			r.append(2)
			last := []string{"0.log", "1.log", "2.log"}[i]
			require.NoError(t, os.Rename(filepath.Join(pods, last), filepath.Join(pods, last+".20240131-101112")))
			require.NoError(t, os.WriteFile(filepath.Join(pods, last), nil, 0o600))
			r.append(3)
			if suspended {
				require.NoError(t, r.f.Suspend())
			}
			point(name)
			r.append(4)
			r.rest()
			r.exact()
		}
	}
}
