package tail_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/state"
)

// history is a log with compressed and plain generations, of which none was read.
func history(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, t.TempDir())
	r.opt.FromOldest = true
	for _, ext := range []string{".gz", ".zst", ".xz", ".gz", ""} {
		r.append(60)
		r.rotate()
		if ext != "" {
			r.compress(".1", ext)
		}
	}
	r.append(60)
	return r
}

// stored is the size of all of the log's files.
func (r *rig) stored() (n int64) {
	r.t.Helper()
	names, err := filepath.Glob(r.path + "*")
	require.NoError(r.t, err)
	for _, name := range names {
		fi, err := os.Stat(name)
		require.NoError(r.t, err)
		n += fi.Size()
	}
	return n
}

func TestFromOldest(t *testing.T) {
	r := history(t)
	f := r.open()
	defer f.Close()
	assert.Equal(t, r.stored(), f.Ahead())
	r.got = r.read(f, all)
	r.exact()
	assert.Zero(t, f.Ahead())
	assert.Equal(t, tail.Stats{Generations: 6, Rotations: 5, Bytes: f.Stats().Bytes}, f.Stats())
}

func TestFromOldestReopenedAtEachPosition(t *testing.T) {
	r := history(t)
	for len(r.got) < len(r.want) {
		before := len(r.got)
		r.runFor(1)
		require.Greater(t, len(r.got), before)
	}
	r.run()
	r.exact()
	assert.Zero(t, r.stats.Gaps)
}

// TestFromOldestRotatedMeanwhile has a rotation after each number of blocks,
// with the file kept open, and with the log reopened.
func TestFromOldestRotatedMeanwhile(t *testing.T) {
	for blocks := 1; blocks < 12; blocks++ {
		for _, follow := range []bool{false, true} {
			t.Run(fmt.Sprint(blocks, " ", follow), func(t *testing.T) {
				r := history(t)
				r.follow = follow
				defer r.reopen()
				r.runFor(blocks)
				r.rotate()
				r.append(5)
				r.runFor(1)
				r.compress(".1", ".gz")
				r.copytruncate()
				r.append(5)
				r.run()
				r.exact()
				assert.Zero(t, r.stats.Gaps)
			})
		}
	}
}

// TestAhead never rises while nothing is written, and ends at nothing.
func TestAhead(t *testing.T) {
	r := history(t)
	r.buf = 1000
	f := r.open()
	defer f.Close()
	last := f.Ahead()
	for len(r.got) < len(r.want) {
		r.got = append(r.got, r.read(f, 1)...)
		now := f.Ahead()
		require.LessOrEqual(t, now, last)
		last = now
	}
	require.Zero(t, last)
	before := r.stored()
	r.append(3)
	require.Equal(t, r.stored()-before, f.Ahead())
	require.NoError(t, f.Suspend())
	require.Equal(t, r.stored()-before, f.Ahead())
}

func TestFromOldestWithoutLive(t *testing.T) {
	r := history(t)
	r.remove("")
	r.want = r.want[:300]
	f := r.open()
	defer f.Close()
	r.got = r.read(f, all)
	r.exact()

	_, err := tail.Open(filepath.Join(t.TempDir(), "none"), state.Position{}, r.opt)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = tail.Open(t.TempDir(), state.Position{}, r.opt)
	require.ErrorIs(t, err, tail.ErrNotRegular)
}

// TestFromOldestWithPosition goes on where the position is.
func TestFromOldestWithPosition(t *testing.T) {
	r := history(t)
	r.opt.FromOldest = false
	r.want, r.opt.FromEnd = nil, true
	r.run()
	r.opt.FromOldest = true
	r.append(5)
	r.run()
	r.exact()
}
