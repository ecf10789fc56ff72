package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/feed"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// write writes p to f and expects it to fit.
func write(t testing.TB, f *feed.Feed, p string) {
	t.Helper()
	n, err := f.Write([]byte(p))
	require.NoError(t, err)
	require.Len(t, p, n)
}

// next expects a block, whose text it returns.
func next(t testing.TB, f *feed.Feed) (text string, final bool) {
	t.Helper()
	b, err := f.Next(t.Context(), nil)
	require.NoError(t, err)
	return string(b.Bytes), b.Final
}

// TestRandom writes lines in random pieces, holds records back at random, and
// expects each line once, in order.
func TestRandom(t *testing.T) {
	testutil.LeakCheck(t)
	for range 10 {
		seed := rand.Uint64()
		for _, follow := range []bool{false, true} {
			random(t, seed, follow)
		}
	}
}

func random(t *testing.T, seed uint64, follow bool) {
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	var log bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&log, "%d %s\n", i, strings.Repeat("x", int(rng.ExpFloat64()*100)))
		if rng.IntN(3000) == 0 {
			fmt.Fprintf(&log, "long %s\n", strings.Repeat("y", 300<<10))
		}
	}
	want := log.String() + "unfinished\n"
	woken := make(chan struct{}, 1)
	f := feed.New(feed.Options{Follow: follow, Wake: func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}})
	done := make(chan error)
	go func() {
		rng := rand.New(rand.NewPCG(seed, 2))
		rest := append(log.Bytes(), "unfinished"...)
		for len(rest) > 0 {
			n := min(len(rest), 1+int(rng.ExpFloat64()*20000))
			if _, err := f.Write(rest[:n]); err != nil {
				done <- err
				return
			}
			rest = rest[n:]
		}
		f.End(nil)
		done <- nil
	}()
	var got []byte
	held := 0
	buf := make([]byte, tail.BlockSize)
	for {
		b, err := f.Next(t.Context(), buf)
		if errors.Is(err, tail.ErrEnded) {
			break
		}
		if errors.Is(err, io.EOF) {
			<-woken
			continue
		}
		require.NoError(t, err)
		require.Equal(t, byte('\n'), b.Bytes[len(b.Bytes)-1])
		require.True(t, b.Final || len(b.Bytes) > held, "more than what was held back")
		got = append(got, b.Bytes...)
		buf = b.Bytes[:cap(b.Bytes)]
		held = 0
		if !b.Final && rng.IntN(3) > 0 {
			lines := bytes.SplitAfter(b.Bytes, []byte{'\n'})
			for _, line := range lines[max(0, len(lines)-rng.IntN(100)):] {
				held += len(line)
			}
			got = got[:len(got)-held]
		}
		for i := range b.Bytes {
			b.Bytes[i] = 0xff // the buffer is ours
		}
		f.Unread(held)
	}
	require.NoError(t, <-done)
	require.True(t, want == string(got), "the lines that came are those that were written, seed %d", seed)
	require.Equal(t, tail.Stats{Bytes: int64(len(want))}, f.Stats())
	f.Stop()
}

func TestLongLines(t *testing.T) {
	for _, size := range []int{tail.DefaultMaxLine, tail.DefaultMaxLine + 1, 3 * tail.DefaultMaxLine} {
		for _, end := range []string{"\n", ""} {
			f := feed.New(feed.Options{})
			go func() {
				f.Write([]byte("before\n" + strings.Repeat("x", size) + end))
				if end != "" {
					f.Write([]byte("behind\n"))
				}
				f.End(nil)
			}()
			var got []byte
			for {
				b, err := f.Next(t.Context(), nil)
				if errors.Is(err, io.EOF) {
					break
				}
				got = append(got, b.Bytes...)
			}
			want := "before\n"
			st := tail.Stats{LongLines: 1, LongBytes: int64(size + len(end))}
			if size <= tail.DefaultMaxLine {
				want += strings.Repeat("x", size) + "\n"
				st = tail.Stats{}
			}
			if end != "" {
				want += "behind\n"
			}
			st.Bytes = int64(len(want))
			assert.True(t, want == string(got), size)
			assert.Equal(t, st, f.Stats(), size)
		}
	}
}

