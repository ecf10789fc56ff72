//go:build linux

package main

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

// flushCase is what a flush takes in which each name has one value.
type flushCase struct {
	title string
	names int
	kinds []string // of the names in turn, as statsd writes them
}

func flushCases() []flushCase {
	const names = 50_000
	return []flushCase{
		{"flush of 50 000 counters", names, []string{"c"}},
		{"flush of 50 000 gauges", names, []string{"g"}},
		{"flush of 50 000 sets", names, []string{"s"}},
		{"flush of 50 000 timers", names, []string{"ms"}},
		{"flush of 50 000 of all kinds", names, []string{"c", "c", "c", "g", "ms", "s"}},
	}
}

// flushResult is what one server took. CPU is in seconds; that of a flush has all
// that the server does in the seconds around it.
type flushResult struct {
	first, later    float64 // CPU: of the flush that makes the series, and of later ones, the median
	resident, peak  float64 // bytes, after the last flush and ever
	listening, idle float64 // CPU: of taking the lines of an interval; of two seconds without anything
}

// flushes is how many are measured beside the first.
const flushes = 3

// measure sends each name once in each of some intervals.
func (c flushCase) measure(p *statsdPeer) (r flushResult, err error) {
	return r, process.InDirectory(func(dir string) error {
		sink, err := newSink(p.graphite)
		if err != nil {
			return err
		}
		defer sink.close()
		argv, err := p.argv(dir)
		if err != nil {
			return err
		}
		untilFlush(200 * time.Millisecond)
		s, err := process.Start(p.ready, argv, dir)
		if err != nil {
			return err
		}
		defer func() { s.End(syscall.SIGTERM) }()
		return c.flushed(s, p.port, &r)
	})
}

func (c flushCase) flushed(s *process.Process, port int, r *flushResult) error {
	out, err := newSender(port)
	if err != nil {
		return err
	}
	defer out.close()
	deck := c.deck()
	var later, taking []float64
	for i := range flushes + 1 {
		begin := s.CPU()
		for k, d := range deck {
			if err := out.one(d); err != nil {
				return err
			}
			if k%5 == 4 {
				time.Sleep(time.Millisecond)
			}
		}
		taking = append(taking, s.CPU()-begin)
		untilFlush(-500 * time.Millisecond)
		before := s.CPU()
		untilNext(4 * time.Second) // npm's flushes are at multiples of its own start
		took := s.CPU() - before
		if i == 0 {
			r.first = took
		} else {
			later = append(later, took)
		}
		r.resident, _ = s.Memory()
	}
	same := func(v *float64) float64 { return *v }
	r.later, r.listening, r.peak = median(later, same), median(taking[1:], same), s.Peak()
	before := s.CPU()
	time.Sleep(2 * time.Second)
	r.idle = s.CPU() - before
	return nil
}

// deck is datagrams in which each name is once.
func (c flushCase) deck() (deck [][]byte) {
	const perPacket = 20
	for i := 0; i < c.names; i += perPacket {
		var b []byte
		for k := i; k < i+perPacket; k++ {
			b = strconv.AppendInt(append(appendName(b, k), ':'), int64(k%1000), 10)
			b = append(append(append(b, '|'), c.kinds[k%len(c.kinds)]...), '\n')
		}
		deck = append(deck, b[:len(b)-1])
	}
	return deck
}

// untilNext waits until some time after the multiple of flushEvery that is nearest.
func untilNext(after time.Duration) {
	now := time.Now()
	time.Sleep(now.Round(flushEvery).Add(after).Sub(now))
}

const flushHead = `| server | CPU ms: first flush, later ones, quiet | taking the lines | memory MiB: after a flush, the most |
|---|---|---|---|`

func showFlush(name string, results []flushResult) {
	middle := func(of func(*flushResult) float64) float64 { return median(results, of) }
	fmt.Printf("| %s | %.0f, %.0f, %.0f | %.0f | %.0f, %.0f |\n", name,
		middle(func(r *flushResult) float64 { return r.first })*1e3,
		middle(func(r *flushResult) float64 { return r.later })*1e3,
		middle(func(r *flushResult) float64 { return r.idle })*1e3,
		middle(func(r *flushResult) float64 { return r.listening })*1e3,
		middle(func(r *flushResult) float64 { return r.resident })/(1<<20),
		middle(func(r *flushResult) float64 { return r.peak })/(1<<20))
}
