package tail

import (
	"log/slog"
	"os"
)

// Stats counts what a File did since Open.
type Stats struct {
	Bytes       int64 // returned by Next, those given back and returned again once
	LongLines   int64 // lines skipped because they are longer than MaxLine
	LongBytes   int64 // in them
	NulBytes    int64 // skipped in holes
	Rotations   int64 // goings on from one generation to the next
	Truncations int64 // times the live file had lost its content
	Gaps        int64 // times the file that was read last was gone
	Lost        int64 // bytes lost in gaps and damaged files, estimated
	Generations int64 // files read from
	Dropped     int64 // datagrams that the kernel dropped
	Lag         int64 // bytes not yet returned, in the current file and the live one; compressed files count as they are stored
}

// Stats returns the counts up to now.
func (f *File) Stats() Stats {
	st := f.stats
	if f.cur == nil {
		return st
	}
	fi, err := f.cur.file.Stat()
	if err == nil && f.cur.z == nil {
		st.Lag = max(0, fi.Size()-f.off)
	} else if err == nil {
		st.Lag = max(0, fi.Size()-f.cur.z.src.n)
	}
	if live, err := f.opt.FS.Stat(f.path); err == nil && !os.SameFile(fi, live) {
		st.Lag += live.Size()
	}
	return st
}

// once says a thing one time in the life of f.
func (f *File) once(msg string, args ...any) {
	if !f.said[msg] {
		f.said[msg] = true
		f.log.Warn(msg, args...)
	}
}

func (f *File) sayMissing() {
	if !f.opt.MayBeGone {
		f.once("the log is missing; it is read on when it is back")
	}
}

func (f *File) warn(doing string, err error) {
	f.once("trouble "+doing, slog.Int64("offset", f.off), slog.Any("err", err))
}

// reportDamage says and counts, once, what could not be decompressed of the
// current generation.
func (f *File) reportDamage() {
	if f.cur.z == nil || f.cur.reported {
		return
	}
	if lost, err := f.cur.z.damage(f.cur.size); err != nil {
		f.cur.reported = true
		f.stats.Lost += lost
		f.log.Warn("the rest of a damaged file is lost", "offset", f.off, "file", f.cur.path, "lost", lost, "err", err)
	}
}

// Add adds o's counts.
func (s *Stats) Add(o Stats) {
	s.Bytes += o.Bytes
	s.LongLines += o.LongLines
	s.LongBytes += o.LongBytes
	s.NulBytes += o.NulBytes
	s.Rotations += o.Rotations
	s.Truncations += o.Truncations
	s.Gaps += o.Gaps
	s.Lost += o.Lost
	s.Generations += o.Generations
	s.Dropped += o.Dropped
	s.Lag += o.Lag
}
