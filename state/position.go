package state

// Position says up to where a log is in a written batch or open interval: it is
// the first byte that is not. A log is known again by its content; device
// and inode only break ties.
type Position struct {
	Dev, Inode uint64
	Offset     int64 // always a line start
	// Head is the hash of the file's first HeadLen bytes, Mark that of the
	// MarkLen bytes just before Offset.
	Head, Mark       uint64
	HeadLen, MarkLen int64
	// Prev is the hash of the first PrevLen bytes of the generation before this
	// one; it tells where to go on when this one is gone. PrevLen is zero when
	// there was none.
	Prev    uint64
	PrevLen int64
	Cursor  string // instead of all else, for sources that are no files (a journal)
}
