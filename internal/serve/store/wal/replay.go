package wal

import (
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Report says what Replay read, and what it could not.
type Report struct {
	Files    int
	Records  int64 // handed on
	Bytes    int64 // of their payloads
	Damages  []Damage
	TornTail int64 // bytes at the end of a write that was not confirmed
}

// Damage is what could not be read of one file, though it was durable once.
type Damage struct {
	Name  string // of the file
	Bytes int64  // of frames
}

// Replay calls fn with each record behind the mark, in order; payload is valid
// during the call. It is called once, before Append. Damage is no error but
// reported; an error is fn's, or says that the directory or a file cannot be
// opened. New records go into a new file: nothing is appended to old ones.
func (l *Log) Replay(from Mark, fn func(payload []byte) error) (Report, error) {
	s := &scan{fs: l.fs, dir: l.dir, from: from, fn: fn}
	if err := s.run(); err != nil {
		return s.report, fmt.Errorf("replay log %q: %w", l.dir, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number = max(s.last+1, from.File, 1)
	l.end, l.durable = s.end, s.end
	l.starts = s.starts
	l.ready = true
	return s.report, nil
}

// Verify reads the log in dir from a mark as Replay does, and changes nothing.
// What is being written to a log that is open may be reported as torn.
func Verify(fs vfs.FS, dir string, from Mark) (Report, error) {
	s := &scan{fs: fs, dir: dir, from: from, fn: func([]byte) error { return nil }}
	if err := s.run(); err != nil {
		return s.report, fmt.Errorf("verify log %q: %w", dir, err)
	}
	return s.report, nil
}

// scan reads the files of a directory.
type scan struct {
	fs     vfs.FS
	dir    string
	from   Mark
	fn     func(payload []byte) error
	report Report
	last   uint64 // number of the last file
	end    int64  // behind the last good frame
	starts []start
}

func (s *scan) run() error {
	list, err := listFiles(s.fs, s.dir)
	if err != nil {
		return err
	}
	var files []*file
	defer func() {
		for _, f := range files {
			_ = f.Close() // read only
		}
	}()
	for _, e := range list {
		s.last = e.Number
		if e.Number < s.from.File {
			continue
		}
		f, err := openFile(s.fs, s.dir, e)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	return s.files(files)
}

// files reads each file up to where the next one starts.
func (s *scan) files(files []*file) error {
	s.end = s.from.Offset
	s.report.Files = len(files)
	for i, f := range files {
		if f.whole {
			s.starts = append(s.starts, start{number: f.number, base: f.base})
			if gap := f.base - s.end; gap > 0 { // the file before ends early, or is missing
				s.damage(files[max(i-1, 0)], gap)
				s.end = f.base
			}
			if err := s.file(f, limitOf(files[i+1:])); err != nil {
				return err
			}
			f.window = nil
		}
	}
	if n := len(files); n > 0 && !files[n-1].whole {
		s.headless(files[n-1])
	}
	return nil
}

// limitOf returns where the file before these ends: behind that, what it holds
// was not confirmed.
func limitOf(behind []*file) int64 {
	for _, f := range behind {
		if f.whole {
			return f.base
		}
	}
	return math.MaxInt64
}

// headless reports a last file without a header: it was being made when there is
// hardly anything in it.
func (s *scan) headless(f *file) {
	if f.size <= headersLen {
		s.report.TornTail += f.size
		return
	}
	s.damage(f, f.size-headersLen)
}

func (s *scan) damage(f *file, bytes int64) {
	if n := len(s.report.Damages); n > 0 && s.report.Damages[n-1].Name == f.name {
		s.report.Damages[n-1].Bytes += bytes
		return
	}
	s.report.Damages = append(s.report.Damages, Damage{Name: f.name, Bytes: bytes})
}

// file hands on the frames of f that are behind the mark and before limit. It
// ends with the first that is bad and was not confirmed; of those that were, it
// leaves out the bad ones.
func (s *scan) file(f *file, limit int64) error {
	for position := s.end; position < min(limit, f.end()); {
		fr, ok := f.frame(position)
		if !ok {
			if limit == math.MaxInt64 && position >= f.confirmed(position) {
				s.report.TornTail += f.end() - position
				return nil
			}
			position = f.find(position + 1)
			continue
		}
		payload := f.at(position+frameLen, fr.length)
		next := position + frameLen + fr.length
		switch {
		case fr.holds(payload):
			if err := s.take(f, position, payload); err != nil {
				return err
			}
			s.end = next
		case limit == math.MaxInt64 && position >= f.confirmed(position):
			s.report.TornTail += f.end() - position
			return nil
		}
		position = next
	}
	return nil
}

// take hands on a record. What lies between it and the one before is damaged.
func (s *scan) take(f *file, position int64, payload []byte) error {
	if gap := position - s.end; gap > 0 {
		s.damage(f, gap)
	}
	s.report.Records++
	s.report.Bytes += int64(len(payload))
	return s.fn(payload)
}
