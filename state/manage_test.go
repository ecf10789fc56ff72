package state_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	. "github.com/logmetrics/logmetrics/state"
)

func TestListRewindForget(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, key, Options{})
	j.State().Open = []*metric.Batch{counted(2)}
	commit(t, j, 3)
	require.NoError(t, j.Close())
	name := key.Name()
	infos := must(List(dir))
	require.Len(t, infos, 1)
	assert.Equal(t, name, infos[0].Name)
	assert.Equal(t, 3, infos[0].Queue)
	assert.EqualValues(t, 30, infos[0].State.Logs[logName].Offset)

	require.Error(t, Rewind(dir, "nobody", "", 0))
	require.Error(t, Rewind(dir, "../x", "", 0))
	require.Error(t, Rewind(dir, name, "/other", 0))
	require.Error(t, Rewind(dir, name, logName, 31))
	require.NoError(t, Rewind(dir, name, logName, 20))
	assert.EqualValues(t, 20, must(List(dir))[0].State.Logs[logName].Offset)
	require.NoError(t, Rewind(dir, name, "", 0))
	s := must(List(dir))[0].State
	assert.Equal(t, map[string]Position{logName: {}}, s.Logs)
	assert.Empty(t, s.Open)

	require.NoError(t, Forget(dir, name))
	assert.Empty(t, must(List(dir)))
	left := must(os.ReadDir(dir))
	require.Len(t, left, 1)
	assert.Equal(t, name+".lock", left[0].Name())
	require.Error(t, Forget(dir, name))
}
