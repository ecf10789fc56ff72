package frame

import (
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// A Decoder turns bytes into frames. It keeps its memory for the next frame. The
// zero value is ready; not safe for concurrent use.
type Decoder struct {
	zstd *zstd.Decoder
	raw  []byte // a group

	x, fix, ref []int64 // one column
	dense       Row     // a row without its missing buckets
}

// Decode sets f to the frame that src is. It uses the slices of f, where they are
// long enough. After an error, which wraps ErrCorrupt, f may be half of it.
func (d *Decoder) Decode(f *Frame, src []byte) error {
	h, err := parseHeader(src)
	if err != nil {
		return err
	}
	f.Start, f.Step, f.N = h.start, h.step, h.n
	at := 0
	for _, g := range h.groups[:h.count] {
		raw, err := d.group(g, h.n)
		if err != nil {
			return err
		}
		r := reader{b: raw}
		for i := range g.rows {
			if !d.row(&f.Rows[at+i], r.take(r.length()), h.n) {
				return corrupt("row of a frame")
			}
		}
		at += g.rows
	}
	return nil
}

// DecodeRow sets r to row i alone, and returns the Start and Step of its frame.
func (d *Decoder) DecodeRow(r *Row, src []byte, i int) (start, step int64, err error) {
	h, err := parseHeader(src)
	if err != nil {
		return 0, 0, err
	}
	for _, g := range h.groups[:h.count] {
		if i >= g.rows {
			i -= g.rows
			continue
		}
		raw, err := d.group(g, h.n)
		if err != nil {
			return 0, 0, err
		}
		in := reader{b: raw}
		for range i {
			in.take(in.length())
		}
		if !d.row(r, in.take(in.length()), h.n) {
			return 0, 0, corrupt("row of a frame")
		}
		return h.start, h.step, nil
	}
	return 0, 0, corrupt("rows of a frame")
}

// frameHeader is what a frame says of itself.
type frameHeader struct {
	start, step int64
	n           int
	count       int // of groups
	groups      [Rows]group
}

// group is some rows.
type group struct {
	rows   int
	length int // before zstd
	packed bool
	bytes  []byte // as they are in the frame
}

// parseHeader checks all of src, and returns what its beginning says.
func parseHeader(src []byte) (h frameHeader, err error) {
	if len(src) < 5 || src[0] != version {
		return h, corrupt("version of a frame")
	}
	if checksum(src) != binary.LittleEndian.Uint32(src[1:]) {
		return h, corrupt("checksum of a frame")
	}
	r := reader{b: src[5:]}
	h.start, h.step, h.n, h.count = r.varint(), int64(r.uvarint()), r.length(), r.length()
	if r.bad || h.step < 1 || h.n < 1 || h.n > MaxBuckets || h.count < 1 || h.count > Rows {
		return h, corrupt("header of a frame")
	}
	rows := 0
	var lengths [Rows]int
	for i := range h.groups[:h.count] {
		g := &h.groups[i]
		g.rows, g.length, lengths[i] = r.length(), r.length(), r.length()
		if g.packed = lengths[i] > 0; !g.packed {
			lengths[i] = g.length
		}
		if rows += g.rows; g.rows < 1 || g.rows > Rows || g.length > g.rows*maxRow(h.n) {
			return h, corrupt("groups of a frame")
		}
	}
	for i := range h.groups[:h.count] {
		h.groups[i].bytes = r.take(lengths[i])
	}
	if r.bad || len(r.b) != 0 || rows != Rows {
		return h, corrupt("length of a frame")
	}
	return h, nil
}

// maxRow returns how long a row of n buckets is at most: a bitmap, and for six
// columns and three corrections what they start with and all planes.
func maxRow(n int) int { return 16 + n/8 + 10*(24+8*n) }

// group returns what a group was before zstd. Valid until the next call.
func (d *Decoder) group(g group, n int) ([]byte, error) {
	if !g.packed {
		return g.bytes, nil
	}
	if d.zstd == nil {
		// The limit is that of a frame with MaxBuckets, so that one decoder reads any.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(Rows*maxRow(MaxBuckets))))
		if err != nil {
			panic("BUG: options of zstd: " + err.Error())
		}
		d.zstd = z
	}
	if cap(d.raw) < g.length {
		d.raw = make([]byte, 0, g.length)
	}
	raw, err := d.zstd.DecodeAll(g.bytes, d.raw[:0])
	if err != nil || len(raw) != g.length {
		return nil, corrupt("zstd of a frame")
	}
	d.raw = raw
	return raw, nil
}

// row sets r to the row that b is.
func (d *Decoder) row(r *Row, b []byte, n int) bool {
	in := reader{b: b}
	flags := in.byte()
	if flags&rowThere == 0 {
		r.empty()
		return !in.bad && flags == 0 && len(in.b) == 0
	}
	r.resize(n)
	if flags&rowFull != 0 {
		d.columns(r, &in, flags)
		return !in.bad && len(in.b) == 0
	}
	bitmap := in.take((n + 7) / 8)
	there := 0
	for _, b := range bitmap {
		there += bits.OnesCount8(b)
	}
	if in.bad || there > n {
		return false
	}
	d.dense.resize(there)
	if there > 0 {
		d.columns(&d.dense, &in, flags)
	}
	spread(r, &d.dense, bitmap)
	return !in.bad && len(in.b) == 0
}

// spread puts the buckets of dense where the bitmap has them.
func spread(r, dense *Row, bitmap []byte) {
	k := 0
	for i := range r.Count {
		if bitmap[i/8]&(1<<(i%8)) == 0 {
			r.Count[i], r.Sum[i], r.Min[i], r.Max[i], r.M2[i], r.Last[i] = 0, 0, 0, 0, 0, 0
			continue
		}
		r.Count[i], r.Sum[i], r.Min[i] = dense.Count[k], dense.Sum[k], dense.Min[k]
		r.Max[i], r.M2[i], r.Last[i] = dense.Max[k], dense.M2[k], dense.Last[k]
		k++
	}
}

// columns reads a row without missing buckets.
func (d *Decoder) columns(r *Row, in *reader, flags byte) {
	n := len(r.Count)
	d.x, d.fix = grow(d.x, n), grow(d.fix, n)
	ref := reference{last: r.Last, exp: int(flags >> expShift)}
	if flags&rowSingle != 0 {
		d.values(r.Last, in, ref, nil)
		for i := range r.Count {
			r.Count[i] = 1
		}
		clear(r.M2)
		copy(r.Sum, r.Last)
		copy(r.Min, r.Last)
		copy(r.Max, r.Last)
		return
	}
	in.plain(d.x)
	for i, v := range d.x {
		r.Count[i] = uint64(v)
		in.bad = in.bad || v == 0
	}
	ref.decimal = d.values(r.Last, in, reference{exp: ref.exp}, nil)&floatBit == 0
	d.values(r.Min, in, ref, nil)
	d.values(r.Max, in, ref, nil)
	d.values(r.Sum, in, ref, r.Count)
	in.plain(d.x)
	for i, v := range d.x {
		r.M2[i] = lengthen(v)
	}
}

// values reads a column of floats, and returns its first byte.
func (d *Decoder) values(v []float64, in *reader, ref reference, count []uint64) byte {
	kind := in.column(d.x)
	if kind&refBit != 0 {
		d.ref = ref.ints(d.ref, kind&floatBit == 0, count)
		if len(d.ref) != len(v) {
			in.bad = true
			return kind
		}
		for i, x := range d.ref {
			d.x[i] += x
		}
	}
	switch {
	case kind&floatBit != 0:
		for i, x := range d.x {
			v[i] = fromOrdered(x)
		}
	case kind&fixBit != 0:
		in.plain(d.fix)
		unscale(v, d.x, d.fix, ref.exp)
	default:
		unscale(v, d.x, nil, ref.exp)
	}
	return kind
}

// reader reads from the front of b. After bad, what it returns is of no use.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// maxLength is beyond any length in a frame.
const maxLength = 1 << 30

// length reads a number that counts something.
func (r *reader) length() int {
	v := r.uvarint()
	if v > maxLength {
		r.bad = true
		return 0
	}
	return int(v)
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}
