package store

import "context"

// TendYoung is what the keeper does while it does not believe the clock.
func (db *DB) TendYoung(ctx context.Context) error { return db.tend(ctx, false) }

// Known returns how many names the writer knows as they are sent, and their length.
func (w *Writer) Known() (n, bytes int) { return w.known.used, w.known.bytes }
