package tail_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

func TestLineLongerThanBuffer(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.opt.MaxLine = 100 << 10
	for _, n := range []int{4095, 4096, 4097, 8191, 8192, 100<<10 - 1, 100 << 10} {
		r.append(1)
		line := strings.Repeat("y", n)
		r.raw("", line+"\n")
		r.want = append(r.want, line)
	}
	r.append(1)
	r.run()
	r.exact()
	assert.Zero(t, r.stats.LongLines)
}

func TestLineTooLong(t *testing.T) {
	for name, ext := range map[string]string{"live": "", "compressed": ".gz"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			r.opt.MaxLine = 10 << 10
			r.append(3)
			r.run()
			r.append(1)
			for _, n := range []int{10<<10 + 1, 16 << 10, 4 << 20} {
				r.raw("", strings.Repeat("z", n)+"\n")
				r.append(2)
			}
			if ext != "" {
				r.rotate()
				r.compress(".1", ext)
			}
			r.run()
			r.exact()
			assert.EqualValues(t, 3, r.stats.LongLines)
			assert.EqualValues(t, 10<<10+1+16<<10+4<<20+3, r.stats.LongBytes)
		})
	}
}

// TestLineGrowingTooLong stops runs in the middle of a line that ends up too
// long: it is counted once, and not before it ends.
func TestLineGrowingTooLong(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.opt.MaxLine = 10 << 10
	r.append(2)
	for range 5 {
		r.raw("", strings.Repeat("z", 7<<10))
		r.run()
		r.killed(all)
		require.Zero(t, r.stats.LongLines)
	}
	r.raw("", "\n")
	r.killed(all)
	r.append(2)
	r.run()
	r.exact()
	assert.EqualValues(t, 1, r.stats.LongLines)
	assert.EqualValues(t, 35<<10+1, r.stats.LongBytes)

	r.raw("", strings.Repeat("z", 20<<10)) // one more, never ended
	r.rotate()
	r.run()
	r.append(1)
	r.run()
	r.run()
	r.exact()
	assert.EqualValues(t, 2, r.stats.LongLines)
}

func TestFirstLineTooLong(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.opt.MaxLine = 10 << 10
	r.run()
	r.raw("", strings.Repeat("z", 20<<10)+"\n")
	r.run()
	r.append(1)
	r.rotate()
	r.append(1)
	r.run()
	r.exact()
	assert.EqualValues(t, 1, r.stats.LongLines)
}

func TestHoles(t *testing.T) {
	hole := func(n int) string { return strings.Repeat("\x00", n) }
	for name, n := range map[string]int{"small": 512, "page": 4096, "odd": 5001, "large": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, t.TempDir())
			r.raw("", hole(n))
			r.append(30)
			r.run()
			r.exact()
			r.raw("", hole(n))
			r.run()
			r.killed(all)
			require.EqualValues(t, n, r.stats.NulBytes, "what follows it is not known yet")
			r.append(30)
			r.raw("", "torn"+hole(n))
			r.run()
			r.want = append(r.want, "torn")
			r.append(3)
			r.run()
			r.exact()
			require.EqualValues(t, 3*n-1, r.stats.NulBytes)
			r.raw("", "end"+hole(n))
			r.rotate()
			r.want = append(r.want, "end")
			r.append(1)
			r.run()
			r.exact()
			require.EqualValues(t, 4*n-1, r.stats.NulBytes)
		})
	}
}

// TestManyHoles is about an attacker's log: it must take no more reading than
// another of its size.
func TestManyHoles(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.buf = tail.BlockSize
	r.raw("", strings.Repeat("x"+strings.Repeat("\x00", 512), 1<<12)+"x\n")
	f := r.open()
	blocks, lines := 0, 0
	for {
		b, err := f.Next(t.Context(), make([]byte, r.buf))
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		blocks++
		lines += strings.Count(string(b.Bytes), "x\n")
	}
	assert.Equal(t, 1<<12+1, lines)
	assert.Less(t, blocks, 20)
	require.NoError(t, f.Close())
}

// TestHoleInReadPart has a crash that turned into NULs what was read before it.
func TestHoleInReadPart(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(200)
	r.run()
	f, err := os.OpenFile(r.path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, 500), r.pos.Offset-500)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	r.append(5)
	r.run()
	r.exact()
}

// next reads one block, which must hold these lines.
func next(t *testing.T, f *tail.File, final bool, lines ...string) {
	t.Helper()
	b, err := f.Next(t.Context(), make([]byte, 4096))
	require.NoError(t, err)
	require.Equal(t, strings.Join(lines, "\n")+"\n", string(b.Bytes))
	require.Equal(t, final, b.Final)
}

func ends(t *testing.T, f *tail.File) {
	t.Helper()
	_, err := f.Next(t.Context(), make([]byte, 4096))
	require.Equal(t, io.EOF, err)
}

