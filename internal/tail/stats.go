package tail

import (
	"log/slog"
	"time"
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
	LagSince    int64 // Unix seconds when the newest of them was written; 0: Lag is 0
}

// Stats returns the counts up to now.
func (f *File) Stats() Stats {
	st := f.stats
	now, ok := f.glance()
	if !ok {
		return st
	}
	cur := now.cur
	switch {
	case f.cur == nil && !f.suspended:
		return st
	case f.atPath(now.path):
		cur = now.path
	case !now.path.missing && now.path.size > 0:
		st.Lag = now.path.size
		st.LagSince = now.path.mtime / int64(time.Second)
	}
	if n := cur.size - f.consumed(); n > 0 {
		st.Lag += n
		st.LagSince = max(st.LagSince, cur.mtime/int64(time.Second))
	}
	return st
}

// consumed is how much of the current generation was returned, as it is stored.
func (f *File) consumed() int64 {
	switch {
	case f.cur == nil:
		return f.pos.Offset
	case f.cur.z != nil && f.off > 0: // else the head was decompressed, to know the file by
		return f.cur.z.src.n
	}
	return f.off
}

// Ahead returns how many bytes Next has not returned yet, of the current
// generation and of all newer ones; compressed files count as they are stored. It
// lists the log's directory. What cannot be looked at counts as nothing.
func (f *File) Ahead() int64 {
	list, err := f.siblings()
	if err != nil || f.cur == nil {
		return f.Stats().Lag
	}
	at, err := f.place(list)
	if err != nil {
		return f.Stats().Lag
	}
	var n int64
	if fi, err := f.cur.file.Stat(); err == nil {
		n = max(0, fi.Size()-f.consumed())
	}
	for _, e := range list[at+1:] {
		if !e.stray {
			n += e.size
		}
	}
	return n
}

// sayAgain is how long nothing is said of what happens again.
const sayAgain = time.Hour

// once says a thing, unless it was said within the hour.
func (f *File) once(msg string, args ...any) {
	now := f.opt.Now()
	if last, said := f.said[msg]; !said || now.Sub(last) >= sayAgain {
		f.said[msg] = now
		f.log.Warn(msg, args...)
	}
}

// sayMissing says that the log is missing, once until it is back.
func (f *File) sayMissing() {
	now := f.opt.Now()
	if !f.missing {
		f.missing, f.mourned, f.missed = true, f.opt.MayBeGone, now
	}
	if !f.mourned && now.Sub(f.missed) >= f.opt.MissingFor {
		f.mourned = true
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

// Add adds o's counts. LagSince becomes that of the log that was not read for the longest time.
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
	if s.LagSince == 0 || o.LagSince != 0 && o.LagSince < s.LagSince {
		s.LagSince = o.LagSince
	}
}

// Sub takes o's counts away, as counted earlier; Lag is not a count and stays.
func (s *Stats) Sub(o Stats) {
	s.Bytes -= o.Bytes
	s.LongLines -= o.LongLines
	s.LongBytes -= o.LongBytes
	s.NulBytes -= o.NulBytes
	s.Rotations -= o.Rotations
	s.Truncations -= o.Truncations
	s.Gaps -= o.Gaps
	s.Lost -= o.Lost
	s.Generations -= o.Generations
	s.Dropped -= o.Dropped
}
