// Package whisper reads and writes the files in which Graphite's carbon keeps a
// series, and knows where it puts them.
//
// It promises that a file of any content is read or refused within bounds: an
// archive must lie within the file, none is held in memory, and what whisper
// would not show is not shown. It does not change files; roll-up is the
// writer's. Start from [Open] and [Write].
//
// Numbers are big-endian:
//
//	file:    header | archive ... | points of the archives
//	header:  method u32 | longest retention u32, seconds | xFilesFactor f32 | archives u32
//	archive: offset u32 | step u32, seconds | points u32
//	point:   time u32 | value f64
//
// An archive is a ring. The point at its start, if its time is not 0, says
// which: a time t belongs (t-start)/step points after it, modulo the ring's length.
package whisper

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

const (
	headerSize  = 16
	archiveSize = 12
	pointSize   = 12
)

// MaxArchives bounds what is read; real files have two to five.
const MaxArchives = 64

// maxTime is the last second that 32 bits have.
const maxTime = math.MaxUint32

// ErrCorrupt is wrapped by errors about what is no whisper file, or a damaged one.
var ErrCorrupt = errors.New("no whisper file, or damaged")

// Archive is one resolution: a point each Step seconds, Points of them.
type Archive struct{ Step, Points int64 }

// Header is what a file says of its series. Archives go from fine to coarse.
type Header struct {
	Method       metric.Method // never Unset
	XFilesFactor float64       // the share of points that a coarser one needs
	Archives     []Archive
}

// Point is a value of the series at a time, Unix seconds, a multiple of the
// archive's step.
type Point struct {
	Time  int64
	Value float64
}

// methods by the numbers that files have for them, from 1.
var methods = []metric.Method{metric.Unset, metric.Average, metric.Sum, metric.Last, metric.Max, metric.Min, metric.AvgZero, metric.AbsMax, metric.AbsMin}

func methodNumber(m metric.Method) (number uint32, ok bool) {
	for i, have := range methods {
		if have == m && i > 0 {
			return uint32(i), true
		}
	}
	return 0, false
}

// File is a whisper file that is being read. It may be used concurrently if its
// io.ReaderAt may.
type File struct {
	Header
	r       io.ReaderAt
	offsets []int64 // of the archives
}

// Open reads the header of a file of size bytes. The error wraps [ErrCorrupt],
// or is the reader's.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var head [headerSize]byte
	if err := readAt(r, head[:], 0); err != nil {
		return nil, err
	}
	number, count := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[12:])
	xff := float64(math.Float32frombits(binary.BigEndian.Uint32(head[8:])))
	switch {
	case number == 0 || number >= uint32(len(methods)):
		return nil, fmt.Errorf("%w: aggregation method %d", ErrCorrupt, number)
	case !(xff >= 0 && xff <= 1):
		return nil, fmt.Errorf("%w: xFilesFactor %g", ErrCorrupt, xff)
	case count == 0 || count > MaxArchives:
		return nil, fmt.Errorf("%w: %d archives", ErrCorrupt, count)
	}
	f := &File{Header: Header{Method: methods[number], XFilesFactor: xff}, r: r}
	table := make([]byte, count*archiveSize)
	if err := readAt(r, table, headerSize); err != nil {
		return nil, err
	}
	return f, f.parseArchives(table, size)
}

// parseArchives checks that archives follow each other within size bytes.
func (f *File) parseArchives(table []byte, size int64) error {
	end := int64(headerSize + len(table))
	step := int64(0)
	for ; len(table) > 0; table = table[archiveSize:] {
		offset := int64(binary.BigEndian.Uint32(table))
		a := Archive{int64(binary.BigEndian.Uint32(table[4:])), int64(binary.BigEndian.Uint32(table[8:]))}
		switch {
		case a.Step <= step:
			return fmt.Errorf("%w: archive %d has a step of %d seconds", ErrCorrupt, len(f.Archives), a.Step)
		case a.Points == 0 || a.Points > maxTime/a.Step:
			return fmt.Errorf("%w: archive %d has %d points", ErrCorrupt, len(f.Archives), a.Points)
		case offset < end || offset+a.Points*pointSize > size:
			return fmt.Errorf("%w: archive %d is not within the %d bytes of the file", ErrCorrupt, len(f.Archives), size)
		}
		end, step = offset+a.Points*pointSize, a.Step
		f.Archives = append(f.Archives, a)
		f.offsets = append(f.offsets, offset)
	}
	return nil
}

func readAt(r io.ReaderAt, b []byte, at int64) error {
	_, err := io.ReadFull(io.NewSectionReader(r, at, int64(len(b))), b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrCorrupt)
	}
	return err
}

// Each calls take for the points of the archive i that whisper would show at
// some time, in the order of their times: those in their place of the ring and
// not older than its length. Points after until are not looked at. An error of
// take ends it and is returned.
func (f *File) Each(i int, until int64, take func(Point) error) error {
	ring := ring{Archive: f.Archives[i], until: until}
	if err := f.scan(i, 0, ring.Points, ring.first); err != nil {
		return err
	}
	if ring.newest == 0 {
		return nil
	}
	show := func(slot int64, p Point) error {
		if !ring.shows(slot, p) {
			return nil
		}
		return take(p)
	}
	after := ring.slot(ring.newest) + 1
	if err := f.scan(i, after, ring.Points, show); err != nil {
		return err
	}
	return f.scan(i, 0, after, show)
}

