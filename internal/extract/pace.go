package extract

import "time"

// pace decides whether a follower goes by notifications or looks by itself.
//
// A notification costs some microseconds, for the kernel, the watcher and us. A
// log that is written to thousands of times a second would cost more to be
// told of than to be read; then looking fifty times a second is cheaper, and
// as soon as it is quiet again we are told of each line at once.
type pace struct {
	busy   bool
	blind  bool      // of some log nobody tells
	since  time.Time // when the second began that is counted
	wakes  int       // in it
	blocks int       // read in it
}

const (
	busyWakes  = 200                   // a second: from here on looking costs less
	calmBlocks = 20                    // a second: up to here notifications cost less
	busyEvery  = 20 * time.Millisecond // at most this late is a line seen then
	blindEvery = 250 * time.Millisecond
	busyLooks  = 5000 // a second, of all logs together: about 3 % of a core
)

// every returns how often n logs are to be looked at.
func (p *pace) every(n int) time.Duration {
	every := lookEvery
	switch {
	case p.busy:
		every = busyEvery
	case p.blind:
		every = blindEvery
	}
	return min(lookEvery, max(every, time.Duration(n)*time.Second/busyLooks))
}

// changed counts, and reports whether it is to be done the other way from now on.
func (p *pace) changed(now time.Time) bool {
	over := now.Sub(p.since) >= time.Second || now.Before(p.since)
	change := !p.busy && p.wakes > busyWakes || p.busy && over && p.blocks <= calmBlocks
	if over || change {
		p.since, p.wakes, p.blocks = now, 0, 0
	}
	p.busy = p.busy != change
	return change
}
