// Package journal reads systemd's journal as a log: each entry is a line
//
//	<22>2026-11-21T08:00:00.123456+00:00 mx postfix/smtp[601]: 4F0AC5E: to=<ann@example.org>, ...
//
// journalctl reads the journal's files; it runs as a child and is given a vector
// of arguments, never a command line.
//
// It promises each entry once, in journalctl's order, over any series of runs
// of which each begins at the position that the one before has kept, and that
// an entry cannot make more than its one line, whatever is in it. When the
// entry of the position is gone, reading goes on behind its place, and a gap
// is counted: nobody can tell how much is missing. It does not open journal
// files itself. Start from [Open].
package journal

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/feed"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// Begin is the Position.Cursor of a journal in which nothing was read yet and
// all there is to come is to be read.
const Begin = "-"

// Options say how a journal is read. The zero value is ready.
type Options struct {
	Log *slog.Logger // nil: nothing is said
	// Directory has the journal's files; empty: those of this machine.
	Directory string
	// Program is journalctl's name or path; empty: "journalctl".
	Program string
	// MaxLine is the longest line that is made of an entry, in bytes without
	// its '\n'; 0: tail.DefaultMaxLine. Longer ones are skipped and counted.
	MaxLine int
	// FromEnd makes a journal without a position start behind its newest entry
	// instead of at its oldest.
	FromEnd bool
	// Last makes a journal without a position start at its last Last entries; 0: no.
	Last int
	// Follow makes Next return io.EOF when nothing is there now. Without it Next
	// waits for lines or the journal's end.
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
	feed   *feed.Feed
	cancel context.CancelFunc
	done   chan struct{} // closed by the goroutine
	once   sync.Once     // of Close
	gaps   atomic.Int64

	// The rest is owned by the source's owner.
	start   []byte // the cursor before the last block
	marks   []mark // of the last block's entries
	cursors []byte // theirs
	final   bool   // the last block was Final
	bytes   int64  // returned by Next
}

// mark is an entry of a block: where its line, its part of the feed's bytes, and
// its cursor end.
type mark struct{ line, frame, cursor int }

// Open opens the journal that spec names, see Args, at pos. A zero pos makes it
// a journal that is new to the job.
func Open(spec string, pos state.Position, opt Options) (*Source, error) {
	args, err := Args(spec)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Log = opt.Log.With("source", spec)
	if opt.MaxLine <= 0 {
		opt.MaxLine = tail.DefaultMaxLine
	}
	if pos.Cursor != "" {
		opt.Last = 0
	}
	c := child{opt: &opt, args: args}
	if err := c.probe(); err != nil {
		return nil, err
	}
	cursor := pos.Cursor
	if cursor == "" && opt.FromEnd && opt.Last == 0 {
		cursor, err = c.newest()
	}
	if err != nil {
		return nil, err
	}
	if cursor == "" {
		cursor = Begin
	}
	return start(c, cursor), nil
}

func start(c child, cursor string) *Source {
	ctx, cancel := context.WithCancel(context.Background())
	opt := c.opt
	s := &Source{cancel: cancel, done: make(chan struct{}), start: []byte(cursor)}
	s.feed = feed.New(feed.Options{
		Log: opt.Log, Follow: opt.Follow, Wake: opt.Wake, Silence: opt.Silence, Now: opt.Now,
		MaxLine: opt.MaxLine + maxField + 1, // the reader holds to MaxLine itself
	})
	r := &reader{child: c, feed: s.feed, gaps: &s.gaps, cursor: []byte(cursor)}
	go func() { // Close waits for it
		defer close(s.done)
		r.run(ctx)
	}()
	return s
}

// Next implements tail.Source. An error other than io.EOF says why journalctl
// ended; with Follow it is started again, after a pause, and Next may be called
// again. Without, tail.ErrEnded follows.
func (s *Source) Next(ctx context.Context, buf []byte) (parsers.Block, error) {
	b, err := s.feed.Next(ctx, buf)
	if err != nil {
		return b, err
	}
	s.start = append(s.start[:0], s.cursor()...)
	s.strip(&b)
	s.final = b.Final
	s.bytes += int64(len(b.Bytes))
	return b, nil
}

// strip takes the cursors out of a block of frames, each "LINE NUL CURSOR '\n'".
// A frame without a line is of an entry that was skipped.
func (s *Source) strip(b *parsers.Block) {
	s.marks, s.cursors = s.marks[:0], s.cursors[:0]
	w := 0
	for at := 0; at < len(b.Bytes); {
		end := at + bytes.IndexByte(b.Bytes[at:], '\n')
		frame := b.Bytes[at:end]
		line := bytes.LastIndexByte(frame, 0)
		s.cursors = append(s.cursors, frame[line+1:]...)
		if line > 0 {
			w += copy(b.Bytes[w:], frame[:line])
			b.Bytes[w] = '\n'
			w++
		}
		at = end + 1
		s.marks = append(s.marks, mark{w, at, len(s.cursors)})
	}
	b.Bytes = b.Bytes[:w]
}

// Unread implements tail.Source. It does nothing after a Final block, and gives
// back at most parsers.MaxHeld bytes, in whole lines.
func (s *Source) Unread(n int) {
	n = min(n, parsers.MaxHeld)
	if s.final || n <= 0 || len(s.marks) == 0 {
		return
	}
	last := s.marks[len(s.marks)-1]
	keep := len(s.marks)
	for keep > 0 && s.marks[keep-1].line > last.line-n {
		keep--
	}
	kept := mark{}
	if keep > 0 {
		kept = s.marks[keep-1]
	}
	s.feed.Unread(last.frame - kept.frame)
	s.bytes -= int64(last.line - kept.line)
	s.marks = s.marks[:keep]
}

// cursor returns that of the last entry not given back.
func (s *Source) cursor() []byte {
	switch n := len(s.marks); n {
	case 0:
		return s.start
	case 1:
		return s.cursors[:s.marks[0].cursor]
	default:
		return s.cursors[s.marks[n-2].cursor:s.marks[n-1].cursor]
	}
}

// Position implements tail.Source: its Cursor is that of the last entry that
// Next returned and Unread did not give back, or Begin.
func (s *Source) Position() state.Position { return state.Position{Cursor: string(s.cursor())} }

// Stats implements tail.Source. Gaps counts the times that the entry read last
// was gone.
func (s *Source) Stats() tail.Stats {
	st := s.feed.Stats()
	st.Bytes = s.bytes
	st.Gaps = s.gaps.Load()
	return st
}

// Close implements tail.Source. It ends journalctl, and may be called again.
func (s *Source) Close() error {
	s.once.Do(func() {
		s.feed.Stop()
		s.cancel()
		<-s.done
	})
	return nil
}

// program returns what is run.
func (o *Options) program() string {
	if o.Program != "" {
		return o.Program
	}
	return "journalctl"
}
