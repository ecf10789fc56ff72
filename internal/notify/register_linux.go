package notify

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/nxadm/tail/watch"
)

// process is the register of this process. It is global because what it keeps
// account of is: the library's one tracker.
var process register

// register knows what is watched, and for whom.
type register struct {
	// mu protects all below but where it says otherwise, and orders the
	// library's calls. The goroutines that take events never wait for it: the
	// library's tracker, which a call waits for, may be waiting for them.
	mu      sync.Mutex
	dirs    map[string]*directory
	started bool
	stuck   bool // the library did not answer, and is not asked again
}

// errStuck is what Notify returns for ever when the library hangs. It can: when a
// watched directory is renamed and removed at once, its reader of events waits,
// with a lock, to report that, and so a call that waits for the lock never ends.
var errStuck = errors.New("the library hangs")

// patience is how long the library may take for a call, which needs microseconds.
const patience = 10 * time.Second

// ask has the library do something. It must not hang what calls Notify.
func (r *register) ask(do func(path string) error, path string) error {
	if r.stuck {
		return errStuck
	}
	done := make(chan error, 1)
	go func() { done <- do(path) }()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		r.stuck = true
		return errStuck
	}
}

// release has the library end the events of path, and waits for who takes them.
func (r *register) release(remove func(path string) error, path string, taker <-chan struct{}) {
	if err := r.ask(remove, path); errors.Is(err, errStuck) {
		return
	} // else an error says that the directory is gone
	<-taker
}

// directory is one that is watched.
type directory struct {
	path  string
	names map[string]*name // by path
	armed bool             // its watch stands
	lost  atomic.Bool      // it was removed or renamed; without lock
	done  chan struct{}    // closed when its own events have ended
}

// name is one file in a directory, be it there or not.
type name struct {
	path    string
	subs    atomic.Pointer[[]*subscription] // replaced under mu, read without
	changed atomic.Bool                     // links are about to be followed again; without lock
	done    chan struct{}                   // closed when its events have ended
}

// attach adds s to those who are told of path, an absolute path without links in
// its directory.
func (r *register) attach(path string, s *subscription) (*name, error) {
	dir := filepath.Dir(path)
	d := r.dirs[dir]
	if d == nil {
		d = &directory{path: dir, names: map[string]*name{}}
	}
	n := d.names[path]
	if n == nil {
		n = &name{path: path}
		n.subs.Store(&[]*subscription{})
		if d.armed || len(d.names) == 0 {
			if err := n.arm(r); err != nil {
				return nil, err
			}
		}
		d.names[path] = n
	}
	if r.dirs == nil {
		r.dirs = make(map[string]*directory)
	}
	if r.dirs[dir] == nil {
		r.dirs[dir] = d
		d.arm(r)
	}
	subs := append(slices.Clone(*n.subs.Load()), s)
	n.subs.Store(&subs)
	return n, nil
}

// detach takes s from those who are told of n, and gives up what nobody is told of.
func (r *register) detach(n *name, s *subscription) {
	subs := slices.DeleteFunc(slices.Clone(*n.subs.Load()), func(x *subscription) bool { return x == s })
	n.subs.Store(&subs)
	if len(subs) > 0 {
		return
	}
	d := r.dirs[filepath.Dir(n.path)]
	if d.armed {
		n.disarm(r)
	}
	delete(d.names, n.path)
	if len(d.names) > 0 {
		return
	}
	if d.armed {
		d.disarm(r)
	}
	delete(r.dirs, d.path)
}

// arm has the library send events of n's name; it watches the directory when
// this is the first name in it.
func (n *name) arm(r *register) error {
	if err := r.ask(watch.WatchCreate, n.path); err != nil {
		// The library keeps the name, without a reader of its events, and would
		// wait for one for ever. This takes the name out and leaves the count of
		// the directory, which was not raised, as it is.
		_ = r.ask(watch.RemoveWatch, n.path) // says only that there was no watch
		return err
	}
	n.done = make(chan struct{})
	go n.run(r, watch.Events(n.path)) // disarm waits for it
	return nil
}

// disarm is the end of arm, to be called as often.
func (n *name) disarm(r *register) { r.release(watch.RemoveWatchCreate, n.path, n.done) }

// run wakes the subscriptions until the library closes events.
func (n *name) run(r *register, events <-chan fsnotify.Event) {
	defer close(n.done)
	for e := range events {
		if e.Op == fsnotify.Chmod {
			continue
		}
		if e.Op != fsnotify.Write && n.changed.CompareAndSwap(false, true) {
			time.AfterFunc(settle, func() { r.followAll(n) })
		}
		for _, s := range *n.subs.Load() {
			s.wake()
		}
	}
}

// settle is how long a rotation has to finish before links are followed anew.
const settle = 20 * time.Millisecond

// followAll follows the links of n's subscriptions again.
func (r *register) followAll(n *name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n.changed.Store(false)
	for _, s := range *n.subs.Load() {
		if s.closed {
			continue
		}
		if r.follow(s) {
			s.wake() // something may have been written there before
		}
	}
}

// arm has the library send the events of the directory itself, which names in
// it have watched already.
func (d *directory) arm(r *register) {
	d.lost.Store(false)
	if r.ask(watch.Watch, d.path) != nil {
		return
	}
	d.armed = true
	d.done = make(chan struct{})
	go d.run(r, watch.Events(d.path)) // disarm waits for it
}

func (d *directory) disarm(r *register) {
	d.armed = false
	r.release(watch.RemoveWatch, d.path, d.done)
}

// run waits for the directory to go away.
func (d *directory) run(r *register, events <-chan fsnotify.Event) {
	defer close(d.done)
	for e := range events {
		if (e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)) && d.lost.CompareAndSwap(false, true) {
			time.AfterFunc(0, func() { r.restore(d) })
		}
	}
}

// again is how often a lost directory is looked for.
const again = time.Second

// restore watches a lost directory anew, or tries again later. The library takes
// it for watched until all names in it are given up.
func (r *register) restore(d *directory) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dirs[d.path] != d {
		return // given up since
	}
	if d.armed {
		for _, n := range d.names {
			n.disarm(r)
		}
		d.disarm(r)
	}
	for _, n := range d.names {
		if err := n.arm(r); err != nil { // only the first one can fail
			time.AfterFunc(again, func() { r.restore(d) })
			return
		}
	}
	d.arm(r)
	for _, n := range d.names {
		for _, s := range *n.subs.Load() {
			s.wake()
		}
	}
}
