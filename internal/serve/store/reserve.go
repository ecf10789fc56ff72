package store

import "fmt"

// What is left free on the disk. The engine ends the process when it cannot write
// its manifest, which is no matter for the data and an outage for readers; so the
// log stops before the disk is full, and seals stop before the log does.
const (
	sealReserve = 64 << 20 // bytes, or a twentieth of the disk when that is less
	logReserve  = 16 << 20 // bytes, or a fiftieth
)

// spare returns an error that wraps ErrFull when less than reserve, or 1/part of
// the disk, is free. A file system that cannot tell has enough.
func (db *DB) spare(reserve, part uint64) error {
	u, err := db.opt.FS.GetDiskUsage(db.opt.Dir)
	if err != nil || u.AvailBytes >= min(reserve, u.TotalBytes/part) {
		return nil
	}
	return fmt.Errorf("store %q: %d bytes are left on the disk: %w", db.opt.Dir, u.AvailBytes, ErrFull)
}

// Sync makes durable what writers have flushed.
func (db *DB) Sync() error {
	if db.log.Pending() == 0 {
		return nil
	}
	if err := db.spare(logReserve, 50); err != nil {
		return err
	}
	return db.log.Sync()
}
