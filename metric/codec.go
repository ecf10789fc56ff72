package metric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// The one encoding of a [Batch]: a file of the queue, an open interval in a
// state, the body sent to the gatherer. Numbers of fixed width are little
// endian; uv and zv are unsigned and zigzag varints; str is a uv of the
// length and the bytes.
//
//	batch                                      sample
//	+-----------------+----------------+       +------------------+---------------+
//	| "LMB"           | 3              |       | name             | str           |
//	| version, 1      | 1              |       | tags             | uv            |
//	| length of body  | 4              |       |   key, value     | str, str      | sorted by key
//	| body            | length         |       | kind, form       | 1, 1          |
//	| crc32c of all   | 4              |       | parts            | 1             | bits below
//	| that is above   |                |       | unit             | str           | if hasUnit
//	+-----------------+----------------+       | count            | uv            |
//	body                                       | sum min max m2   | 8 each        | those whose bit is
//	+-----------------+----------------+       | last             |               | set, others are 0
//	| job             | 16             |       | which of them    | 1, before     |
//	| seq             | uv             |       | distribution     | see below     |
//	| start end stamp | zv, zv, zv     |       | members          | see below     |
//	| prefix, suffix  | str, str       |       +------------------+---------------+
//	| samples         | uv             |
//	|   each          | a sample       |
//	+-----------------+----------------+
//
//	exact values: n uv, then n floats of 8 bytes, ascending
//	bins:         values near zero uv, then twice (positive, negative by magnitude):
//	              bins uv, index of the first zv, count of each uv; the first and last are not 0
//	members:      n uv, then n str, ascending
//	registers:    16384 bytes
//
// Equal batches have equal bytes. A change of any of this is a new version.
const (
	batchMagic   = "LMB"
	batchVersion = 1
	batchHeader  = 8 // magic, version, length
	batchTrailer = 4 // checksum
)

// The parts of a sample that are not always there.
const (
	hasUnit = 1 << iota
	hasExact
	hasBins
	hasMembers
	hasRegisters
)

// minSample is the length of the shortest sample: a name of one byte and
// nothing else. It bounds how many samples a body can claim to hold.
const minSample = 8

// ErrBadBatch is wrapped by the errors of [ParseBatch] and [Batch.Check].
var ErrBadBatch = errors.New("bad batch")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadBatch, fmt.Sprintf(format, args...))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBatch appends the encoding of b, which must pass [Batch.Check], and
// returns the extended slice. It sorts the distributions of b, after which
// readers of b may run concurrently.
func AppendBatch(dst []byte, b *Batch) []byte {
	start := len(dst)
	dst = append(dst, batchMagic...)
	dst = append(dst, batchVersion, 0, 0, 0, 0)
	dst = append(dst, b.ID.Job[:]...)
	dst = binary.AppendUvarint(dst, b.ID.Seq)
	dst = binary.AppendVarint(dst, b.Start)
	dst = binary.AppendVarint(dst, b.End)
	dst = binary.AppendVarint(dst, b.Stamp)
	dst = appendString(dst, b.Prefix)
	dst = appendString(dst, b.Suffix)
	dst = binary.AppendUvarint(dst, uint64(len(b.Samples)))
	for i := range b.Samples {
		dst = b.Samples[i].append(dst)
	}
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-batchHeader))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func (s *Sample) append(dst []byte) []byte {
	dst = appendString(dst, s.Name)
	dst = binary.AppendUvarint(dst, uint64(len(s.Tags)))
	for _, t := range s.Tags {
		dst = appendString(appendString(dst, t.Key), t.Value)
	}
	parts := s.parts()
	dst = append(dst, byte(s.Kind), byte(s.Form), parts)
	if parts&hasUnit != 0 {
		dst = appendString(dst, s.Unit)
	}
	dst = s.Bucket.append(dst)
	switch {
	case parts&hasExact != 0:
		dst = s.Dist.appendExact(dst)
	case parts&hasBins != 0:
		dst = s.Dist.appendBins(dst)
	case parts&hasMembers != 0:
		dst = s.Members.appendExact(dst)
	case parts&hasRegisters != 0:
		dst = append(dst, s.Members.registers...)
	}
	return dst
}

// parts tells which of the optional parts s has.
func (s *Sample) parts() (p byte) {
	if s.Unit != "" {
		p |= hasUnit
	}
	switch d, m := s.Dist, s.Members; {
	case d != nil && d.n > MaxExact:
		p |= hasBins
	case d != nil && d.n > 0:
		p |= hasExact
	case m != nil && m.registers != nil:
		p |= hasRegisters
	case m != nil && len(m.exact) > 0:
		p |= hasMembers
	}
	return p
}

