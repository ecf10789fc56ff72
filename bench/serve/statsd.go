//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

// statsdCase is a load of datagrams with lines of counters.
type statsdCase struct {
	title     string
	names     int
	perPacket int
}

func statsdCases() []statsdCase {
	return []statsdCase{
		{"statsd, 1000 names", 1000, 20},
		{"statsd, 100 000 names", 100_000, 20},
	}
}

// statsdResult is what one run took. CPU is seconds for a million lines.
type statsdResult struct {
	sent, taken   float64 // lines a second
	taking, flush float64 // CPU: until they were taken, and what the flush took more, per flush in seconds
	resident      float64 // bytes, after the flush
}

// flushEvery is the interval of all servers. Their flushes fall on multiples of it,
// for they are started there.
const flushEvery = 10 * time.Second

// measure sends datagrams as fast as it goes between two flushes. Each name has
// been sent before.
func (c statsdCase) measure(p *statsdPeer) (r statsdResult, err error) {
	dir, err := os.MkdirTemp("", "logmetrics-bench-serve-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	sink, err := newSink(p.graphite)
	if err != nil {
		return r, err
	}
	defer sink.close()
	argv, err := p.argv(dir)
	if err != nil {
		return r, err
	}
	names, deck := c.each(), c.deck()
	untilFlush(200 * time.Millisecond)
	s, err := process.Start(p.ready, argv, dir)
	if err != nil {
		return r, err
	}
	defer func() { s.End(syscall.SIGTERM) }()
	out, err := newSender(p.port)
	if err != nil {
		return r, err
	}
	defer out.close()
	learned, err := c.teach(out, names)
	if err != nil {
		return r, err
	}
	untilFlush(time.Second)
	before, begin := s.CPU(), time.Now()
	packets, err := out.send(deck, begin.Add(time.Duration(*seconds)*time.Second))
	if err != nil {
		return r, err
	}
	elapsed := time.Since(begin).Seconds()
	time.Sleep(500 * time.Millisecond)
	taking := s.CPU() - before
	untilFlush(2 * time.Second)
	r.flush = s.CPU() - before - taking
	r.resident, _ = s.Memory()
	s.End(syscall.SIGTERM)
	got, err := p.sum(dir, sink)
	lines := got - float64(learned)
	r.sent, r.taken, r.taking = float64(packets*c.perPacket)/elapsed, lines/elapsed, taking/lines*1e6
	return r, err
}

// untilFlush waits until some time after the next multiple of flushEvery.
func untilFlush(after time.Duration) {
	now := time.Now()
	time.Sleep(now.Truncate(flushEvery).Add(flushEvery + after).Sub(now))
}

// each is datagrams in which each name is once.
func (c statsdCase) each() (deck [][]byte) {
	for i := 0; i < c.names; i += c.perPacket {
		var b []byte
		for k := i; k < i+c.perPacket; k++ {
			b = append(appendName(b, k), ":1|c\n"...)
		}
		deck = append(deck, b[:len(b)-1])
	}
	return deck
}

// deck is datagrams with names by chance.
func (c statsdCase) deck() (deck [][]byte) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range max(1000, 2*c.names/c.perPacket) / batch * batch {
		var b []byte
		for range c.perPacket {
			b = append(appendName(b, rnd.IntN(c.names)), ":1|c\n"...)
		}
		deck = append(deck, b[:len(b)-1])
	}
	return deck
}

// teach sends each name once, slowly, and returns how many lines that were.
func (c statsdCase) teach(out *sender, deck [][]byte) (lines int, err error) {
	for i := range deck {
		if err := out.one(deck[i]); err != nil {
			return 0, err
		}
		if i%10 == 9 {
			time.Sleep(time.Millisecond)
		}
	}
	return len(deck) * c.perPacket, nil
}

const statsdHead = `| server | lines/s sent | taken | CPU s a million taken | CPU s a flush | memory MiB |
|---|---|---|---|---|---|`

func showStatsd(name string, results []statsdResult) {
	middle := func(of func(*statsdResult) float64) float64 { return median(results, of) }
	fmt.Printf("| %s | %.1f M | %.2f M | %.4f | %.2f | %.0f |\n", name,
		middle(func(r *statsdResult) float64 { return r.sent })/1e6,
		middle(func(r *statsdResult) float64 { return r.taken })/1e6,
		middle(func(r *statsdResult) float64 { return r.taking }),
		middle(func(r *statsdResult) float64 { return r.flush }),
		middle(func(r *statsdResult) float64 { return r.resident })/(1<<20))
}
