package store_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestLife lives without troubles: what can be read is what the ledger says.
func TestLife(t *testing.T) {
	for seed := range uint64(10) {
		l := newLife(t, vfs.NewMem(), seed)
		require.True(t, l.open())
		for i := range 150 {
			l.step()
			if i%10 == 9 {
				got := contentsOf(t, l.db, l.clock.unix)
				require.Empty(t, got.differs(l.now.at(l.clock.unix)), "seed %d, step %d", seed, i)
			}
		}
		require.NoError(t, l.db.Close())
	}
}