// ring is what decides which points count.
type ring struct {
	Archive
	until  int64
	start  int64 // the time at the start; 0: the archive is empty
	newest int64 // of the times in their place; 0: there is none
}

func (r *ring) slot(t int64) int64 {
	n := (t - r.start) / r.Step % r.Points
	if n < 0 {
		n += r.Points
	}
	return n
}

// placed reports whether the point is where its time belongs.
func (r *ring) placed(slot int64, p Point) bool {
	return r.start != 0 && p.Time != 0 && p.Time <= r.until && (p.Time-r.start)%r.Step == 0 && r.slot(p.Time) == slot
}

func (r *ring) shows(slot int64, p Point) bool {
	return r.placed(slot, p) && p.Time > r.newest-r.Step*r.Points
}

// first is for the first look at each point.
func (r *ring) first(slot int64, p Point) error {
	if slot == 0 && p.Time%r.Step == 0 {
		r.start = p.Time
	}
	if r.placed(slot, p) {
		r.newest = max(r.newest, p.Time)
	}
	return nil
}

// scan reads the slots [from,to) of the archive i.
func (f *File) scan(i int, from, to int64, take func(slot int64, p Point) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f.r, f.offsets[i]+from*pointSize, (to-from)*pointSize), 1<<16)
	var b [pointSize]byte
	for slot := from; slot < to; slot++ {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return fmt.Errorf("read archive %d: %w", i, err)
		}
		p := Point{int64(binary.BigEndian.Uint32(b[:])), math.Float64frombits(binary.BigEndian.Uint64(b[4:]))}
		if err := take(slot, p); err != nil {
			return err
		}
	}
	return nil
}

// Size returns how many bytes a file of these archives has.
func (h *Header) Size() int64 {
	size := int64(headerSize + archiveSize*len(h.Archives))
	for _, a := range h.Archives {
		size += a.Points * pointSize
	}
	return size
}

// Write writes a file. points(i) yields the points of the archive i in the order
// of their times, each time a multiple of its step; those that the archive is
// too short for, counted from the last, must have been left out. It is an error
// when they do not fit, or when offsets would need more than 32 bits.
func Write(w io.Writer, h Header, points func(i int) []Point) error {
	head, err := h.append(nil)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 1<<16)
	_, _ = b.Write(head) // the error stays until Flush
	for i, a := range h.Archives {
		if err := writeArchive(b, a, points(i)); err != nil {
			return fmt.Errorf("write archive %d: %w", i, err)
		}
	}
	return b.Flush()
}

func (h *Header) append(dst []byte) ([]byte, error) {
	number, ok := methodNumber(h.Method)
	if !ok || !(h.XFilesFactor >= 0 && h.XFilesFactor <= 1) || len(h.Archives) == 0 || len(h.Archives) > MaxArchives {
		return nil, fmt.Errorf("write header: method %d, xFilesFactor %g, %d archives", h.Method, h.XFilesFactor, len(h.Archives))
	}
	longest := int64(0)
	for _, a := range h.Archives {
		if a.Step <= 0 || a.Points <= 0 || a.Points > maxTime/a.Step {
			return nil, fmt.Errorf("write header: an archive of %d points of %d seconds", a.Points, a.Step)
		}
		longest = max(longest, a.Step*a.Points)
	}
	if h.Size() > maxTime {
		return nil, fmt.Errorf("write header: %d bytes are more than whisper files can have", h.Size())
	}
	dst = binary.BigEndian.AppendUint32(dst, number)
	dst = binary.BigEndian.AppendUint32(dst, uint32(longest))
	dst = binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(h.XFilesFactor)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(h.Archives)))
	offset := int64(headerSize + archiveSize*len(h.Archives))
	for _, a := range h.Archives {
		dst = binary.BigEndian.AppendUint32(dst, uint32(offset))
		dst = binary.BigEndian.AppendUint32(dst, uint32(a.Step))
		dst = binary.BigEndian.AppendUint32(dst, uint32(a.Points))
		offset += a.Points * pointSize
	}
	return dst, nil
}

// writeArchive starts the ring with the first point, so that the file is
// written from its start to its end.
func writeArchive(b *bufio.Writer, a Archive, points []Point) error {
	slot := int64(0)
	for _, p := range points {
		at := (p.Time - points[0].Time) / a.Step
		if p.Time <= 0 || p.Time > maxTime || p.Time%a.Step != 0 || at < slot || at >= a.Points {
			return fmt.Errorf("a point at %d does not fit behind %d others in %d steps of %d seconds", p.Time, slot, a.Points, a.Step)
		}
		if err := writeZeros(b, (at-slot)*pointSize); err != nil {
			return err
		}
		out := b.AvailableBuffer()
		out = binary.BigEndian.AppendUint32(out, uint32(p.Time))
		out = binary.BigEndian.AppendUint64(out, math.Float64bits(p.Value))
		if _, err := b.Write(out); err != nil {
			return err
		}
		slot = at + 1
	}
	return writeZeros(b, (a.Points-slot)*pointSize)
}

func writeZeros(b *bufio.Writer, n int64) error {
	_, err := io.CopyN(b, zeros{}, n)
	return err
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
