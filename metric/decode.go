package metric

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
)

// ParseBatch returns the batch that AppendBatch encoded as src, all of it.
// Its errors wrap [ErrBadBatch]. It keeps nothing of src, and allocates no
// more than a small multiple of its length.
func ParseBatch(src []byte) (*Batch, error) { return ParseBounded(src, math.MaxInt) }

// ParseBounded is ParseBatch for what a stranger sent: a batch of more than
// samples samples is an error, before any is read.
func ParseBounded(src []byte, samples int) (*Batch, error) {
	b, rest, err := cutBatch(src, samples)
	if err == nil && len(rest) > 0 {
		return nil, bad("%d bytes follow it", len(rest))
	}
	return b, err
}

// CutBatch is ParseBatch for the batch that src begins with, and returns what
// follows it.
func CutBatch(src []byte) (b *Batch, rest []byte, err error) { return cutBatch(src, math.MaxInt) }

func cutBatch(src []byte, samples int) (b *Batch, rest []byte, err error) {
	if len(src) < batchHeader+batchTrailer || string(src[:3]) != batchMagic {
		return nil, nil, bad("%d bytes that are none", len(src))
	}
	n := uint64(binary.LittleEndian.Uint32(src[4:])) + batchHeader + batchTrailer
	if n > uint64(len(src)) {
		return nil, nil, bad("it is cut at %d of %d bytes", len(src), n)
	}
	b, err = parseWhole(src[:n], samples)
	return b, src[n:], err
}

// parseWhole parses a batch whose length is right.
func parseWhole(src []byte, samples int) (*Batch, error) {
	version := src[3]
	switch n := len(src); {
	case binary.LittleEndian.Uint32(src[n-batchTrailer:]) != crc32.Checksum(src[:n-batchTrailer], castagnoli):
		return nil, bad("the checksum is wrong")
	case version != batchVersion && version != lateVersion:
		return nil, bad("version %d is not known", version)
	}
	return parseBody(src[batchHeader:len(src)-batchTrailer], version == lateVersion, samples)
}

func parseBody(src []byte, late bool, samples int) (*Batch, error) {
	d := decoder{rest: src}
	b := &Batch{Late: late}
	copy(b.ID.Job[:], d.take(len(b.ID.Job)))
	b.ID.Seq = d.uvarint()
	b.Start, b.End, b.Stamp = d.varint(), d.varint(), d.varint()
	if late && d.byte() != isLate {
		d.fail()
	}
	b.Prefix, b.Suffix = d.str(), d.str()
	n := d.count(minSample)
	if n > samples {
		return nil, bad("%d samples, more than %d", n, samples)
	}
	if n > 0 {
		b.Samples = make([]Sample, n)
	}
	for i := range b.Samples {
		if d.sample(&b.Samples[i]); d.failed {
			break
		}
	}
	switch {
	case d.failed:
		return nil, bad("it is cut, or a number in it is out of range")
	case len(d.rest) > 0:
		return nil, bad("%d bytes follow the last sample", len(d.rest))
	}
	if err := b.Check(); err != nil {
		return nil, err
	}
	return b, nil
}

// decoder reads a body; after the first thing that is wrong it is failed and
// returns zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

// take returns the next n bytes, nil when there are fewer.
func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads how many things of at least size bytes follow: never more than
// the bytes that are left can hold.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) str() string { return string(d.take(d.count(1))) }

func (d *decoder) float() float64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if !finite(v) {
		d.fail()
	}
	return v
}

func (d *decoder) sample(s *Sample) {
	s.Name = d.str()
	if n := d.count(2); n > 0 {
		s.Tags = make(Tags, n)
	}
	for i := range s.Tags {
		s.Tags[i] = Tag{Key: d.str(), Value: d.str()}
	}
	s.Kind, s.Form = Kind(d.byte()), Form(d.byte())
	parts := d.byte()
	if parts&hasUnit != 0 {
		s.Unit = d.str()
	}
	d.bucket(&s.Bucket)
	switch parts &^ hasUnit {
	case 0:
	case hasExact:
		s.Dist = d.exact()
	case hasBins:
		s.Dist = d.sketch()
	case hasMembers:
		s.Members = d.members()
	case hasRegisters:
		s.Members = d.registers()
	default:
		d.fail()
	}
}

func (d *decoder) bucket(b *Bucket) {
	b.Count = d.uvarint()
	mask := d.byte()
	fields := b.fields()
	if mask >= 1<<len(fields) {
		d.fail()
	}
	for i, f := range fields {
		if mask&(1<<i) != 0 {
			*f = d.float()
		}
	}
}

func (d *decoder) exact() *Dist {
	n := d.count(8)
	if n == 0 || n > MaxExact {
		d.fail()
		return nil
	}
	dist := &Dist{n: uint64(n), exact: make([]float64, n), sorted: true}
	for i := range dist.exact {
		dist.exact[i] = d.float()
	}
	if !slices.IsSorted(dist.exact) {
		d.fail()
	}
	return dist
}

func (d *decoder) sketch() *Dist {
	dist := &Dist{zero: d.uvarint()}
	dist.n = dist.zero
	d.bins(&dist.pos, &dist.n)
	d.bins(&dist.neg, &dist.n)
	if dist.n <= MaxExact {
		d.fail()
	}
	return dist
}

// bins reads one side of a sketch and adds its counts to total.
func (d *decoder) bins(b *bins, total *uint64) {
	n := d.count(1)
	if n == 0 {
		return
	}
	first, low, high := d.varint(), int64(binIndex(minMagnitude)), int64(binIndex(maxMagnitude))
	if first < low || first > high || int64(n) > high-first+1 {
		d.fail()
		return
	}
	b.first, b.counts = int(first), make([]uint64, n)
	for i := range b.counts {
		c := d.uvarint()
		if *total+c < *total {
			d.fail()
		}
		b.counts[i] = c
		*total += c
	}
	if b.counts[0] == 0 || b.counts[n-1] == 0 {
		d.fail()
	}
}

func (d *decoder) members() *Members {
	n := d.count(1)
	if n == 0 || n > MaxMembers {
		d.fail()
		return nil
	}
	s := &Members{exact: make(map[string]struct{}, n)}
	last := ""
	for i := range n {
		m := d.str()
		if i > 0 && m <= last || len(m) > MaxMemberLen {
			d.fail()
			return nil
		}
		s.exact[m] = struct{}{}
		last = m
	}
	return s
}

func (d *decoder) registers() *Members {
	r := slices.Clone(d.take(hllRegisters))
	if r == nil || slices.Max(r) > maxRank {
		d.fail()
		return nil
	}
	return &Members{registers: r}
}
