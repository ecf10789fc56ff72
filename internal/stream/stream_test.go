package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/stream"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

// limit is for what happens in milliseconds.
const limit = 20 * time.Second

// log is an open source and what came from it.
type log struct {
	t     testing.TB
	src   *stream.Source
	woken chan struct{}
	got   strings.Builder
	errs  []error
	ended bool
}

// open opens a source, which is closed at the test's end.
func open(t testing.TB, name string, opt stream.Options) *log {
	t.Helper()
	testutil.LeakCheck(t)
	l := &log{t: t, woken: make(chan struct{}, 1)}
	opt.Wake = func() {
		select {
		case l.woken <- struct{}{}:
		default:
		}
	}
	src, err := stream.Open(name, opt)
	require.NoError(t, err)
	l.src = src
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return l
}

// until reads until enough reports true of what came, or the source has ended.
func (l *log) until(enough func(got string) bool) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), limit)
	defer cancel()
	for !enough(l.got.String()) {
		b, err := l.src.Next(ctx, nil)
		switch {
		case err == nil:
			l.got.Write(b.Bytes)
		case errors.Is(err, tail.ErrEnded):
			l.ended = true
			return
		case err == io.EOF:
			select {
			case <-l.woken:
			case <-ctx.Done():
				require.FailNow(l.t, "not woken", "got %q", l.got.String())
			}
		default:
			require.NoError(l.t, ctx.Err(), "got %q", l.got.String())
			l.errs = append(l.errs, err)
		}
	}
}

// has reads until text has come.
func (l *log) has(text string) {
	l.t.Helper()
	l.until(func(got string) bool { return len(got) >= len(text) })
	require.Equal(l.t, text, l.got.String())
}

// end reads to the end.
func (l *log) end() string {
	l.t.Helper()
	l.until(func(string) bool { return false })
	return l.got.String()
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestStdin(t *testing.T) {
	for _, follow := range []bool{false, true} {
		r, w := pipe(t)
		l := open(t, "-", stream.Options{Stdin: r, Follow: follow})
		go func() {
			for i := range 1000 {
				fmt.Fprintf(w, "line %d\n", i)
			}
			io.WriteString(w, "unfinished")
			w.Close()
		}()
		got := l.end()
		assert.Equal(t, 1001, strings.Count(got, "\n"))
		assert.True(t, strings.HasSuffix(got, "line 999\nunfinished\n"))
		assert.Empty(t, l.errs)
		assert.Equal(t, state.Position{}, l.src.Position())
	}
}

func TestStdinIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(path, []byte("a\nb\n"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, "a\nb\n", open(t, "-", stream.Options{Stdin: f}).end())
}

// TestCloseWhileReading: Close ends the goroutine, which waits for a writer, or
// for room.
func TestCloseWhileReading(t *testing.T) {
	r, _ := pipe(t)
	open(t, "-", stream.Options{Stdin: r})
	full, w := pipe(t)
	l := open(t, "-", stream.Options{Stdin: full})
	written := make(chan struct{})
	go func() {
		w.Write(bytes.Repeat([]byte("x\n"), 1<<20)) // ended by closing the pipe
		close(written)
	}()
	t.Cleanup(func() { w.Close(); <-written })
	testutil.Eventually(t, limit, func() bool { return l.src.Stats().Lag == 4*tail.BlockSize })
}

func TestStdinThatCannotBeRead(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	l := open(t, "-", stream.Options{Stdin: dir})
	assert.Empty(t, l.end())
	require.Len(t, l.errs, 1)
	require.ErrorIs(t, l.errs[0], unix.EISDIR)
	assert.ErrorContains(t, l.errs[0], "read standard input: ")
}

func mkfifo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	return path
}

