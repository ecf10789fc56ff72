package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
)

// datagrams returns lines of so many names in an order without order, 20 a datagram.
func datagrams(names int, line string) (list [][]byte, bytes int64) {
	var b []byte
	for i, k := range rand.New(rand.NewPCG(1, 2)).Perm(names) {
		b = fmt.Appendf(b, line, k, i%1000)
		if i%20 == 19 {
			list = append(list, b)
			bytes += int64(len(b))
			b = nil
		}
	}
	return list, bytes
}

func BenchmarkBlock(b *testing.B) {
	for _, c := range []struct {
		name, line string
		names      int
	}{
		{"counters/1k", "servers.web%05d.requests:%d|c\n", 1000},
		{"counters/100k", "servers.web%05d.requests:%d|c\n", 100_000},
		{"rated/1k", "servers.web%05d.requests:%d|c|@0.1\n", 1000},
		{"gauges/1k", "servers.web%05d.requests:%d|g\n", 1000},
		{"timers/1k", "servers.web%05d.requests:%d|ms\n", 1000},
		{"sets/1k", "servers.web%05d.requests:%d|s\n", 1000},
		{"tags/1k", "servers.web%05d.requests:%d|c|#env:prod,host:web01\n", 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			n, err := aggregate.NewNode(aggregate.NodeOptions{})
			if err != nil {
				b.Fatal(err)
			}
			w := n.Worker()
			list, bytes := datagrams(c.names, c.line)
			for i := range c.names { // known in an order of their own, as after a start anew
				w.Block(fmt.Appendf(nil, c.line, i, 1))
			}
			b.SetBytes(bytes / int64(c.names))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i%20 == 0 {
					w.Block(list[(i/20)%len(list)])
				}
				if i++; i%5_000_000 == 0 {
					b.StopTimer()
					n.Flush(0)
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkBrubeckBlock(b *testing.B) {
	for _, names := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("%dk", names/1000), func(b *testing.B) {
			u, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{})
			if err != nil {
				b.Fatal(err)
			}
			w := u.Worker()
			list, bytes := datagrams(names, "servers.web%05d.requests:%d|c\n")
			for i := range names {
				w.Block(fmt.Appendf(nil, "servers.web%05d.requests:%d|c\n", i, 1))
			}
			b.SetBytes(bytes / int64(names))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i%20 == 0 {
					w.Block(list[(i/20)%len(list)])
				}
				i++
			}
		})
	}
}

func BenchmarkFlush(b *testing.B) {
	for _, line := range []string{"servers.web%05d.requests:%d|c\n", "servers.web%05d.requests:%d|ms\n"} {
		b.Run(line[len(line)-3:len(line)-1], func(b *testing.B) {
			n, err := aggregate.NewNode(aggregate.NodeOptions{})
			if err != nil {
				b.Fatal(err)
			}
			w := n.Worker()
			list, _ := datagrams(50_000, line)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for _, d := range list {
					w.Block(d)
				}
				b.StartTimer()
				n.Flush(0)
			}
		})
	}
}
