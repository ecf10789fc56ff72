// Package feed is what stands between the goroutine that reads a source which
// is no file (a pipe, a socket, the journal) and the tail.Source that gives its
// lines away: a fixed buffer, and the cutting into blocks of whole lines.
//
// It promises that memory does not grow: when the buffer is full the reader
// waits, which is the back-pressure; a line beyond the limit is skipped and
// counted. It does not know where the bytes come from, and starts no goroutine.
// Start from [Feed].
package feed

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
)

// size is the length of the buffer in bytes: four blocks, so that the reader
// fills some while others are parsed.
const size = 4 * tail.BlockSize

// ErrStopped is returned to the reader when the feed was stopped.
var ErrStopped = errors.New("the source is closed")

// Options say how lines are given away. The zero value is ready.
type Options struct {
	Log *slog.Logger // nil: nothing is said
	// MaxLine is the longest line that is given away, in bytes without its '\n'; 0:
	// tail.DefaultMaxLine. A limit below tail.BlockSize counts as that.
	MaxLine int
	// Follow makes Next return io.EOF when nothing is there now; without it
	// Next waits for more or for the end.
	Follow bool
	// Wake is called when something is there after Next returned io.EOF, from
	// any goroutine; it must not block. nil: nobody waits.
	Wake func()
	// Silence is how long nothing must have come for a record that was held
	// back to be returned as Final; 0: only the end does it.
	Silence time.Duration
	Now     func() time.Time // for Silence and Block.Newest; nil: time.Now
}

// Feed holds what was read and not yet given away. Write, Fill, Fail and End
// are for the one goroutine that reads; Next, Unread, Stats and Stop for the
// source's owner.
type Feed struct {
	opt  Options
	said bool // of lines that are too long

	mu    sync.Mutex
	ring  []byte // its n bytes from start on are filled, around the end
	start int    // protected by mu
	n     int    // protected by mu
	idle  bool   // protected by mu; Next returned io.EOF
	ended bool   // protected by mu; nothing more is written
	err   error  // protected by mu; to be returned by Next when all before it is read

	longLines, longBytes atomic.Int64 // that the reader skipped

	more chan struct{} // something was written, or it ended
	room chan struct{} // something was taken
	stop chan struct{} // closed by Stop

	// The rest is owned by the source's owner.
	acc     []byte // not given away: what was given back, then an unfinished line
	given   int    // so many bytes of acc were given back
	pending int    // bytes at start that the last block has and that may come back
	last    int    // length of the last block; 0: it cannot be unread
	skipped int64  // bytes of a line that is too long and has not ended; 0: none
	heard   time.Time
	silence *time.Timer
	stats   tail.Stats
}

// New returns a feed without anything in it.
func New(opt Options) *Feed {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Wake == nil {
		opt.Wake = func() {}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MaxLine <= 0 {
		opt.MaxLine = tail.DefaultMaxLine
	}
	opt.MaxLine = max(opt.MaxLine, tail.BlockSize)
	return &Feed{
		opt: opt, ring: make([]byte, size), heard: opt.Now(),
		more: make(chan struct{}, 1), room: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// Fill has read put bytes into the free part of the buffer, for which it waits.
// It returns what read returned, or ErrStopped.
func (f *Feed) Fill(read func(free []byte) (int, error)) error {
	free, err := f.space()
	if err != nil {
		return err
	}
	n, err := read(free)
	f.commit(n)
	return err
}

// Write copies p into the buffer, waiting for room; then only ErrStopped can come.
func (f *Feed) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		err = f.Fill(func(free []byte) (int, error) {
			m := copy(free, p[n:])
			n += m
			return m, nil
		})
	}
	return n, err
}

// space returns a free part of the buffer, which the reader then owns.
func (f *Feed) space() ([]byte, error) {
	for {
		select {
		case <-f.stop:
			return nil, ErrStopped
		default:
		}
		if free := f.free(); len(free) > 0 {
			return free, nil
		}
		select {
		case <-f.room:
		case <-f.stop:
		}
	}
}

func (f *Feed) free() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == 0 {
		f.start = 0 // so that the free part is all in one
	}
	from := f.start + f.n
	if from >= len(f.ring) {
		return f.ring[from-len(f.ring) : f.start]
	}
	return f.ring[from:]
}

// commit makes n bytes of the free part ones to be read.
func (f *Feed) commit(n int) {
	if n > 0 {
		f.tell(func() { f.n += n })
	}
}

// Fail has Next return err once, after all that was written before. More may
// be written.
func (f *Feed) Fail(err error) { f.tell(func() { f.err = err }) }

// End says that nothing more comes: after all that was written Next returns
// err, when it is not nil, and then tail.ErrEnded.
func (f *Feed) End(err error) {
	f.tell(func() {
		f.ended = true
		if err != nil {
			f.err = err
		}
	})
}

// tell changes what mu protects, and wakes the owner if it waits.
func (f *Feed) tell(change func()) {
	f.mu.Lock()
	change()
	idle := f.idle
	f.idle = false
	f.mu.Unlock()
	signal(f.more)
	if idle {
		f.opt.Wake()
	}
}

// Skipped counts a line of n bytes that the reader could not take whole.
func (f *Feed) Skipped(n int) {
	f.longLines.Add(1)
	f.longBytes.Add(int64(n))
}

// Stopped is closed by Stop; a reader that waits elsewhere looks at it.
func (f *Feed) Stopped() <-chan struct{} { return f.stop }

// Stop ends the waiting of Write and Fill. The owner calls it once, and waits for its
// goroutine then.
func (f *Feed) Stop() {
	close(f.stop)
	if f.silence != nil {
		f.silence.Stop()
	}
}

// Stats returns the counts up to now. Lag is what is in the buffer.
func (f *Feed) Stats() tail.Stats {
	st := f.stats
	st.LongLines += f.longLines.Load()
	st.LongBytes += f.longBytes.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
	st.Lag = int64(f.n - f.pending + len(f.acc) - f.given)
	return st
}

// signal makes one receiver of c go on, now or later.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
