package names_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// hosts has n names, a thousandth as many branches with 100 hosts of 10 metrics.
func hosts(tb testing.TB, n int) *Index {
	tb.Helper()
	x := New()
	var name []byte
	for i := range n {
		name = fmt.Appendf(name[:0], "p%03d.h%02d.m%d", i/1000, i/10%100, i%10)
		_, _, err := x.Add(name)
		require.NoError(tb, err)
	}
	return x
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		x := hosts(b, n)
		for _, tt := range []struct {
			pattern string
			want    int
		}{{"p01?.h*.m3", 1000}, {"*.h5*.*", n / 10}, {"*.*.m7", n / 10}, {"**.m7", n / 10}, {"p001.h01.m1", 1}} {
			b.Run(fmt.Sprintf("of=%d/%s", n, tt.pattern), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					found, err := x.Find(b.Context(), tt.pattern, 0)
					if err != nil || len(found) != tt.want {
						b.Fatal(len(found), err)
					}
				}
			})
		}
	}
}

// The first search after many names were added below one node puts them in order.
func BenchmarkFindFlat(b *testing.B) {
	for _, what := range []string{"first", "next"} {
		b.Run(what, func(b *testing.B) {
			var x *Index
			for b.Loop() {
				if x == nil || what == "first" {
					b.StopTimer()
					x = New()
					for i := range 100_000 {
						_, _, err := x.Add(fmt.Appendf(nil, "mil.%x", uint64(i)*0x9e3779b97f4a7c15))
						require.NoError(b, err)
					}
					b.StartTimer()
				}
				found, err := x.Find(b.Context(), "mil.*", 0)
				if err != nil || len(found) != 100_000 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}

func BenchmarkTagged(b *testing.B) {
	x := New()
	for i := range 200_000 {
		_, _, err := x.Add(fmt.Appendf(nil, "m%d;dc=d%d;host=h%d;zone=z%d", i%20, i%7, i/20, i%3))
		require.NoError(b, err)
	}
	for _, list := range [][]string{{"host=h77"}, {"dc=d1", "zone!=z2", "name=m3"}, {"host=~h1.*"}} {
		b.Run(fmt.Sprint(list), func(b *testing.B) {
			exprs, err := ParseExprs(list)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Tagged(b.Context(), exprs, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	x := hosts(b, 1_000_000)
	list := make([][]byte, 1<<16)
	for i := range list {
		list[i] = []byte(x.Name(uint32(i * 15)))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, ok := x.Get(list[i&(1<<16-1)]); !ok {
			b.Fatal(i)
		}
		i++
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	x, i := New(), 0
	var name []byte
	for b.Loop() {
		name = fmt.Appendf(name[:0], "servers.web%04d.cpu.m%d", i/100, i%100)
		if _, _, err := x.Add(name); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkMemory reports what a name costs, all in.
func BenchmarkMemory(b *testing.B) {
	for what, name := range map[string]func(dst []byte, i int) []byte{
		"servers": func(dst []byte, i int) []byte {
			return fmt.Appendf(dst, "servers.web%05d.cpu.core%d.m%d", i/100, i/10%10, i%10)
		},
		"flat": func(dst []byte, i int) []byte {
			return fmt.Appendf(dst, "requests.%016x", uint64(i)*0x9e3779b97f4a7c15)
		},
		"tagged": func(dst []byte, i int) []byte {
			return fmt.Appendf(dst, "m%d;dc=d%d;device=sd%d;host=web%05d;job=node;zone=z%d", i%100, i/100%7, i%3, i/100, i/100%3)
		},
	} {
		b.Run(what, func(b *testing.B) {
			const n = 1_000_000
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				x := New()
				var buf []byte
				for i := range n {
					buf = name(buf[:0], i)
					if _, _, err := x.Add(buf); err != nil {
						b.Fatal(err)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/n, "B/name")
				runtime.KeepAlive(x)
			}
		})
	}
}
