package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// TestLookAhead: of so many series that a writer looks ahead, among names that it
// does not know and one that was deleted meanwhile, each has its own values.
func TestLookAhead(t *testing.T) {
	const series = 5000
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	w := db.NewWriter()
	w.LookAhead([][]byte{[]byte("none.is.known")})
	for step := range 3 {
		var ahead [][]byte
		for i, k := range rand.New(rand.NewPCG(1, uint64(step))).Perm(series) {
			ahead = append(ahead, fmt.Appendf(nil, "a.b%d", k))
			if len(ahead) < 40 && i < series-1 {
				continue
			}
			w.LookAhead(append(ahead, nil, []byte("new.one")))
			for _, name := range ahead {
				var k int
				_, err := fmt.Sscanf(string(name), "a.b%d", &k)
				require.NoError(t, err)
				w.Put(name, metric.Unset, epoch+int64(10*step), float64(10*k+step))
			}
			ahead = nil
		}
		if step == 1 {
			require.NoError(t, db.Delete("a.b17"))
		}
		require.NoError(t, w.Flush())
	}
	for _, k := range []int{0, 1, 63, 64, 2500, series - 1} {
		got := fetched(t, db, fmt.Sprintf("a.b%d", k), epoch, epoch+30, 10)
		require.Equal(t, []float64{float64(10 * k), float64(10*k + 1), float64(10*k + 2)}, got, k)
	}
	require.Equal(t, []float64{171, 172}, fetched(t, db, "a.b17", epoch+10, epoch+30, 10), "deleted before these came")
	require.NoError(t, db.Close())
}
