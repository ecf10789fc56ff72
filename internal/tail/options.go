package tail

import (
	"log/slog"
	"time"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// DefaultMaxLine is the longest line that is read, in bytes without its '\n'.
const DefaultMaxLine = 1 << 20

// Options say how a log is read. The zero value is ready.
type Options struct {
	FS  vfs.FS       // nil: vfs.OS{}
	Log *slog.Logger // nil: nothing is said
	// MaxLine is the longest line that is read, in bytes without its '\n'; 0:
	// DefaultMaxLine. Longer ones are skipped and counted. A limit below the
	// length of the caller's buffers counts as that length.
	MaxLine int
	// FromEnd makes a log without a position start after its last '\n' instead
	// of at the beginning of its live file.
	FromEnd bool
	// FromOldest makes a log without a position start at the beginning of its
	// oldest generation, to read all that is kept of it; its path may be missing
	// then if there are others. It goes before FromEnd and Last.
	FromOldest bool
	// Last makes a log without a position start at the first line in the last
	// Last bytes of its live file; 0: no.
	Last int64
	// MayBeGone says that the path may have been removed for good, as one that a
	// glob matched once: nothing is said of its being missing. See Over.
	MayBeGone bool
	// MissingFor is for how long nothing must have been at the path before that
	// is said; 0: none. Who looks all the time also looks in the middle of a
	// rotation, between its two steps.
	MissingFor time.Duration
	// Silence is how long a file must not have been written to for a record that
	// was held back to be returned as Final; 0: only a later Open does it, when
	// nothing was added since.
	Silence time.Duration
	Now     func() time.Time // for Silence; nil: time.Now
	// Drain says that nothing will be appended any more: an unfinished last line
	// or record is returned too, as Final.
	Drain bool
}