// fields lists the floats of b in the order of the encoding.
func (b *Bucket) fields() [5]*float64 {
	return [...]*float64{&b.Sum, &b.Min, &b.Max, &b.M2, &b.Last}
}

func (b *Bucket) append(dst []byte) []byte {
	dst = append(binary.AppendUvarint(dst, b.Count), 0)
	mask := len(dst) - 1
	for i, f := range b.fields() {
		if u := math.Float64bits(*f); u != 0 {
			dst[mask] |= 1 << i
			dst = binary.LittleEndian.AppendUint64(dst, u)
		}
	}
	return dst
}

func (d *Dist) appendExact(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, d.n)
	for _, v := range d.Exact() {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func (d *Dist) appendBins(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, d.zero)
	for _, b := range [...]*bins{&d.pos, &d.neg} {
		dst = binary.AppendUvarint(dst, uint64(len(b.counts)))
		if len(b.counts) == 0 {
			continue
		}
		dst = binary.AppendVarint(dst, int64(b.first))
		for _, n := range b.counts {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	return dst
}

func (s *Members) appendExact(dst []byte) []byte {
	list := s.Exact()
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, m := range list {
		dst = appendString(dst, m)
	}
	return dst
}

// Check returns an error that wraps [ErrBadBatch] and says why b cannot be
// kept or sent, or nil: names and tags are valid and sorted, kinds and forms
// are known, floats are finite, distributions and members are those of their kind.
func (b *Batch) Check() error {
	if b.Prefix != "" && !ValidName(b.Prefix) || b.Suffix != "" && !ValidName(b.Suffix) {
		return bad("prefix %.100q or suffix %.100q is no valid name", b.Prefix, b.Suffix)
	}
	for i := range b.Samples {
		if err := b.Samples[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sample) check() error {
	switch {
	case !ValidName(s.Name):
		return bad("name %.100q is not valid", s.Name)
	case s.Kind >= kinds || s.Form >= forms:
		return bad("%.100s: kind %d or form %d is unknown", s.Name, s.Kind, s.Form)
	case !validUnit(s.Unit):
		return bad("%.100s: unit %.100q is not printable", s.Name, s.Unit)
	case s.Dist != nil && (s.Kind != Timer || s.Dist.n != s.Count):
		return bad("%.100s: a %s of %d values has a distribution of %d", s.Name, s.Kind, s.Count, s.Dist.n)
	case s.Members != nil && s.Kind != Set:
		return bad("%.100s: a %s has members", s.Name, s.Kind)
	}
	for i, t := range s.Tags {
		if !ValidName(t.Key) || !ValidName(t.Value) || i > 0 && s.Tags[i-1].Key >= t.Key {
			return bad("%.100s: tag %.100q=%.100q is not valid or not in order", s.Name, t.Key, t.Value)
		}
	}
	for _, f := range s.fields() {
		if !finite(*f) {
			return bad("%.100s: %v is not finite", s.Name, *f)
		}
	}
	return nil
}

func finite(v float64) bool { return v-v == 0 }

// validUnit reports whether no output's line can be broken by the text.
func validUnit(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// ParseBatch returns the batch that AppendBatch encoded as src, all of it.
// Its errors wrap [ErrBadBatch]. It keeps nothing of src, and allocates no
// more than a small multiple of its length.
func ParseBatch(src []byte) (*Batch, error) {
	switch n := len(src); {
	case n < batchHeader+batchTrailer || string(src[:3]) != batchMagic:
		return nil, bad("%d bytes that are none", n)
	case uint64(binary.LittleEndian.Uint32(src[4:])) != uint64(n-batchHeader-batchTrailer):
		return nil, bad("%d bytes, which its length denies", n)
	case binary.LittleEndian.Uint32(src[n-batchTrailer:]) != crc32.Checksum(src[:n-batchTrailer], castagnoli):
		return nil, bad("the checksum is wrong")
	case src[3] != batchVersion:
		return nil, bad("version %d is not known", src[3])
	}
	return parseBody(src[batchHeader : len(src)-batchTrailer])
}

func parseBody(src []byte) (*Batch, error) {
	d := decoder{rest: src}
	b := new(Batch)
	copy(b.ID.Job[:], d.take(len(b.ID.Job)))
	b.ID.Seq = d.uvarint()
	b.Start, b.End, b.Stamp = d.varint(), d.varint(), d.varint()
	b.Prefix, b.Suffix = d.str(), d.str()
	n := d.count(minSample)
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
