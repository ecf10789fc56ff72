package tail_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

func TestStats(t *testing.T) {
	r := newRig(t, t.TempDir())
	var said bytes.Buffer
	r.opt.Log = slog.New(slog.NewTextHandler(&said, nil))
	r.raw("", "12345\n")
	r.run()
	r.raw("", "6789\n")
	r.rotate()
	r.raw("", "abc\nd")
	written := time.Now().Add(-time.Minute).Unix()
	require.NoError(t, os.Chtimes(r.path, time.Time{}, time.Unix(written, 0)))
	require.NoError(t, os.Chtimes(r.file(".1"), time.Time{}, time.Unix(written-60, 0)))
	f := r.open()
	assert.Equal(t, tail.Stats{Generations: 1, Lag: 10, LagSince: written}, f.Stats())
	r.read(f, all)
	assert.Equal(t, tail.Stats{Generations: 2, Bytes: 9, Rotations: 1, Lag: 1, LagSince: written}, f.Stats())
	r.truncate()
	r.read(f, all)
	assert.Equal(t, tail.Stats{Generations: 3, Bytes: 9, Rotations: 1, Truncations: 1, Gaps: 1}, f.Stats())
	require.NoError(t, f.Close())
	assert.Equal(t, 1, strings.Count(said.String(), "\n"), "only the gap is worth a word: %s", &said)
	assert.Contains(t, said.String(), "source="+r.path)
}

func TestSaidOnce(t *testing.T) {
	r := newRig(t, t.TempDir())
	var said bytes.Buffer
	r.opt.Log = slog.New(slog.NewTextHandler(&said, nil))
	r.opt.MaxLine = 5000
	r.raw("", strings.Repeat(strings.Repeat("x", 6000)+"\n", 50))
	r.run()
	assert.Equal(t, 1, strings.Count(said.String(), "\n"), "%s", &said)
	assert.EqualValues(t, 50, r.stats.LongLines)
}

// TestFilesAreClosed counts the open files of the process.
func TestFilesAreClosed(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			testutil.NotRun(t, "it needs Linux, whose /proc counts open files")
		}
		return len(list)
	}
	r := newRig(t, t.TempDir())
	r.append(5)
	r.run()
	before := open()
	for i := range 20 {
		r.append(5)
		r.rotate()
		r.append(300)
		r.compress(".1", []string{".gz", ".zst", ".xz"}[i%3])
		r.killed(2)
		r.copytruncate()
		r.append(5)
		r.killed(all)
		r.run()
	}
	r.exact()
	require.LessOrEqual(t, open(), before)
}
