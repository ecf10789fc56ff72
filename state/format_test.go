package state_test

import (
	"encoding/binary"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	. "github.com/logmetrics/logmetrics/state"
)

var update = flag.Bool("update", false, "rewrite the golden state directory")

func TestNewerVersionIsLeftAlone(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/state/dir", key, Options{FS: mem})
	commit(t, j, 1)
	require.NoError(t, j.Close())
	name := "/state/dir/" + key.Name() + ".state"
	b := get(t, mem, name)
	b[3] = 2
	binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
	put(t, mem, name, b)
	before := files(t, mem)
	_, err := Open("/state/dir", key, Options{FS: mem})
	require.ErrorContains(t, err, "newer version")
	require.ErrorContains(t, err, name)
	assert.Equal(t, before, files(t, mem))
	assert.Equal(t, b, get(t, mem, name))
}

// A state directory as each released version wrote it opens for ever.
func TestOpensVersion1(t *testing.T) {
	golden := filepath.Join("..", "testdata", "state", "v1")
	if *update {
		require.NoError(t, os.RemoveAll(golden))
		j := mustOpen(t, golden, key, Options{})
		j.State().Open, j.State().First, j.State().End = []*metric.Batch{counted(7)}, 1763700000, 1763700010
		j.State().Logs["journal"] = Position{Cursor: "s=1"}
		commit(t, j, 2)
		require.NoError(t, j.Took(outputs[0], 2))
		require.NoError(t, j.Took(outputs[1], 1))
		must(j.Trim(outputs))
		require.NoError(t, j.Close())
		require.NoError(t, os.Remove(filepath.Join(golden, key.Name()+".lock")))
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(golden)))
	j := mustOpen(t, dir, key, Options{})
	s := j.State()
	assert.False(t, j.Fresh())
	assert.Equal(t, map[string]Position{logName: {Offset: 20}, "journal": {Cursor: "s=1"}}, s.Logs)
	assert.Equal(t, map[string]uint64{outputs[0]: 2, outputs[1]: 1}, s.Taken)
	assert.Equal(t, []int64{1763700000, 1763700010}, []int64{s.First, s.End})
	assert.Equal(t, []*metric.Batch{counted(7)}, s.Open)
	assert.Equal(t, []uint64{2}, j.Queue())
	b := must(j.Batches(2))[0]
	assert.Equal(t, counted(1).Samples, b.Samples)
	assert.Equal(t, metric.BatchID{Job: s.Job, Seq: 2}, b.ID)
}

func FuzzState(f *testing.F) {
	mem := vfs.NewMem()
	j := must(Open("/d", key, Options{FS: mem}))
	j.State().Logs[logName] = Position{Offset: 7, Cursor: "c"}
	j.State().Open = []*metric.Batch{counted(1)}
	if err := j.Commit(counted(1)); err != nil {
		f.Fatal(err)
	}
	file := must(mem.Open("/d/" + key.Name() + ".state"))
	valid := make([]byte, must(file.Stat()).Size())
	must(file.Read(valid))
	f.Add(valid[8 : len(valid)-4])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b := append([]byte("LMS\x01"), binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))...)
		b = append(b, payload...)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		mem := vfs.NewMem()
		require.NoError(t, mem.MkdirAll("/d"))
		file := must(mem.Create("/d/" + key.Name() + ".state"))
		must(file.Write(b))
		j, err := Open("/d", key, Options{FS: mem})
		require.NoError(t, err)
		want := *j.State()
		require.NoError(t, j.Close())
		if j.Fresh() {
			return
		}
		again, err := Open("/d", key, Options{FS: mem})
		require.NoError(t, err)
		require.Equal(t, want, *again.State())
	})
}