func TestUnread(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.raw("", "a\nb\nc\n")
	f := r.open()
	next(t, f, false, "a", "b", "c")
	f.Unread(4)
	ends(t, f)
	ends(t, f)
	require.EqualValues(t, 2, f.Position().Offset)
	r.raw("", "d\n")
	next(t, f, false, "b", "c", "d")
	f.Unread(6)
	ends(t, f)
	r.pos = f.Position()
	require.NoError(t, f.Close())
	require.EqualValues(t, 8, f.Stats().Bytes)

	f = r.open() // the next run: nothing was added, so the record is complete
	next(t, f, false, "b", "c", "d")
	f.Unread(6)
	next(t, f, true, "b", "c", "d")
	f.Unread(6)
	ends(t, f)
	require.NoError(t, f.Close())

	f = r.open() // a new one: it is held, but not what was before it
	r.raw("", "e\n")
	next(t, f, false, "b", "c", "d", "e")
	f.Unread(2)
	ends(t, f)
	r.rotate()
	r.raw("", "f\n")
	next(t, f, true, "e")
	next(t, f, false, "f")
	f.Unread(2)
	ends(t, f)
	require.NoError(t, f.Close())
}

func TestUnreadOfASilentLog(t *testing.T) {
	r := newRig(t, t.TempDir())
	now := time.Now()
	r.opt.Silence, r.opt.Now = 10*time.Second, func() time.Time { return now }
	r.raw("", "a\nb\nhal")
	f := r.open()
	next(t, f, false, "a", "b")
	f.Unread(2)
	ends(t, f)
	now = now.Add(9 * time.Second)
	ends(t, f)
	now = now.Add(2 * time.Second)
	next(t, f, true, "b")
	ends(t, f)
	require.EqualValues(t, 4, f.Position().Offset, "an unfinished line is no record")
	require.NoError(t, f.Close())
}

func TestUnreadBeforeUnfinishedLine(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.raw("", "a\nb\nhal")
	f := r.open()
	next(t, f, false, "a", "b")
	f.Unread(2)
	ends(t, f)
	r.rotate()
	r.raw("", "c\n")
	next(t, f, true, "b", "hal")
	next(t, f, false, "c")
	require.NoError(t, f.Close())
}

func TestUnreadLongerThanBuffer(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(1000)
	f := r.open()
	b, err := f.Next(t.Context(), make([]byte, 32<<10))
	require.NoError(t, err)
	n := len(b.Bytes)
	f.Unread(n)
	b, err = f.Next(t.Context(), make([]byte, 1000))
	require.NoError(t, err)
	require.Greater(t, len(b.Bytes), n, "what was given back comes with more")
	require.NoError(t, f.Close())
}

func TestDrain(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.opt.Drain = true
	r.raw("", "a\nhal")
	f := r.open()
	next(t, f, false, "a")
	next(t, f, true, "hal")
	ends(t, f)
	require.NoError(t, f.Close())
}

func TestCancel(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(3)
	f := r.open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Next(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	r.got = r.read(f, all)
	r.exact()
	require.NoError(t, f.Close())
}

func TestNextAllocs(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(30000)
	f := r.open()
	buf := make([]byte, 8<<10)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, err := f.Next(t.Context(), buf)
		require.NoError(t, err)
	}))
	require.NoError(t, f.Close())
}

func BenchmarkNext(b *testing.B) {
	line := strings.Repeat("Jan 31 10:11:12 mx1 postfix/smtp[4711]: 3F2A1: to=<a@example.org>, status=sent ", 2) + "\n"
	data := strings.Repeat(line, (64<<20)/len(line))
	path := filepath.Join(b.TempDir(), "mail.log")
	require.NoError(b, os.WriteFile(path, []byte(data), 0o600))
	for _, size := range []struct {
		name string
		n    int
	}{{"64K", 64 << 10}, {"128K", 128 << 10}, {"256K", 256 << 10}, {"512K", 512 << 10}, {"1M", 1 << 20}} {
		b.Run("pread/"+size.name, func(b *testing.B) {
			f, err := os.Open(path)
			require.NoError(b, err)
			defer f.Close()
			benchmarkReads(b, data, size.n, func(buf []byte, off int64) (int, error) { return f.ReadAt(buf, off) })
		})
		b.Run("next/"+size.name, func(b *testing.B) {
			f, err := tail.Open(path, state.Position{}, tail.Options{})
			require.NoError(b, err)
			defer func() { f.Close() }()
			benchmarkReads(b, data, size.n, func(buf []byte, off int64) (int, error) {
				if off == 0 {
					require.NoError(b, f.Close())
					f, err = tail.Open(path, state.Position{}, tail.Options{})
					require.NoError(b, err)
				}
				var block parsers.Block
				block, err = f.Next(context.Background(), buf)
				return len(block.Bytes), err
			})
		})
	}
}

// benchmarkReads reads all of data once in each iteration.
func benchmarkReads(b *testing.B, data string, size int, read func(buf []byte, off int64) (int, error)) {
	buf := make([]byte, size)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for off := int64(0); off < int64(len(data)); {
			n, err := read(buf, off)
			if err != nil && err != io.EOF {
				b.Fatal(err)
			}
			off += int64(n)
		}
	}
}
