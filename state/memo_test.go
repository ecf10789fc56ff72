package state_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
	. "github.com/logmetrics/logmetrics/state"
)

func TestMemoSurvivesAndIsForgotten(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, key, Options{})
	assert.Nil(t, must(j.Memo(outputs[0])))
	commit(t, j, 1)
	require.NoError(t, j.Remember(outputs[0], []byte("totals")))
	require.NoError(t, j.Close())
	j = mustOpen(t, dir, key, Options{})
	assert.Equal(t, "totals", string(must(j.Memo(outputs[0]))))
	assert.Nil(t, must(j.Memo(outputs[1])))
	require.NoError(t, j.Close())
	require.NoError(t, Forget(dir, key.Name()))
	j = mustOpen(t, dir, key, Options{})
	assert.Nil(t, must(j.Memo(outputs[0])))
	require.NoError(t, j.Close())
}

func TestDamagedMemoIsKeptAside(t *testing.T) {
	for how := range damage([]byte(strings.Repeat("x", 64))) {
		mem := vfs.NewMem()
		var log bytes.Buffer
		j := mustOpen(t, "/state/dir", key, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
		commit(t, j, 1)
		require.NoError(t, j.Remember(outputs[0], []byte("totals")))
		name := ""
		for _, file := range files(t, mem) {
			if strings.HasSuffix(file, ".memo") {
				name = file
			}
		}
		require.NotEmpty(t, name)
		put(t, mem, name, damage(get(t, mem, name))[how])
		assert.Nil(t, must(j.Memo(outputs[0])), how)
		assert.Contains(t, log.String(), "damaged", how)
		assert.Contains(t, files(t, mem), name+".damaged", how)
		assert.Nil(t, must(j.Memo(outputs[0])), how)
	}
}

func TestSeveralBatchesOfOneCommit(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/d", key, Options{FS: mem, SpoolSize: 1})
	require.NoError(t, j.Commit(counted(1), nil, counted(2), counted(3)))
	require.NoError(t, j.Commit(counted(4)))
	assert.Equal(t, []uint64{3, 4}, j.Queue())
	for i, b := range must(j.Batches(3)) {
		assert.EqualValues(t, i+1, b.ID.Seq)
		assert.EqualValues(t, i+1, lines(b))
	}
	require.NoError(t, j.Took(outputs[0], 2), "a cursor may stand within")
	require.NoError(t, j.Close())
	j = mustOpen(t, "/d", key, Options{FS: mem, SpoolSize: 1})
	assert.Equal(t, []uint64{3, 4}, j.Queue())
	dropped, err := j.Trim(outputs)
	require.NoError(t, err)
	assert.Equal(t, 1, dropped)
	assert.EqualValues(t, 3, j.State().Dropped)
	assert.Equal(t, []uint64{4}, j.Queue())
}
