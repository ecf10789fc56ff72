package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// The format of states; docs/state-format.md says what the files are for.
// Numbers of fixed width are little endian; uv and zv are unsigned and zigzag
// varints; text is a uv of the length and the bytes; [x] is a uv of how many
// and as many x.
//
//	state file                             payload
//	+-------------------+---------+        +----------------------------+--------------+
//	| "LMS"             | 3       |        | generation                 | uv           |
//	| version, 1        | 1       |        | key: job, parser, prefix,  | text each    |
//	| length of payload | 4       |        |   suffix                   |              |
//	| payload           | length  |        | key: options, outputs,     | [text] each  |
//	| crc32c of all     | 4       |        |   logs                     |              |
//	| that is above     |         |        | identity                   | 16           |
//	+-------------------+---------+        | seq                        | uv           |
//	                                       | end, first                 | zv, zv       |
//	queue file                             | dropped, damaged           | uv, uv       |
//	+-------------------+---------+        | [log]: path                | text         |
//	| state, as above,  |         |        |   device, inode            | uv, uv       |
//	| as of this batch  |         |        |   offset                   | uv           |
//	| batch, see metric |         |        |   head, mark               | 8, 8         |
//	+-------------------+---------+        |   lengths of head and mark | uv, uv       |
//	                                       |   prev, its length         | 8, uv        |
//	                                       |   cursor                   | text         |
//	                                       | [output]: name, seq taken  | text, uv     |
//	                                       | [open interval]: a batch   | text         |
//	                                       +----------------------------+--------------+
//
// Logs and outputs are sorted by name. A change of any of this is a new version.
const (
	magic   = "LMS"
	version = 1
	header  = 8 // magic, version, length
	trailer = 4 // checksum
)

// errNewer says that a file is whole, and of a version that is not known.
var errNewer = errors.New("written by a newer version of this program: use that one, or move the file away")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

func (k Key) append(dst []byte) []byte {
	for _, s := range []string{k.Job, k.Parser, k.Prefix, k.Suffix} {
		dst = appendText(dst, s)
	}
	for _, list := range [][]string{k.Options, k.Outputs, k.Logs} {
		dst = appendTexts(dst, list)
	}
	return dst
}

// append appends r as a state file.
func (r *record) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version, 0, 0, 0, 0)
	dst = r.appendPayload(dst)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-header))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func (r *record) appendPayload(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, r.gen)
	dst = r.Key.append(dst)
	dst = append(dst, r.Job[:]...)
	dst = binary.AppendUvarint(dst, r.Seq)
	dst = binary.AppendVarint(dst, r.End)
	dst = binary.AppendVarint(dst, r.First)
	dst = binary.AppendUvarint(dst, r.Dropped)
	dst = binary.AppendUvarint(dst, r.Damaged)
	dst = binary.AppendUvarint(dst, uint64(len(r.Logs)))
	for _, name := range slices.Sorted(maps.Keys(r.Logs)) {
		dst = r.Logs[name].append(appendText(dst, name))
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.Taken)))
	for _, name := range slices.Sorted(maps.Keys(r.Taken)) {
		dst = binary.AppendUvarint(appendText(dst, name), r.Taken[name])
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.open)))
	for _, b := range r.open {
		dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	}
	return dst
}

func (p Position) append(dst []byte) []byte {
	for _, v := range []uint64{p.Dev, p.Inode, uint64(p.Offset)} {
		dst = binary.AppendUvarint(dst, v)
	}
	dst = binary.LittleEndian.AppendUint64(dst, p.Head)
	dst = binary.LittleEndian.AppendUint64(dst, p.Mark)
	dst = binary.AppendUvarint(dst, uint64(p.HeadLen))
	dst = binary.AppendUvarint(dst, uint64(p.MarkLen))
	dst = binary.LittleEndian.AppendUint64(dst, p.Prev)
	dst = binary.AppendUvarint(dst, uint64(p.PrevLen))
	return appendText(dst, p.Cursor)
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// parseRecord returns the record that src begins with, and what follows it.
// Its errors wrap ErrCorrupt, or errNewer.
func parseRecord(src []byte) (r *record, rest []byte, err error) {
	if len(src) < header+trailer || string(src[:len(magic)]) != magic {
		return nil, nil, corrupt("%d bytes that are no state", len(src))
	}
	n := uint64(binary.LittleEndian.Uint32(src[4:])) + header
	if n+trailer > uint64(len(src)) {
		return nil, nil, corrupt("it is cut at %d of %d bytes", len(src), n+trailer)
	}
	// The checksum comes first: one flipped bit must not look like a version.
	if crc32.Checksum(src[:n], castagnoli) != binary.LittleEndian.Uint32(src[n:]) {
		return nil, nil, corrupt("the checksum is wrong")
	}
	if src[3] != version {
		return nil, nil, fmt.Errorf("version %d: %w", src[3], errNewer)
	}
	d := decoder{rest: src[header:n]}
	r = d.record()
	if d.failed || len(d.rest) > 0 {
		return nil, nil, corrupt("a number in it is out of range")
	}
	for _, b := range r.open {
		if _, err := metric.ParseBatch(b); err != nil {
			return nil, nil, corrupt("an open interval: %v", err)
		}
	}
	return r, src[n+trailer:], nil
}

// decoder reads a payload; after the first thing that is wrong it is failed
// and returns zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
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

// length reads an offset or length in bytes, which is never negative.
func (d *decoder) length() int64 {
	v := d.uvarint()
	if v > math.MaxInt64 {
		d.fail()
		return 0
	}
	return int64(v)
}

func (d *decoder) fixed() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
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

func (d *decoder) text() string { return string(d.take(d.count(1))) }

func (d *decoder) texts() (list []string) {
	for n := d.count(1); n > 0; n-- {
		list = append(list, d.text())
	}
	return list
}

func (d *decoder) record() *record {
	r := &record{gen: d.uvarint()}
	k := &r.Key
	k.Job, k.Parser, k.Prefix, k.Suffix = d.text(), d.text(), d.text(), d.text()
	k.Options, k.Outputs, k.Logs = d.texts(), d.texts(), d.texts()
	copy(r.Job[:], d.take(len(r.Job)))
	r.Seq = d.uvarint()
	r.End, r.First = d.varint(), d.varint()
	r.Dropped, r.Damaged = d.uvarint(), d.uvarint()
	const position = 32 // bytes of the shortest log
	n := d.count(position)
	r.Logs = make(map[string]Position, n)
	for range n {
		name := d.text()
		r.Logs[name] = d.position()
	}
	n = d.count(2)
	r.Taken = make(map[string]uint64, n)
	for range n {
		name := d.text()
		r.Taken[name] = d.uvarint()
	}
	for n := d.count(1); n > 0; n-- {
		r.open = append(r.open, slices.Clone(d.take(d.count(1))))
	}
	return r
}

func (d *decoder) position() Position {
	return Position{
		Dev: d.uvarint(), Inode: d.uvarint(), Offset: d.length(),
		Head: d.fixed(), Mark: d.fixed(),
		HeadLen: d.length(), MarkLen: d.length(),
		Prev: d.fixed(), PrevLen: d.length(),
		Cursor: d.text(),
	}
}
