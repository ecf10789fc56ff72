package wal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

var errDisk = errors.New("disk is broken")

// model is what a log must hold: the records from first on up to synced surely,
// up to appended perhaps.
type model struct{ first, synced, appended int }

// check requires that what was read is allowed by the model.
func (m model) check(t *testing.T, got []string, report wal.Report, what string) {
	t.Helper()
	require.Empty(t, report.Damages, what)
	require.GreaterOrEqual(t, len(got), m.synced-m.first, what)
	require.LessOrEqual(t, len(got), m.appended-m.first, what)
	require.Equal(t, records(m.first, m.first+len(got)), got, what)
}

// work appends, syncs, rotates and removes at random; each step ends with a call
// of done. Errors are met as a store meets them: by trying again later.
func work(t *testing.T, fs vfs.FS, r *rand.Rand, done func(m model, from wal.Mark)) (m model, from wal.Mark) {
	t.Helper()
	l, err := wal.Open(fs, "log", wal.Options{FileSize: 3 << 10})
	if err != nil {
		return m, from
	}
	if _, err := l.Replay(from, func([]byte) error { return nil }); err != nil {
		return m, from
	}
	for range 40 {
		for range r.IntN(4) {
			l.Append([]byte(record(m.appended)))
			m.appended++
		}
		switch r.IntN(5) {
		case 0:
			mark, err := l.Rotate()
			if err != nil {
				break
			}
			m.synced = m.appended
			m.first, from = m.appended, mark // as a seal does
			_ = l.RemoveBefore(mark)
		default:
			if l.Sync() == nil {
				require.Zero(t, l.Pending())
				m.synced = m.appended
			}
		}
		done(m, from)
	}
	if l.Close() == nil {
		m.synced = m.appended
	}
	done(m, from)
	return m, from
}

// crash is what a crash leaves.
type crash struct {
	fs   *vfs.MemFS
	m    model
	from wal.Mark
	what string
}

// crashes returns what crashes before each operation that writes leave.
func crashes(t *testing.T, seed uint64) (list []crash) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	now := crash{}
	r := rand.New(rand.NewPCG(seed, 1))
	op := 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		op++
		for _, percent := range []int{0, 50, 100} {
			c := now
			c.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
			c.m.appended += 4 // what the step under way appended
			c.what = fmt.Sprintf("seed %d, operation %d, %d %%, %s", seed, op, percent, o.Path)
			list = append(list, c)
		}
		return nil
	}))
	work(t, fs, rand.New(rand.NewPCG(seed, 2)), func(m model, from wal.Mark) { now.m, now.from = m, from })
	require.Greater(t, op, 50)
	return list
}

// TestCrashAtEachOperation: what was confirmed is there, whole and in order, and
// what is written then is, too.
func TestCrashAtEachOperation(t *testing.T) {
	for seed := range uint64(3) {
		for _, c := range crashes(t, seed) {
			if _, err := c.fs.Stat("log"); err != nil {
				require.Zero(t, c.m.synced, c.what)
				continue
			}
			l, got, report := opened(t, c.fs, c.from, wal.Options{})
			c.m.check(t, got, report, c.what)
			next := record(c.m.first + len(got))
			l.Append([]byte(next))
			require.NoError(t, l.Sync())
			_, again, report := opened(t, c.fs, c.from, wal.Options{})
			require.Equal(t, append(got, next), again, c.what)
			require.Empty(t, report.Damages, c.what)
		}
	}
}

