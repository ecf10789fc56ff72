// Package stream reads lines that come by themselves: from standard input, a
// FIFO, or a syslog socket.
//
// It promises whole lines, each once, in the order in which they came, and
// memory that does not grow: when lines are not taken, reading stops, and pipes
// and local sockets make their writers wait; of UDP the kernel then drops what
// does not fit, which is counted. Such a source has no position: what was not
// parsed when the program ends is gone. It never answers a sender. Start from
// [Open].
package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/feed"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// The beginnings of the names of sockets.
const (
	Unixgram = "unixgram:"
	UDP      = "udp:"
)

// Options say how a stream is read. The zero value is ready.
type Options struct {
	Log   *slog.Logger // nil: nothing is said
	Stdin *os.File     // what "-" is; nil: os.Stdin. It is not closed
	// MaxLine is the longest line that is read, in bytes without its '\n'; 0:
	// tail.DefaultMaxLine. Longer ones are skipped and counted. A limit below
	// tail.BlockSize counts as that.
	MaxLine int
	// Follow makes Next return io.EOF when nothing is there now, and keeps a FIFO
	// open when its writers go. Without it Next waits for lines or the end.
	Follow bool
	// Wake is called when something is there after Next returned io.EOF, from
	// any goroutine; it must not block. nil: nobody waits.
	Wake func()
	// Silence is how long nothing must have come for a record that was held
	// back to be returned as Final; 0: only the end does it.
	Silence time.Duration
	Now     func() time.Time // nil: time.Now
}

// Source is a tail.Source. Open starts its one goroutine, for which Close waits.
type Source struct {
	feed  *feed.Feed
	done  chan struct{} // closed by the goroutine
	drops func() int64  // datagrams that the kernel dropped; nil: none can be
	close func() error  // makes the goroutine end, and removes what Open made
	once  sync.Once     // of Close
}

// Open opens "-", "unixgram:PATH", "udp:HOST:PORT", or the path of a FIFO. A
// socket needs Options.Follow, for it has no end. Errors to match are
// fs.ErrNotExist, fs.ErrPermission, ErrInUse and ErrNotFIFO.
func Open(name string, opt Options) (*Source, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Log = opt.Log.With("source", name)
	path, isUnix := strings.CutPrefix(name, Unixgram)
	address, isUDP := strings.CutPrefix(name, UDP)
	switch {
	case (isUnix || isUDP) && !opt.Follow:
		return nil, fmt.Errorf("listen on %q: a socket has no end and must be followed: %w", name, fs.ErrInvalid)
	case isUnix:
		return openUnixgram(path, opt)
	case isUDP:
		return openUDP(address, opt)
	case name == "-":
		return openStdin(opt)
	}
	return openFIFO(name, opt)
}

// start makes a Source whose goroutine runs read until it returns an error,
// which is the source's, unless it is feed.ErrStopped.
func start(opt Options, read func(*feed.Feed) error) *Source {
	f := feed.New(feed.Options{
		Log: opt.Log, MaxLine: opt.MaxLine, Follow: opt.Follow, Wake: opt.Wake, Silence: opt.Silence, Now: opt.Now,
	})
	s := &Source{feed: f, done: make(chan struct{})}
	go func() { // Close waits for it
		defer close(s.done)
		if err := read(f); !errors.Is(err, feed.ErrStopped) {
			f.End(err)
		}
	}()
	return s
}

// Next implements tail.Source. At the end it returns tail.ErrEnded.
func (s *Source) Next(ctx context.Context, buf []byte) (parsers.Block, error) {
	return s.feed.Next(ctx, buf)
}

// Unread implements tail.Source. It does nothing after a Final block, and gives
// back at most parsers.MaxHeld bytes.
func (s *Source) Unread(n int) { s.feed.Unread(min(n, parsers.MaxHeld)) }

// Position implements tail.Source: it is always zero, for a stream cannot be
// read again.
func (s *Source) Position() state.Position { return state.Position{} }

// Stats implements tail.Source.
func (s *Source) Stats() tail.Stats {
	st := s.feed.Stats()
	if s.drops != nil {
		st.Dropped = s.drops()
	}
	return st
}

// Close implements tail.Source. Lines that were not returned by Next are lost.
// It may be called again.
func (s *Source) Close() (err error) {
	s.once.Do(func() {
		s.feed.Stop()
		err = s.close()
		<-s.done
	})
	return err
}
