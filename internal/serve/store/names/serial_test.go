package names

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSerials(t *testing.T) {
	x := New()
	var gone uint32
	for _, name := range []string{"plain", "gone", "disk;dc=a;host=x", "disk;dc=b;host=a", "dc;host=disk"} {
		id, _, err := x.Add([]byte(name))
		require.NoError(t, err)
		if name == "gone" {
			gone = id
		}
	}
	require.True(t, x.Remove(gone))
	require.NoError(t, x.Load(5000, []byte("late;far=away")), "pages between are not there")
	keys := map[string]int{"name": 0, "dc": 0, "host": 0, "far": 0, "none": 0}
	values := map[string]int{"plain": 0, "gone": 0, "a": 0, "x": 0, "disk": 0, "b": 0, "dc": 0, "away": 0}
	require.NoError(t, x.Serials(t.Context(), keys, values))
	assert.Equal(t, map[string]int{"name": 1, "dc": 2, "host": 3, "far": 10, "none": 0}, keys)
	assert.Equal(t, map[string]int{"plain": 1, "gone": 0, "a": 2, "x": 3, "disk": 4, "b": 5, "dc": 9, "away": 10}, values)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, x.Serials(ended, keys, map[string]int{"gone": 0}), context.Canceled)
}