// TestErrorAtEachOperation: one operation fails, or all from it on for a while;
// nothing is lost, and all that was not confirmed is written later.
func TestErrorAtEachOperation(t *testing.T) {
	for _, length := range []int{1, 2, 5, 40} {
		for at := 0; ; at += 1 + length/4 {
			mem := vfs.NewCrashableMem()
			op := 0
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(o errorfs.Op) error {
				if o.Kind.ReadOrWrite() != errorfs.OpIsWrite {
					return nil
				}
				if op++; op > at && op <= at+length {
					return errDisk
				}
				return nil
			}))
			what := fmt.Sprintf("%d errors from operation %d on", length, at)
			m, from := work(t, fs, rand.New(rand.NewPCG(9, 2)), func(m model, from wal.Mark) {
				_, got, report := opened(t, mem.CrashClone(vfs.CrashCloneCfg{}), from, wal.Options{})
				m.check(t, got, report, what)
			})
			_, got, report := opened(t, mem, from, wal.Options{})
			m.check(t, got, report, what)
			if op < at {
				break
			}
		}
	}
}

// TestReadErrorAtEachOperation: Replay reads all, or says that it cannot; an
// error that passes costs nothing.
func TestReadErrorAtEachOperation(t *testing.T) {
	mem := vfs.NewMem()
	l, _, _ := opened(t, mem, wal.Mark{}, wal.Options{FileSize: 2 << 10})
	for i := range 30 {
		l.Append([]byte(record(i)))
		require.NoError(t, l.Sync())
	}
	require.NoError(t, l.Close())
	said := 0
	for at := range int32(100) {
		l, err := wal.Open(errorfs.Wrap(mem, errorfs.OnIndex(at)), "log", wal.Options{})
		if err != nil {
			said++
			continue
		}
		var got []string
		_, err = l.Replay(wal.Mark{}, func(payload []byte) error { got = append(got, string(payload)); return nil })
		if err != nil {
			require.ErrorIs(t, err, errorfs.ErrInjected)
			said++
			continue
		}
		require.Equal(t, records(0, 30), got, "operation %d", at)
	}
	assert.Positive(t, said)
}

// badSector is a file of which a part cannot be read.
type badSector struct {
	vfs.File
	from, to int64
}

func (f badSector) ReadAt(p []byte, off int64) (int, error) {
	if off < f.to && off+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return f.File.ReadAt(p, off)
}

type badSectors struct{ vfs.FS }

func (fs badSectors) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, opts...)
	return badSector{File: f, from: 40 << 10, to: 41 << 10}, err
}

func TestBadSectorCostsWhatIsInIt(t *testing.T) {
	mem := vfs.NewMem()
	l, _, _ := opened(t, mem, wal.Mark{}, wal.Options{})
	const n = 300
	for i := range n {
		l.Append([]byte(record(i)))
		require.NoError(t, l.Sync())
	}
	require.NoError(t, l.Close())
	_, got, report := opened(t, badSectors{mem}, wal.Mark{}, wal.Options{})
	assert.Subset(t, records(0, n), got)
	assert.Len(t, report.Damages, 1)
	assert.Less(t, report.Damages[0].Bytes, int64(16<<10))
	assert.Greater(t, len(got), n-40)
	assert.Equal(t, record(n-1), got[len(got)-1])
}

// TestFullDiskByError: while nothing can be written, files do not heap up.
func TestFullDiskByError(t *testing.T) {
	mem := vfs.NewMem()
	full := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind == errorfs.OpFileWrite {
			return errDisk
		}
		return nil
	})}
	l, _, _ := opened(t, errorfs.Wrap(mem, &full), wal.Mark{}, wal.Options{})
	l.Append([]byte(record(0)))
	require.NoError(t, l.Sync())
	full.On()
	for i := range 50 {
		l.Append([]byte(record(1 + i)))
		require.ErrorIs(t, l.Sync(), errDisk)
	}
	files, err := l.Files()
	require.NoError(t, err)
	assert.Len(t, files, 1)
	pending := l.Pending()
	full.Off()
	require.NoError(t, l.Sync())
	assert.Positive(t, pending)
	_, got, _ := opened(t, mem, wal.Mark{}, wal.Options{})
	assert.Equal(t, records(0, 51), got)
	require.NoError(t, l.Close())
}
