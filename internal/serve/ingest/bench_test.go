package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

// counting is a store that only counts.
type counting struct{ points *atomic.Int64 }

type countingWriter struct {
	c *counting
	n int64
}

func (c *counting) writer() ingest.Writer { return &countingWriter{c: c} }

func (w *countingWriter) Put([]byte, metric.Method, int64, float64) store.Refusal {
	w.n++
	return store.Taken
}

func (w *countingWriter) Flush() error {
	w.c.points.Add(w.n)
	w.n = 0
	return nil
}

// through counts what goes into a real store.
type through struct {
	*store.Writer
	points *atomic.Int64
	n      int64
}

func (w *through) Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal {
	w.n++
	return w.Writer.Put(name, m, unix, v)
}

func (w *through) Flush() error {
	err := w.Writer.Flush()
	if err == nil {
		w.points.Add(w.n)
		w.n = 0
	}
	return err
}

// stores are what benchmarks write into.
func stores(b *testing.B, run func(b *testing.B, points *atomic.Int64, newWriter func() ingest.Writer)) {
	b.Run("null", func(b *testing.B) {
		c := &counting{points: new(atomic.Int64)}
		run(b, c.points, c.writer)
	})
	b.Run("store", func(b *testing.B) {
		db, err := store.Open(store.Options{Dir: b.TempDir()})
		require.NoError(b, err)
		points := new(atomic.Int64)
		run(b, points, func() ingest.Writer { return &through{Writer: db.NewWriter(), points: points} })
		require.NoError(b, db.Close())
	})
}

// pass is all series once, shuffled, as lines of one second, in blocks of some 64 KiB.
func pass(series int, unix int64) (blocks [][]byte) {
	var block []byte
	for _, i := range rand.New(rand.NewPCG(1, uint64(unix))).Perm(series) {
		block = fmt.Appendf(block, "load.h%05d.app.m%02d %d.%02d %d\n", i/100, i%100, i%977, i%100, unix)
		if len(block) > 64_000 {
			blocks, block = append(blocks, block), nil
		}
	}
	return append(blocks, block)
}

const benchSeries = 100_000

// BenchmarkCarbonReceiver is the path without the socket: an operation is all series once.
func BenchmarkCarbonReceiver(b *testing.B) {
	stores(b, func(b *testing.B, _ *atomic.Int64, newWriter func() ingest.Writer) {
		p := ingest.NewCarbon(ingest.PointsOptions{NewWriter: newWriter})
		r := p.Receiver()
		now := time.Now().Unix() / 10 * 10
		passes := [][][]byte{pass(benchSeries, now-10), pass(benchSeries, now)}
		for _, block := range passes[0] {
			r.Block(block)
		}
		require.NoError(b, r.Idle())
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			for _, block := range passes[n%2] {
				r.Block(block)
				if err := r.Idle(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*benchSeries), "ns/line")
	})
}

// BenchmarkCarbonTCP is the whole path over loopback, the sender in the same process.
func BenchmarkCarbonTCP(b *testing.B) {
	stores(b, func(b *testing.B, points *atomic.Int64, newWriter func() ingest.Writer) {
		s, err := ingest.ListenTCP(ingest.TCPOptions{Address: "127.0.0.1:0", Receivers: 1})
		require.NoError(b, err)
		p := ingest.NewCarbon(ingest.PointsOptions{NewWriter: newWriter})
		start(b, s, p.Receiver)
		c := dial(b, s)
		now := time.Now().Unix() / 10 * 10
		passes := [][][]byte{pass(benchSeries, now-10), pass(benchSeries, now)}
		send := func(blocks [][]byte) {
			for _, block := range blocks {
				if _, err := c.Write(block); err != nil {
					b.Fatal(err)
				}
			}
		}
		send(passes[0])
		n := 0
		arrived := func() bool { return points.Load() == int64(n+1)*benchSeries }
		testutil.Eventually(b, limit, arrived)
		for b.Loop() {
			n++
			send(passes[n%2])
		}
		for !arrived() {
			time.Sleep(time.Millisecond) // the rest of what the kernel holds is a part of the work
		}
		b.ReportMetric(float64(n*benchSeries)/b.Elapsed().Seconds(), "lines/s")
	})
}

// BenchmarkUDP is the cost of receiving alone: an operation is what the kernel
// holds of 10 000 datagrams, which were sent before.
func BenchmarkUDP(b *testing.B) {
	for _, lines := range []int{1, 20} {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) { benchmarkUDP(b, lines) })
	}
}

func benchmarkUDP(b *testing.B, lines int) {
	over, cancel := context.WithCancel(b.Context())
	cancel()
	c := &counting{points: new(atomic.Int64)}
	datagram := bytes.Join(bytes.SplitAfter(pass(1000, 1)[0], []byte("\n"))[:lines], nil)
	b.ReportAllocs()
	received := 0.
	for b.Loop() {
		b.StopTimer()
		u, err := ingest.ListenUDP(ingest.UDPOptions{Name: "test", Address: "127.0.0.1:0", Sockets: 1})
		require.NoError(b, err)
		conn := dial(b, u)
		for range 10_000 {
			if _, err := conn.Write(datagram); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, conn.Close())
		p := ingest.NewCarbon(ingest.PointsOptions{Name: "test", NewWriter: c.writer})
		b.StartTimer()
		if err := u.Run(over, p.Receiver); err != nil {
			b.Fatal(err)
		}
		received += figure(b, u.Figures(), "datagrams")
	}
	b.ReportMetric(received/b.Elapsed().Seconds(), "datagrams/s")
	b.ReportMetric(received*float64(lines)/b.Elapsed().Seconds(), "lines/s")
}
