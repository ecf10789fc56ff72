// Command serve loads servers that keep metrics, one after the other, each in a
// directory of its own, and prints what each took: points a second, seconds of
// CPU for a million, memory, bytes on disk for a point, the time to start again
// after kill -9, and what was lost by that. Those that are not installed are
// named and left out.
//
// Usage: serve [-series N] [-steps N] [-shuffled=false] [-rounds N] LOGMETRICS
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"syscall"
	"time"
)

var (
	series   = flag.Int("series", 100_000, "how many series")
	steps    = flag.Int("steps", 60, "points of each, 10 s apart")
	shuffled = flag.Bool("shuffled", true, "each step has an order of its own")
	conns    = flag.Int("conns", 4, "connections")
	rounds   = flag.Int("rounds", 3, "times that each is loaded; medians are shown")
	statsd   = flag.Int("statsd", 0, "load lines of statsd in place of carbon's: this many")
)

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	list := peers(flag.Arg(0))
	results := make(map[string][]result)
	for range *rounds {
		for _, p := range list {
			r, err := p.measure()
			if err != nil {
				log.Fatalf("%s: %v", p.name, err)
			}
			results[p.name] = append(results[p.name], r)
		}
	}
	for _, p := range list {
		show(p, results[p.name])
	}
}

// result is what one run took.
type result struct {
	points          int64
	taken           time.Duration // until the server had taken all
	cpu             float64       // seconds for a million points
	peak, anonymous float64       // MiB
	disk            float64       // bytes a point
	restart         time.Duration // after kill -9
	lost            int64         // by that, of what was taken two seconds before
}

// measure loads p once.
func (p *peer) measure() (r result, err error) {
	dir, err := os.MkdirTemp("", "logmetrics-bench-serve-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	s, err := p.start(dir)
	if err != nil {
		return r, err
	}
	defer func() { s.stop() }()
	l := &load{series: min(*series, p.series), steps: *steps, shuffled: *shuffled}
	l.start = time.Now().Unix()/step*step - int64(l.steps)*step
	r.points = int64(l.points())
	before := s.cpu()
	begin := time.Now()
	if _, err = l.send(fmt.Sprintf("127.0.0.1:%d", p.line), *conns); err != nil {
		return r, err
	}
	if err = s.waitTaken(r.points); err != nil {
		return r, err
	}
	r.taken = time.Since(begin)
	r.cpu = (s.cpu() - before) / float64(r.points) * 1e6
	_, r.peak, r.anonymous = s.resident()
	time.Sleep(2 * time.Second)
	s.end(syscall.SIGKILL)
	begin = time.Now()
	if s, err = p.start(dir); err != nil {
		return r, err
	}
	r.restart = time.Since(begin)
	return r, s.readBack(&r)
}

// waitTaken waits until the server has taken n points, as it says.
func (s *started) waitTaken(n int64) error {
	look := s.taken
	if look == nil {
		look = func() (int64, error) { return s.stored(s.dir) }
	}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		got, err := look()
		if err != nil || got >= n {
			return err
		}
		if time.Since(begin) > 2*time.Minute {
			return fmt.Errorf("took %d points of %d", got, n)
		}
	}
}

// readBack fills in what there is after the kill, and what it takes on disk when
// all is written that may be held back.
func (s *started) readBack(r *result) error {
	if s.settle != nil {
		if err := s.settle(); err != nil {
			return err
		}
	}
	if s.name == "logmetrics" { // its dump reads the directory
		s.stop()
	}
	n, err := s.stored(s.dir)
	r.lost = r.points - n
	r.disk = float64(diskUse(s.dir)) / float64(r.points)
	return err
}

func show(p *peer, results []result) {
	middle := func(of func(result) float64) float64 {
		var all []float64
		for _, r := range results {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	fmt.Printf("%-18s %9d points %10.0f/s  %6.3f CPU s a million  %7.1f MiB at most, %7.1f anonymous  %6.2f B a point  restart %6.0f ms  lost %.0f\n", p.name, results[0].points,
		middle(func(r result) float64 { return float64(r.points) / r.taken.Seconds() }),
		middle(func(r result) float64 { return r.cpu }),
		middle(func(r result) float64 { return r.peak }),
		middle(func(r result) float64 { return r.anonymous }),
		middle(func(r result) float64 { return r.disk }),
		middle(func(r result) float64 { return float64(r.restart.Milliseconds()) }),
		middle(func(r result) float64 { return float64(r.lost) }))
}
