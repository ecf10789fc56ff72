//go:build linux

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

// carbonCase is a load of carbon's lines.
type carbonCase struct {
	title string
	points
	behind time.Duration // how long ago the first point was
}

// carbonCases are loads of points that go on from now, as live ones do but for
// their pace, and one of points that are long past.
func carbonCases() []carbonCase {
	l := points{series: *series, steps: *steps, shuffled: true}
	fixed, paced, late := l, l, l
	fixed.shuffled = false
	paced.pace = time.Second
	late.series /= 4
	return []carbonCase{
		{"carbon, shuffled", l, 0},
		{"carbon, fixed order", fixed, 0},
		{"carbon, 10 s of points each second", paced, 0},
		{"carbon, points of three hours ago", late, 3 * time.Hour},
	}
}

// killCases are loads after which servers are killed.
func killCases() []carbonCase {
	short := points{series: *series, steps: 12, shuffled: true}
	long := short
	long.steps = 60
	return []carbonCase{{"killed after 2 minutes of points", short, 0}, {"killed after 10 minutes of points", long, 0}}
}

// carbonResult is what one run took. CPU is seconds for a million points.
type carbonResult struct {
	series, points int64
	rate           float64       // points a second, until the server had taken all
	taking, filing float64       // CPU: until they were taken, and what it took more until all was filed
	resident, own  float64       // bytes, when all was taken
	quiet          float64       // the latter some seconds later
	disk, fine     float64       // bytes a point: all files, and those of the points alone
	lost           int64         // cannot be read at the end
	restart        time.Duration // after kill -9
}

// quietTime is more than victoria-metrics takes to write what it has.
const quietTime = 7 * time.Second

// connections are how many clients send points.
const connections = 4

// loaded starts a server in dir and loads it.
func (c carbonCase) loaded(p *carbonPeer, dir string) (s *started, l points, r carbonResult, err error) {
	l = c.points
	l.series = min(l.series, p.series)
	l.start = time.Now().Add(-c.behind).Unix() / step * step
	r.points, r.series = int64(l.count()), int64(l.series)
	streams := l.streams(connections)
	if s, err = p.start(dir); err != nil {
		return s, l, r, err
	}
	return s, l, r, s.take(&r, streams, l.pace)
}

// filed loads p, and has it file all.
func (c carbonCase) filed(p *carbonPeer) (r carbonResult, err error) {
	return r, process.InDirectory(func(dir string) error {
		var s *started
		var l points
		s, l, r, err = c.loaded(p, dir)
		if s != nil {
			defer func() { s.End(syscall.SIGTERM) }()
		}
		if err != nil {
			return err
		}
		before := s.CPU()
		time.Sleep(quietTime)
		if err := p.file(s, &r); err != nil {
			return err
		}
		_, r.quiet = s.Memory()
		r.filing += max(0, s.CPU()-before) / float64(r.points) * 1e6
		return p.look(s, &l, &r)
	})
}

// killed loads p, waits two seconds, ends it by kill -9 and starts it again.
func (c carbonCase) killed(p *carbonPeer) (r carbonResult, err error) {
	return r, process.InDirectory(func(dir string) error {
		var s *started
		var l points
		s, l, r, err = c.loaded(p, dir)
		if s != nil {
			defer func() { s.End(syscall.SIGTERM) }()
		}
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
		s.End(syscall.SIGKILL)
		begin := time.Now()
		if s.Process, err = process.Start(p.ready, s.Args, dir); err != nil {
			return err
		}
		r.restart = time.Since(begin)
		return p.look(s, &l, &r)
	})
}

// take has the server take the load. The first points of all, which make the
// series, are not measured.
func (s *started) take(r *carbonResult, streams [][][]byte, pace time.Duration) error {
	if err := s.sendAll(streams, 0, 1, 0, r.series); err != nil {
		return err
	}
	before, begin := s.CPU(), time.Now()
	if err := s.sendAll(streams, 1, len(streams[0]), pace, r.points); err != nil {
		return err
	}
	measured := float64(r.points - r.series)
	r.rate = measured / time.Since(begin).Seconds()
	r.taking = (s.CPU() - before) / measured * 1e6
	r.resident, r.own = s.Memory()
	return nil
}

// sendAll sends some steps, and waits until the server has taken as many points in all.
func (s *started) sendAll(streams [][][]byte, from, until int, pace time.Duration, points int64) error {
	var part [][][]byte
	for _, blocks := range streams {
		part = append(part, blocks[from:until])
	}
	if err := send(s.line, part, pace); err != nil {
		return err
	}
	return s.waitTaken(points)
}

// waitTaken waits until the server has taken n points, as it says. It is asked
// seldom, for the answer costs it something.
func (s *started) waitTaken(n int64) error {
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		got, err := s.taken(s.dir)
		if err != nil || got >= n {
			return err
		}
		if time.Since(begin) > 2*time.Minute {
			return fmt.Errorf("took %d points of %d", got, n)
		}
	}
}

const carbonHead = `| server | series x points | points/s | CPU s a million: taken + filed | memory: MiB, KB of its own a series, quiet | bytes a point: points alone, all files | lost |
|---|---|---|---|---|---|---|`

func showCarbon(name string, results []carbonResult) {
	middle := func(of func(*carbonResult) float64) float64 { return median(results, of) }
	r := &results[0]
	fmt.Printf("| %s | %d x %d | %.2f M | %.3f + %.3f | %.0f, %.2f, %.2f | %.2f, %.2f | %.0f |\n", name, r.series, r.points/r.series,
		middle(func(r *carbonResult) float64 { return r.rate })/1e6,
		middle(func(r *carbonResult) float64 { return r.taking }),
		middle(func(r *carbonResult) float64 { return r.filing }),
		middle(func(r *carbonResult) float64 { return r.resident })/(1<<20),
		middle(func(r *carbonResult) float64 { return r.own / float64(r.series) })/1000,
		middle(func(r *carbonResult) float64 { return r.quiet / float64(r.series) })/1000,
		middle(func(r *carbonResult) float64 { return r.fine }),
		middle(func(r *carbonResult) float64 { return r.disk }),
		middle(func(r *carbonResult) float64 { return float64(r.lost) }))
}

const killHead = `| server | series x points | restart ms | lost |
|---|---|---|---|`

func showKill(name string, results []carbonResult) {
	r := &results[0]
	fmt.Printf("| %s | %d x %d | %.0f | %.0f |\n", name, r.series, r.points/r.series,
		median(results, func(r *carbonResult) float64 { return float64(r.restart.Milliseconds()) }),
		median(results, func(r *carbonResult) float64 { return float64(r.lost) }))
}

func median[R any](results []R, of func(*R) float64) float64 {
	var all []float64
	for i := range results {
		all = append(all, of(&results[i]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
