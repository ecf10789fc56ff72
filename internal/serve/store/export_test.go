package store

import "context"

// TendYoung is what the keeper does while it does not believe the clock.
func (db *DB) TendYoung(ctx context.Context) error { return db.tend(ctx, false) }
