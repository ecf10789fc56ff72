// Package wal is the log of the store: records, each durable after the Sync that
// follows it, in numbered files that are removed from the front.
//
// A log has a position that only grows, in bytes of frames; a [Mark] is a
// position. What a Sync confirmed is read again by Replay, whole and in order.
// What was appended and not confirmed is there after a crash or is not, but
// never with a hole: a record that was not confirmed is never read without those
// before it. A damaged record of what was confirmed costs itself alone, and is
// reported.
//
// It knows nothing of what is in a record, does not limit what waits in memory
// while the disk is full (see Pending), and does not lock its directory. Start
// from [Open], then Replay, then Append and Sync.
//
// A file NNNNNN.log is two copies of a header, against damage of one, and frames.
// Numbers are little endian; crc is CRC-32C.
//
//	header, twice                     frame
//	 0 +---------------------------+   0 +---------------------------+
//	   | "LMSTLOG"                 |     | length of payload, 31 bit |
//	 7 | version, 1                |     | bit 31: first of a write  |
//	 8 | number of the file        |   4 | crc of bytes 0-3          |
//	16 | position of first frame   |   8 | crc of payload            |
//	24 | salt                      |  12 | payload                   |
//	32 | crc of 0-31               |     +---------------------------+
//	36 +---------------------------+
//
// The crcs of a frame begin with a seed made of the salt, which is random, and
// the position of the frame; so no payload looks like a frame. Since bytes 0-7
// prove themselves, the frames behind a damaged one are found. A length of 0 is
// no frame: zeroes are the end. The frame with bit 31 was written when all before
// it was durable: damage before one is damage, damage behind the last one is the
// torn end of a write that was not confirmed.
//
// A file ends where the next one says that it starts. What an older file holds
// beyond was not confirmed, and was written again, or is lost rightly.
package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options configure a Log. The zero value works.
type Options struct {
	FileSize int64 // bytes after which a new file is begun; 0: DefaultFileSize
}

// DefaultFileSize is what Options.FileSize replaces, in bytes.
const DefaultFileSize = 64 << 20

// MaxPayload is the longest payload that Append takes, in bytes.
const MaxPayload = 64 << 20

// category is what pebble's disk statistics call our writes.
const category = vfs.DiskWriteCategory("logmetrics-wal")

// ErrClosed is what Sync and Rotate return after Close.
var ErrClosed = errors.New("log is closed")

// Mark is a place in the log, between records. The zero Mark is before all.
type Mark struct {
	File   uint64 // no record behind the mark is in a file of a lower number
	Offset int64  // bytes of frames before it, in all files that ever were
}

// Log is an open log. Its methods may be called concurrently, once Replay is done.
type Log struct {
	fs   vfs.FS
	dir  string
	max  int64
	salt uint64

	mu      sync.Mutex // protects the fields below; never held during I/O
	ready   bool       // Replay was called
	closed  bool
	pending buffer // frames of [end-pending.size, end)
	free    pool   // pieces of buffers
	end     int64  // position of the next record
	durable int64  // all before this is durable
	number  uint64 // of the file that is written to next
	running *run   // nil: none
	starts  []start

	// Owned by the run that is running.
	file    vfs.File // nil: the next write makes it
	size    int64    // of file
	base    int64    // position of file's first frame
	writing buffer   // frames of [durable, ...) not yet durable, of failed runs too
	scratch []byte
}

// start says where a file begins that has records, or had.
type start struct {
	number uint64
	base   int64
}

// Open opens the log in dir, which it makes when it is missing. Replay must be
// called before Append.
func Open(fs vfs.FS, dir string, opt Options) (*Log, error) {
	if opt.FileSize <= 0 {
		opt.FileSize = DefaultFileSize
	}
	if err := makeDir(fs, dir); err != nil {
		return nil, fmt.Errorf("open log %q: %w", dir, err)
	}
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails, by its contract
	return &Log{fs: fs, dir: dir, max: opt.FileSize, salt: binary.LittleEndian.Uint64(salt[:])}, nil
}

// makeDir makes dir and its name durable.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// Append adds a record to what the next Sync writes, and returns the mark behind
// it: Replay from there reads what is appended later. It copies payload, of 1 to
// MaxPayload bytes, and does no I/O.
func (l *Log) Append(payload []byte) Mark {
	if len(payload) == 0 || len(payload) > MaxPayload {
		panic(fmt.Sprintf("BUG: log record of %d bytes", len(payload)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ready || l.closed {
		panic("BUG: append to a log that is not open, or was not replayed")
	}
	was := l.pending.size
	l.pending.appendFrame(&l.free, l.salt, l.end, payload)
	l.end += int64(l.pending.size - was)
	return Mark{File: l.number, Offset: l.end}
}

// End returns the mark behind all that was appended.
func (l *Log) End() Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Mark{File: l.number, Offset: l.end}
}

// Pending returns the bytes that were appended and are not yet durable. They are
// in memory: whoever appends must stop when they are too many.
func (l *Log) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.end - l.durable)
}

// Close makes durable what was appended, and closes the log even when it cannot.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle()
	if l.closed {
		return nil
	}
	var err error
	if l.durable < l.end {
		err = l.lead(false)
	}
	l.idle()
	l.closed = true
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
		l.file = nil
	}
	if err != nil {
		return fmt.Errorf("close log %q: %w", l.dir, err)
	}
	return nil
}
