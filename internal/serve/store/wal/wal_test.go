package wal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

// opened returns the log in dir, and what it held behind the mark.
func opened(t testing.TB, fs vfs.FS, from wal.Mark, opt wal.Options) (*wal.Log, []string, wal.Report) {
	t.Helper()
	l, err := wal.Open(fs, "log", opt)
	require.NoError(t, err)
	var got []string
	report, err := l.Replay(from, func(payload []byte) error {
		got = append(got, string(payload))
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, len(got), report.Records)
	return l, got, report
}

// record is the payload of number i: of very different lengths.
func record(i int) string {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	return fmt.Sprintf("%d:", i) + strings.Repeat("x", r.IntN(40)*r.IntN(40)*((i+1)%2))
}

func records(from, to int) []string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, record(i))
	}
	return list
}

func TestReplayReadsWhatWasSynced(t *testing.T) {
	fs := vfs.NewMem()
	written := 0
	for round := range 5 {
		l, got, report := opened(t, fs, wal.Mark{}, wal.Options{FileSize: 4 << 10})
		require.Equal(t, records(0, written), got)
		assert.Empty(t, report.Damages)
		assert.Zero(t, report.TornTail)
		for range 10 * round {
			l.Append([]byte(record(written)))
			if written++; written%3 == 0 {
				require.NoError(t, l.Sync())
				assert.Zero(t, l.Pending())
			}
		}
		require.NoError(t, l.Close())
	}
	_, got, report := opened(t, fs, wal.Mark{}, wal.Options{})
	assert.Len(t, got, 100)
	assert.Greater(t, report.Files, 5)
}

func TestReplayFromEachMark(t *testing.T) {
	fs := vfs.NewMem()
	l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{FileSize: 1})
	marks := []wal.Mark{l.End()}
	for i := range 60 {
		marks = append(marks, l.Append([]byte(record(i))))
		if i%4 == 3 {
			require.NoError(t, l.Sync())
		}
		if i == 30 {
			m, err := l.Rotate()
			require.NoError(t, err)
			assert.Equal(t, marks[31].Offset, m.Offset)
			assert.Greater(t, m.File, marks[31].File)
			marks[31] = m
		}
	}
	require.NoError(t, l.Close())
	for i, m := range marks {
		_, got, report := opened(t, fs, m, wal.Options{})
		require.Equal(t, records(i, 60), got, "from %v", m)
		require.Empty(t, report.Damages)
	}
	for i, m := range marks {
		l, _, _ := opened(t, fs, m, wal.Options{})
		require.NoError(t, l.RemoveBefore(m))
		_, got, report := opened(t, fs, m, wal.Options{})
		require.Equal(t, records(i, 60), got, "from %v", m)
		require.Empty(t, report.Damages)
		require.NoError(t, l.Close())
	}
	files, err := l.Files()
	require.NoError(t, err)
	assert.Len(t, files, 1)
}

// TestMarkBehindTheEnd: a log whose files were lost goes on where the mark is,
// so that what is appended then is not before it.
func TestMarkBehindTheEnd(t *testing.T) {
	fs := vfs.NewMem()
	mark := wal.Mark{File: 7, Offset: 12345}
	l, got, _ := opened(t, fs, mark, wal.Options{})
	assert.Empty(t, got)
	l.Append([]byte("new"))
	require.NoError(t, l.Close())
	_, got, report := opened(t, fs, mark, wal.Options{})
	assert.Equal(t, []string{"new"}, got)
	assert.Empty(t, report.Damages)
}

func TestReplayStopsAtErrorOfCaller(t *testing.T) {
	fs := vfs.NewMem()
	l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{})
	l.Append([]byte("a"))
	require.NoError(t, l.Close())
	l, err := wal.Open(fs, "log", wal.Options{})
	require.NoError(t, err)
	mine := errors.New("mine")
	_, err = l.Replay(wal.Mark{}, func([]byte) error { return mine })
	assert.ErrorIs(t, err, mine)
}

func TestClosed(t *testing.T) {
	l, _, _ := opened(t, vfs.NewMem(), wal.Mark{}, wal.Options{})
	l.Append([]byte("a"))
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	assert.NoError(t, l.Sync(), "all is durable")
	_, err := l.Rotate()
	assert.ErrorIs(t, err, wal.ErrClosed)
	assert.Panics(t, func() { l.Append([]byte("b")) })
}

func TestAppendDoesNotAllocate(t *testing.T) {
	l, _, _ := opened(t, vfs.NewMem(), wal.Mark{}, wal.Options{FileSize: 1 << 40})
	payload := []byte(strings.Repeat("p", 1000))
	round := func() {
		for range 100 {
			l.Append(payload)
		}
	}
	for range 3 {
		round()
		round()
		round()
		require.NoError(t, l.Sync())
	}
	assert.Zero(t, testing.AllocsPerRun(1, round))
	require.NoError(t, l.Close())
}

func BenchmarkAppend(b *testing.B) {
	l, _, _ := opened(b, vfs.NewMem(), wal.Mark{}, wal.Options{})
	payload := make([]byte, 64<<10)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		l.Append(payload)
		if l.Pending() > 4<<20 {
			b.StopTimer()
			m, err := l.Rotate()
			require.NoError(b, err)
			require.NoError(b, l.RemoveBefore(m))
			b.StartTimer()
		}
	}
}
