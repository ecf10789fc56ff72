// Package tail reads one path as one endless log, whatever happens beneath:
// rotation, truncation, compressed generations.
//
// It promises each whole line once, with exact positions, or a count of what
// is lost. It does not follow yet: Next ends with io.EOF at the end of what
// is there. Start from [Source].
package tail

import (
	"context"

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
	Close() error
}
