package store

import "sync/atomic"

// figures count what the store does.
type figures struct {
	full, frames, frameBytes, damaged, seals, sealErrors, folds, expired, late atomic.Int64
}