// TestLongLineBehindHeld: the record that is held back goes on behind the line.
func TestLongLineBehindHeld(t *testing.T) {
	f := feed.New(feed.Options{})
	write(t, f, "held\n")
	next(t, f)
	f.Unread(5)
	go func() {
		f.Write([]byte(strings.Repeat("x", 2*tail.DefaultMaxLine) + "\nmore\n"))
		f.End(nil)
	}()
	text, final := next(t, f)
	assert.Equal(t, "held\nmore\n", text)
	assert.False(t, final)
	assert.Equal(t, int64(1), f.Stats().LongLines)
}

func TestEnd(t *testing.T) {
	f := feed.New(feed.Options{Follow: true})
	write(t, f, "a\nb\nc\x00")
	f.End(errors.New("broken"))
	text, _ := next(t, f)
	assert.Equal(t, "a\nb\n", text)
	f.Unread(2)
	text, final := next(t, f)
	assert.Equal(t, "b\nc\x00\n", text)
	assert.True(t, final)
	f.Unread(2)
	_, err := f.Next(t.Context(), nil)
	require.EqualError(t, err, "broken")
	for range 2 {
		_, err = f.Next(t.Context(), nil)
		require.ErrorIs(t, err, tail.ErrEnded)
	}
}

func TestFullBufferHoldsUpTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Options{Follow: true})
		written := 0
		line := []byte(strings.Repeat("x", 1023) + "\n")
		stopped := make(chan error)
		go func() {
			for {
				_, err := f.Write(line)
				if err != nil {
					stopped <- err
					return
				}
				written += len(line)
			}
		}()
		synctest.Wait()
		assert.Equal(t, 4*tail.BlockSize, written)
		_, err := f.Next(t.Context(), nil)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, 4*tail.BlockSize, written, "the block may be given back")
		_, err = f.Next(t.Context(), nil)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, 5*tail.BlockSize, written)
		assert.Equal(t, int64(3*tail.BlockSize), f.Stats().Lag)
		f.Stop()
		require.ErrorIs(t, <-stopped, feed.ErrStopped)
	})
}

func TestWake(t *testing.T) {
	woken := 0
	f := feed.New(feed.Options{Follow: true, Wake: func() { woken++ }})
	write(t, f, "a\n")
	assert.Zero(t, woken, "nobody waits")
	next(t, f)
	for range 2 {
		_, err := f.Next(t.Context(), nil)
		require.Equal(t, io.EOF, err)
	}
	write(t, f, "b")
	write(t, f, "\n")
	assert.Equal(t, 1, woken)
	next(t, f)
	_, err := f.Next(t.Context(), nil)
	require.Equal(t, io.EOF, err)
	f.Fail(errors.New("trouble"))
	assert.Equal(t, 2, woken)
	_, err = f.Next(t.Context(), nil)
	require.EqualError(t, err, "trouble")
	_, err = f.Next(t.Context(), nil)
	require.Equal(t, io.EOF, err)
	f.End(nil)
	assert.Equal(t, 3, woken)
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan struct{}, 9)
		f := feed.New(feed.Options{Follow: true, Silence: 10 * time.Second, Wake: func() { woken <- struct{}{} }})
		write(t, f, "a\nb\n")
		next(t, f)
		f.Unread(2)
		_, err := f.Next(t.Context(), nil)
		require.Equal(t, io.EOF, err)
		start := time.Now()
		<-woken
		assert.Equal(t, 10*time.Second, time.Since(start))
		text, final := next(t, f)
		assert.Equal(t, "b\n", text)
		assert.True(t, final)
		f.Unread(2)
		_, err = f.Next(t.Context(), nil)
		require.Equal(t, io.EOF, err)
		assert.Equal(t, tail.Stats{Bytes: 4}, f.Stats())
		f.Stop()
	})
}

func TestNextHeedsItsContext(t *testing.T) {
	f := feed.New(feed.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	_, err := f.Next(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func BenchmarkFeed(b *testing.B) {
	line := bytes.Repeat([]byte("x"), 150)
	line[149] = '\n'
	for _, piece := range []int{1, 400} {
		b.Run(fmt.Sprintf("lines=%d", piece), func(b *testing.B) {
			f := feed.New(feed.Options{})
			p := bytes.Repeat(line, piece)
			go func() {
				for {
					if _, err := f.Write(p); err != nil {
						return
					}
				}
			}()
			defer f.Stop()
			buf := make([]byte, 2*tail.BlockSize)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				block, err := f.Next(b.Context(), buf)
				require.NoError(b, err)
				n += len(block.Bytes)
			}
			b.SetBytes(int64(n / b.N))
		})
	}
}
