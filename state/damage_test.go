package state_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
	. "github.com/logmetrics/logmetrics/state"
)

func TestDamagedBatchIsPutAside(t *testing.T) {
	for how := range damage([]byte(strings.Repeat("x", 64))) {
		mem := vfs.NewMem()
		var log bytes.Buffer
		j := mustOpen(t, "/state/dir", key, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
		commit(t, j, 3)
		name := "/state/dir/" + key.Name() + ".q/0000000000000002.batch"
		put(t, mem, name, damage(get(t, mem, name))[how])
		_, err := j.Batches(2)
		require.ErrorIs(t, err, ErrCorrupt, how)
		assert.Equal(t, []uint64{1, 3}, j.Queue())
		assert.EqualValues(t, 1, j.State().Damaged)
		assert.Contains(t, log.String(), name)
		assert.Contains(t, files(t, mem), name+".damaged")
		for _, seq := range j.Queue() {
			must(j.Batches(seq))
		}
		commit(t, j, 1)
		require.NoError(t, j.Close())
		j = mustOpen(t, "/state/dir", key, Options{FS: mem})
		assert.EqualValues(t, 1, j.State().Damaged)
		assert.Equal(t, []uint64{1, 3, 4}, j.Queue())
	}
}

func TestMissingBatchIsCounted(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/d", key, Options{FS: mem})
	commit(t, j, 2)
	require.NoError(t, mem.Remove("/d/"+key.Name()+".q/0000000000000001.batch"))
	_, err := j.Batches(1)
	require.ErrorIs(t, err, ErrCorrupt)
	assert.Equal(t, []uint64{2}, j.Queue())
}

func TestAllCopiesDamaged(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/state/dir", key, Options{FS: mem})
	commit(t, j, 2)
	job := j.State().Job
	require.NoError(t, j.Close())
	twin := key
	twin.Prefix = "twin"
	j = mustOpen(t, "/state/dir", twin, Options{FS: mem})
	commit(t, j, 1)
	require.NoError(t, j.Close())
	for _, name := range files(t, mem) {
		if strings.Contains(name, key.Name()) {
			put(t, mem, name, []byte("garbage"))
		}
	}
	var log bytes.Buffer
	j = mustOpen(t, "/state/dir", key, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
	assert.True(t, j.Fresh())
	assert.Empty(t, j.From())
	assert.Empty(t, j.Queue())
	assert.NotEqual(t, job, j.State().Job)
	assert.Contains(t, log.String(), "level=ERROR")
	kept := strings.Join(files(t, mem), "\n")
	for _, name := range []string{".state.damaged", ".state.bak.damaged", "1.batch.damaged", "2.batch.damaged"} {
		assert.Contains(t, kept, name)
	}
	commit(t, j, 1)
	assert.Equal(t, []uint64{3}, j.Queue(), "no number is used twice")
	for _, name := range key.Outputs {
		assert.EqualValues(t, 2, j.State().Taken[name], "%s is owed the new batch", name)
	}
}

// TestTwinOfWhatIsDamaged: a job starts where its twin stopped, also when a copy
// of the twin's state, or both, are damaged or gone.
func TestTwinOfWhatIsDamaged(t *testing.T) {
	for _, lost := range [][]string{{".state"}, {".state.bak"}, {".state", ".state.bak"}} {
		for _, gone := range []bool{false, true} {
			mem := vfs.NewMem()
			old := mustOpen(t, "/d", key, Options{FS: mem})
			commit(t, old, 3)
			require.NoError(t, old.Close())
			for _, suffix := range lost {
				if file := "/d/" + key.Name() + suffix; gone {
					require.NoError(t, mem.Remove(file))
				} else {
					put(t, mem, file, []byte("garbage"))
				}
			}
			edited := key
			edited.Prefix = "edited"
			j := mustOpen(t, "/d", edited, Options{FS: mem})
			if gone && len(lost) == 2 {
				assert.Empty(t, j.From(), "it was forgotten")
				continue
			}
			assert.Equal(t, key.Name(), j.From(), "%q gone: %t", lost, gone)
			assert.EqualValues(t, 30, j.State().Logs[logName].Offset)
		}
	}
}

func TestPlantedLinksAreNotFollowed(t *testing.T) {
	name := key.Name()
	for _, planted := range []string{".lock", ".state", ".state.bak", ".state.new", ".state.bak.new", ".q", ".q/0000000000000001.batch", ".q/0000000000000002.batch"} {
		dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
		require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o644))
		if strings.HasPrefix(planted, ".q/") {
			require.NoError(t, os.Mkdir(filepath.Join(dir, name+".q"), 0o700))
		}
		require.NoError(t, os.Symlink(victim, filepath.Join(dir, name+planted)))
		j, err := Open(dir, key, Options{})
		if err == nil {
			commit(t, j, 2)
			require.NoError(t, j.Close())
		} else {
			require.ErrorContains(t, err, filepath.Join(dir, name), planted)
		}
		assert.Equal(t, "precious", string(must(os.ReadFile(victim))), planted)
		assert.EqualValues(t, 0o644, must(os.Stat(victim)).Mode().Perm(), planted)
	}
	// A hard link at the lock's name: the process id is not written into it.
	dir, victim := t.TempDir(), ""
	victim = filepath.Join(dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Link(victim, filepath.Join(dir, name+".lock")))
	_, err := Open(dir, key, Options{})
	require.Error(t, err)
	assert.Equal(t, "precious", string(must(os.ReadFile(victim))))
	require.NoError(t, os.Remove(filepath.Join(dir, name+".lock")))

	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, name+".state"), 0o600))
	_, err = Open(dir, key, Options{})
	require.ErrorContains(t, err, "not a plain file")
}

func TestReadOnlyDirectory(t *testing.T) {
	mem := vfs.NewMem()
	f := vfs.NewFaults(mem)
	f.FailAt(2, syscall.EROFS)
	_, err := Open("/d", key, Options{FS: f})
	require.ErrorIs(t, err, syscall.EROFS)
	require.ErrorContains(t, err, "/d/"+key.Name()+".lock")
	require.ErrorContains(t, err, "make the state directory writable")
}
