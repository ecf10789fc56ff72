package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// BenchmarkFetch reads a day of 10 s, of which the newest ten minutes are in the
// head, and the last partition is not folded yet.
func BenchmarkFetch(b *testing.B) {
	const series, points = 1000, 8640
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: b.TempDir(), Now: c.now, SealEvery: -1})
	require.NoError(b, err)
	defer db.Close()
	w := db.NewWriter()
	ids := make([]store.ID, series)
	name := make([]byte, 0, 64)
	for i := range points {
		for k := range series {
			name = fmt.Appendf(name[:0], "servers.host%03d.cpu.user", k)
			w.Put(name, 0, c.unix, float64((i*7+k*13)%1000)/10)
		}
		require.NoError(b, w.Flush())
		if c.forward(10); i%60 == 59 {
			require.NoError(b, db.Tend(b.Context()))
		}
	}
	for i := range ids {
		info, ok := db.Series(fmt.Sprintf("servers.host%03d.cpu.user", i))
		require.True(b, ok)
		ids[i] = info.ID
	}
	for _, n := range []int64{720, 1440, 8640} {
		opt := store.FetchOptions{From: c.unix - n*10, Until: c.unix, Step: 10}
		b.Run(fmt.Sprintf("one/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(8 * n)
			used := cpuTime(b)
			for b.Loop() {
				got, err := db.Fetch(b.Context(), "servers.host500.cpu.user", opt)
				require.NoError(b, err)
				require.Len(b, got.Value, int(n))
			}
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/1000/float64(b.N), "ms-CPU/op")
		})
	}
	for _, n := range []int64{360, 1440} {
		opt := store.FetchOptions{From: c.unix - n*10, Until: c.unix, Step: 10}
		for what, valueOnly := range map[string]bool{"": false, "/values": true} {
			opt.ValueOnly = valueOnly
			b.Run(fmt.Sprintf("1000/%d%s", n, what), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(8 * n * series)
				used := cpuTime(b)
				for b.Loop() {
					got, err := db.FetchAll(b.Context(), ids, opt)
					require.NoError(b, err)
					require.Len(b, got, series)
				}
				b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/1000/float64(b.N), "ms-CPU/op")
			})
		}
	}
}
