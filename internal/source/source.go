// Package source opens a log by the name that users give it: a file, a FIFO,
// standard input, a syslog socket, or systemd's journal.
//
// It knows names, and promises that a wrong one is told before anything is
// opened (see [Check]). How lines come is the business of the packages that it opens. Start
// from [Open].
package source

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/stream"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/state"
)

// Kind is what a name names.
type Kind uint8

// The kinds.
const (
	File     Kind = iota // a path or a pattern: a file, or a FIFO
	Stdin                // "-"
	Unixgram             // "unixgram:PATH"
	UDP                  // "udp:HOST:PORT"
	Journal              // "journal:", and what of it
)

// KindOf tells the kind by the name alone. A file whose name looks like that of
// another kind is named by a path: "./journal:x".
func KindOf(name string) Kind {
	switch {
	case name == "-":
		return Stdin
	case strings.HasPrefix(name, stream.Unixgram):
		return Unixgram
	case strings.HasPrefix(name, stream.UDP):
		return UDP
	case strings.HasPrefix(name, journal.Prefix):
		return Journal
	}
	return File
}

// IsFile reports whether name is a path or a pattern of paths, to which
// tail.Expand may be applied.
func IsFile(name string) bool { return KindOf(name) == File }

// Endless reports whether sources of this kind have no end, so that they can
// only be followed.
func (k Kind) Endless() bool { return k == Unixgram || k == UDP }

// Check tells what is wrong with name itself; it opens nothing.
func Check(name string) error {
	switch KindOf(name) {
	case Journal:
		_, err := journal.Args(name)
		return err
	case UDP:
		_, _, err := stream.SplitUDP(name)
		return err
	case Unixgram:
		if name == stream.Unixgram {
			return fmt.Errorf("listen on %q: it names no path", name)
		}
	}
	return nil
}

// lineLength is what a line of a journal has, about, in bytes: it makes entries
// of tail.Options.Last.
const lineLength = 256

// Options say how a log is read. The zero value is ready.
type Options struct {
	// File is for files; of it Log, MaxLine, Silence and Now are for the others,
	// too, FromEnd and Last for the journal.
	File tail.Options
	// Follow makes Next return io.EOF when nothing is there now; without it Next
	// waits for the end of what is no file.
	Follow bool
	// Wake is called when something is there after Next returned io.EOF, from
	// any goroutine; it must not block. Files do not call it. nil: nobody waits.
	Wake       func()
	JournalDir string // has the journal's files; empty: those of this machine
}

// Open opens the log that name names, at pos. Errors to match are those of
// tail.Open, stream.Open and journal.Open.
func Open(name string, pos state.Position, opt Options) (tail.Source, error) {
	kind := KindOf(name)
	if kind == Journal {
		return opened(journal.Open(name, pos, journal.Options{
			Log: opt.File.Log, Directory: opt.JournalDir, MaxLine: opt.File.MaxLine, FromEnd: opt.File.FromEnd,
			Last:   int(min(opt.File.Last, 1<<30) / lineLength),
			Follow: opt.Follow, Wake: opt.Wake, Silence: opt.File.Silence, Now: opt.File.Now,
		}))
	}
	if kind == File && !isFIFO(name, opt.File.FS) {
		return opened(tail.Open(name, pos, opt.File))
	}
	return opened(stream.Open(name, stream.Options{
		Log: opt.File.Log, MaxLine: opt.File.MaxLine,
		Follow: opt.Follow, Wake: opt.Wake, Silence: opt.File.Silence, Now: opt.File.Now,
	}))
}

// opened makes a nil pointer a nil Source.
func opened[S tail.Source](s S, err error) (tail.Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func isFIFO(path string, files vfs.FS) bool {
	if files == nil {
		files = vfs.OS{}
	}
	fi, err := files.Stat(path)
	return err == nil && fi.Mode().Type() == fs.ModeNamedPipe
}
