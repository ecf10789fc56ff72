package wal_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

// TestRecordsOfAllLengths: records that end anywhere in what the log holds and
// writes at once, and longer ones, come back; so do those of Syncs that failed.
func TestRecordsOfAllLengths(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	failing := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind == errorfs.OpFileWrite && r.IntN(3) == 0 {
			return errDisk
		}
		return nil
	})}
	mem := vfs.NewMem()
	l, _, _ := opened(t, errorfs.Wrap(mem, &failing), wal.Mark{}, wal.Options{FileSize: 4 << 20})
	failing.On()
	var want []string
	failed := 0
	for i := range 400 {
		length := 1 + r.IntN(20_000)
		if i%40 == 0 {
			length = 1 + r.IntN(700_000)
		}
		payload := make([]byte, length)
		for k := range payload {
			payload[k] = byte(r.Uint32())
		}
		l.Append(payload)
		want = append(want, string(payload))
		if i%7 == 0 && l.Sync() != nil {
			failed++
		}
	}
	failing.Off()
	require.Positive(t, failed)
	require.NoError(t, l.Close())
	_, got, report := opened(t, mem, wal.Mark{}, wal.Options{})
	require.Empty(t, report.Damages)
	require.Equal(t, len(want), len(got), "seed %d", seed)
	for i := range want {
		require.True(t, want[i] == got[i], "record %d, seed %d", i, seed)
	}
}
