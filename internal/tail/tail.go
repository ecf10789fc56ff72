// Package tail reads one path as one endless log, whatever happens beneath:
// rotation, truncation, compressed generations. Start from [File], which
// [Open] makes of a path and a position.
//
// It promises each whole line once, in order, over any series of runs of which
// each begins at the position that the one before has kept; or a count of
// what is lost. It does not look into lines, and does not keep positions. It does
// not wait: Next ends with io.EOF at the end of what is there now, and may be
// called again later.
//
// # Generations
//
// A log is a sequence of generations: rotated files from old to new, then the
// live file at the path itself. Rotated are the path's name followed by a number
// (.1, .0: higher is older) or a date (-20240131, -2024013110,
// -20240131-1706659200, .2024-01-31 and the like), then perhaps .gz, .zst, .bz2
// or .xz. They must be regular files, no links, of the live file's owner or
// root's. Where the path is a symbolic link, the files beside its target whose
// names differ in numbers only, and lower ones, are generations too, each with
// its own rotated files; others there are read on only if a position is in them.
// Offsets in compressed files are those of the plain content.
//
// # Finding the place
//
// A position knows its generation by content: the hash of the first KiB and
// that of the last KiB before the offset. Inodes are reused and change when
// a file is copied or compressed, so they only decide between files with the
// same content; devices and the clock decide nothing. In this order it is
//
//   - the live file, if it has that content, also under another inode;
//   - else the rotated generation that has it: the newest, or that with the inode;
//   - else one that has the first KiB and ends before the offset: a copy made
//     before the last lines were read, of which nothing is new;
//   - else the live file, if it has the first KiB and ends before the offset: it
//     lost its end, as in a power cut. It is read on from its last line's end;
//   - else it is gone. Reading goes on with the first generation after the
//     newest one that the position knows to be older (Prev), from its
//     beginning, and a gap is counted. The bytes lost are estimated as if the
//     file that is gone had been as long as the one read next.
//
// A file that was empty has no content to know it by. It is what comes after
// Prev; if it had content later and is gone unread, nobody can tell. One that had
// no more than the beginning of a line is the first after Prev that begins with that.
//
// # Going on
//
// From a rotated generation reading goes on to the next one as soon as that has
// content, for until then the writer may still hold the old one; before it
// goes it reads the old one to its end once more. Lines that another writer adds
// to the old file after that come late, as long as the File is open and two minutes
// have not passed without one; no later Open sees them. An unfinished last line waits for
// its '\n'; when its file is left, or is compressed, it is returned with one added.
// A live file that is gone or truncated is treated as when it is opened; it is looked
// at before each block and at its end. A file that cannot be opened for want of
// permission is an error, and the position stays.
//
// # Following
//
// A File may be asked for more for ever. A log with nothing new costs a stat of its
// path: while device, inode, size and time are those of before the end was read,
// and the file had not been written to for 3 s then, nothing else is looked
// at, but all of it every ten minutes. [File.Suspend] closes a log that is seldom
// written to, at the same cost.
//
// A file that is renamed or removed is kept open for two minutes after its last
// line, for a writer that has not moved on, and then closed if nothing has
// followed it. What is written to a removed file later than that is lost, and not counted; an unfinished
// last line of one is returned before. A renamed one is found and read on when its successor has content.
//
// # What is skipped
//
// Lines longer than MaxLine are never held in memory. Holes, runs of at least 8
// NULs as crashes and truncations leave them, end the line before them, and are
// passed when something follows. Of a damaged compressed file the part before the
// damage is read. All are counted, and said once an hour.
package tail

import (
	"context"
	"io"

	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// Source is one log. It is owned by one goroutine at a time.
type Source interface {
	// Next reads the next block into buf, which belongs to the caller before
	// and after; a line that does not fit makes the source return a larger
	// slice, which then is the caller's too. It returns io.EOF when nothing
	// more is there now. Seq is left to the caller.
	Next(ctx context.Context, buf []byte) (parsers.Block, error)
	// Unread gives back the last n bytes of the block that Next returned
	// last; they are presented again, followed by more, or as Final.
	Unread(n int)
	// Position is the first byte not yet returned by Next.
	Position() state.Position
	// Stats returns the counts since the source was opened.
	Stats() Stats
	Close() error
}

// ErrEnded is returned by Next of a source that will never have more, such as
// standard input. It is an io.EOF, too.
var ErrEnded error = ended{}

type ended struct{}

func (ended) Error() string { return "the log has ended: " + io.EOF.Error() }
func (ended) Unwrap() error { return io.EOF }

// Notifier tells of changes to files sooner than looking again does.
type Notifier interface {
	// Notify has wake called soon after the file at path was written to, made, replaced or removed, until ctx is done.
	// wake must not block; it may be called for nothing, and calls may be missed, so the caller looks for itself, too.
	// An error says that nothing will come; the caller then only looks.
	Notify(ctx context.Context, path string, wake func()) error
}