// write opens the FIFO, writes text and closes it.
func write(t testing.TB, path, text string) {
	t.Helper()
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

func TestFIFOEndsWithItsWriter(t *testing.T) {
	path := mkfifo(t)
	l := open(t, path, stream.Options{})
	go write(t, path, "a\nb")
	assert.Equal(t, "a\nb\n", l.end())
}

func TestFIFOOutlivesItsWriters(t *testing.T) {
	path := mkfifo(t)
	l := open(t, path, stream.Options{Follow: true})
	write(t, path, "a\nb")
	l.has("a\nb\n")
	write(t, path, "c\n")
	l.has("a\nb\nc\n")
	assert.False(t, l.ended)
}

func TestFIFOWithManyWriters(t *testing.T) {
	path := mkfifo(t)
	l := open(t, path, stream.Options{Follow: true})
	const writers, lines = 8, 200
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range lines {
				write(t, path, fmt.Sprintf("%d-%d\n", i, j)) // opens and closes it each time
			}
		})
	}
	l.until(func(got string) bool { return strings.Count(got, "\n") == writers*lines })
	wg.Wait()
	seen := map[string]int{}
	for line := range strings.Lines(l.got.String()) {
		seen[line]++
	}
	assert.Len(t, seen, writers*lines)
}

// TestFIFOIsReplaced: a new FIFO is read when the old one's writer has gone.
func TestFIFOIsReplaced(t *testing.T) {
	path := mkfifo(t)
	l := open(t, path, stream.Options{Follow: true})
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	io.WriteString(w, "old\n")
	l.has("old\n")
	require.NoError(t, os.Remove(path))
	require.NoError(t, w.Close())
	l.until(func(string) bool { return len(l.errs) > 0 })
	require.ErrorIs(t, l.errs[0], fs.ErrNotExist)
	require.NoError(t, unix.Mkfifo(path, 0o600))
	write(t, path, "new\n")
	l.has("old\nnew\n")
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("keep"), 0o600))
	live := filepath.Join(dir, "live")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: live, Net: "unixgram"})
	require.NoError(t, err)
	defer conn.Close()
	for _, c := range []struct {
		name, text string
		err        error
	}{
		{filepath.Join(dir, "none"), "open ", fs.ErrNotExist},
		{file, "not a FIFO", stream.ErrNotFIFO},
		{"unixgram:" + file, "not a socket, and stays", nil},
		{"unixgram:" + live, "listens there", stream.ErrInUse},
		{"unixgram:" + filepath.Join(dir, "none", "x"), "listen on", fs.ErrNotExist},
		{"udp::514", "names no address", nil},
		{"udp:127.0.0.1", "missing port", nil},
		{"udp:127.0.0.1:syslogs", "listen on", nil},
	} {
		_, err := stream.Open(c.name, stream.Options{Follow: true})
		require.ErrorContains(t, err, c.text, c.name)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.name)
		}
	}
	_, err = stream.Open("udp:127.0.0.1:0", stream.Options{})
	require.ErrorContains(t, err, "must be followed")
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "keep", string(kept))
}

func BenchmarkStdin(b *testing.B) {
	r, w := pipe(b)
	text := bytes.Repeat([]byte(strings.Repeat("x", 149)+"\n"), 400)
	src, err := stream.Open("-", stream.Options{Stdin: r})
	require.NoError(b, err)
	defer src.Close()
	go func() {
		for {
			if _, err := w.Write(text); err != nil {
				return
			}
		}
	}()
	consume(b, src, 150, nil)
}

// consume reads b.N lines of the given length; woken is nil for a source that waits.
func consume(b *testing.B, src *stream.Source, length int, woken <-chan struct{}) {
	b.Helper()
	b.SetBytes(int64(length))
	b.ReportAllocs()
	buf := make([]byte, 2*tail.BlockSize)
	b.ResetTimer()
	for n := 0; n < b.N; {
		block, err := src.Next(b.Context(), buf)
		if err == io.EOF {
			<-woken
			continue
		}
		require.NoError(b, err)
		n += len(block.Bytes) / length
	}
	b.StopTimer()
}
