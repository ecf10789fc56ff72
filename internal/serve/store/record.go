package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/logmetrics/logmetrics/metric"
)

// A record of the log is its number, u64 LE, and a sequence of parts, each a byte
// that tells its kind and what belongs to it. Numbers are varints but where said.
//
//	'N' id, hint u8, method u8, tiers n {step, keep}, len, name   a new series
//	'P' n, first second, n puts                                   values
//	'A' n, first second, n puts                                   values that add to those of their second
//	'M' id, second, count, sum, min, max, m2, last (float64 LE)   a bucket
//	'C' job [16]byte, seq, second                                 a batch is here
//	'D' id                                                        deleted
//	'R' id, len, name                                             has a new name
//	'K' len, key, len + 1, value                                  kept beside series; length 0: dropped
//
// A put is a control byte, the id as the difference from the one before
// (zigzag), the second likewise, and the value:
//
//	control  bits 0-3: bytes of the value, 0..8; bits 4-7: how many seconds after
//	         the one before, 15: a zigzag varint follows the id
//	value    the float64's bytes from the most significant on, as many as are
//	         not zero at the end: small whole numbers are two or three bytes
const (
	partName   = 'N'
	partPuts   = 'P'
	partAdds   = 'A'
	partMerge  = 'M'
	partCommit = 'C'
	partDelete = 'D'
	partRename = 'R'
	partKeep   = 'K'
)

var errRecord = errors.New("damaged record")

// putEncoder appends puts to a record.
type putEncoder struct {
	id   int64
	unix int64
}

func (e *putEncoder) append(dst []byte, id ID, second uint32, v float64) []byte {
	u := math.Float64bits(v)
	n := 8 - bits.TrailingZeros64(u)/8
	delta := int64(second) - e.unix
	control := byte(n)
	if uint64(delta) < 15 {
		control |= byte(delta) << 4
	} else {
		control |= 15 << 4
	}
	dst = append(dst, control)
	dst = binary.AppendVarint(dst, int64(id)-e.id)
	if control>>4 == 15 {
		dst = binary.AppendVarint(dst, delta)
	}
	e.id, e.unix = int64(id), int64(second)
	l := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, u)
	return dst[:l+n]
}

func appendName(dst []byte, id ID, hint, method metric.Method, tiers []tier, name string) []byte {
	dst = append(dst, partName)
	dst = binary.AppendUvarint(dst, uint64(id))
	dst = append(dst, byte(hint), byte(method))
	dst = appendTiers(dst, tiers)
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	return append(dst, name...)
}

func appendTiers(dst []byte, tiers []tier) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(tiers)))
	for _, t := range tiers {
		dst = binary.AppendUvarint(dst, uint64(t.step))
		dst = binary.AppendUvarint(dst, uint64(t.keep))
	}
	return dst
}

func appendMerge(dst []byte, id ID, second uint32, b metric.Bucket) []byte {
	dst = append(dst, partMerge)
	dst = binary.AppendUvarint(dst, uint64(id))
	dst = binary.AppendUvarint(dst, uint64(second))
	return appendBucket(dst, b)
}

func appendBucket(dst []byte, b metric.Bucket) []byte {
	dst = binary.AppendUvarint(dst, b.Count)
	for _, v := range [...]float64{b.Sum, b.Min, b.Max, b.M2, b.Last} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func appendCommit(dst []byte, id metric.BatchID, second uint32) []byte {
	dst = append(dst, partCommit)
	dst = append(dst, id.Job[:]...)
	dst = binary.AppendUvarint(dst, id.Seq)
	return binary.AppendUvarint(dst, uint64(second))
}

// replayer is told of a record's parts, in order. Slices are valid during the call.
type replayer interface {
	name(id ID, hint, method metric.Method, tiers []tier, name []byte) error
	put(id ID, second uint32, v float64) error
	add(id ID, second uint32, v float64) error
	merge(id ID, second uint32, b metric.Bucket) error
	commit(id metric.BatchID, second uint32) error
	remove(id ID) error
	rename(id ID, name []byte) error
	keep(key string, value []byte) error // nil: dropped
}

// recordHead is the room that a record begins with.
const recordHead = 8

// newRecord returns dst as a record without parts.
func newRecord(dst []byte) []byte { return append(dst[:0], make([]byte, recordHead)...) }

// numbered sets a record's number.
func numbered(record []byte, n uint64) []byte {
	binary.LittleEndian.PutUint64(record, n)
	return record
}

// replay reads a record, of which begin was told the number.
func replay(record []byte, begin func(n uint64), r replayer) error {
	if len(record) < recordHead {
		return errRecord
	}
	begin(binary.LittleEndian.Uint64(record))
	d := decoder{buf: record[recordHead:]}
	for len(d.buf) > 0 && !d.bad {
		if err := d.part(r); err != nil {
			return err
		}
	}
	if d.bad {
		return errRecord
	}
	return nil
}

// decoder reads numbers from buf; after bad all are 0.
type decoder struct {
	buf []byte
	bad bool
}

func (d *decoder) part(r replayer) error {
	switch kind := d.byte(); kind {
	case partName:
		id, hint, method := d.id(), d.method(), d.method()
		tiers := d.tiers()
		name := d.bytes()
		return d.unless(func() error { return r.name(id, hint, method, tiers, name) })
	case partPuts:
		return d.puts(r.put)
	case partAdds:
		return d.puts(r.add)
	case partMerge:
		id, second, b := d.id(), d.uint32(), d.bucket()
		return d.unless(func() error { return r.merge(id, second, b) })
	case partCommit:
		var id metric.BatchID
		copy(id.Job[:], d.take(len(id.Job)))
		id.Seq = d.uvarint()
		second := d.uint32()
		return d.unless(func() error { return r.commit(id, second) })
	case partDelete:
		id := d.id()
		return d.unless(func() error { return r.remove(id) })
	case partRename:
		id, name := d.id(), d.bytes()
		return d.unless(func() error { return r.rename(id, name) })
	case partKeep:
		key, value := string(d.bytes()), d.optional()
		return d.unless(func() error { return r.keep(key, value) })
	default:
		return fmt.Errorf("%w: part of kind %d", errRecord, kind)
	}
}

// unless calls f when nothing was bad so far.
func (d *decoder) unless(f func() error) error {
	if d.bad {
		return errRecord
	}
	return f()
}

func (d *decoder) puts(put func(id ID, second uint32, v float64) error) error {
	n, id, unix := d.uvarint(), int64(0), int64(d.uvarint())
	for ; n > 0 && !d.bad; n-- {
		control := d.byte()
		id += d.varint()
		if delta := int64(control >> 4); delta < 15 {
			unix += delta
		} else {
			unix += d.varint()
		}
		var raw [8]byte
		size := int(control & 15)
		if size > 8 || id < 0 || id > math.MaxUint32 || unix < 0 || unix > math.MaxUint32 {
			return errRecord
		}
		copy(raw[:], d.take(size))
		if d.bad {
			break
		}
		if err := put(ID(id), uint32(unix), math.Float64frombits(binary.BigEndian.Uint64(raw[:]))); err != nil {
			return err
		}
	}
	if d.bad {
		return errRecord
	}
	return nil
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.buf) {
		d.bad = true
		return nil
	}
	out := d.buf[:n]
	d.buf = d.buf[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.buf)
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) uint32() uint32 {
	v := d.uvarint()
	if v > math.MaxUint32 {
		d.bad = true
	}
	return uint32(v)
}

func (d *decoder) id() ID { return ID(d.uint32()) }

func (d *decoder) method() metric.Method { return metric.Method(d.byte()) }

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.buf)) {
		d.bad = true
		return nil
	}
	return d.take(int(n))
}

// optional returns bytes that may not be there: nil.
func (d *decoder) optional() []byte {
	switch n := d.uvarint(); {
	case n > uint64(len(d.buf))+1:
		d.bad = true
		return nil
	case n == 0:
		return nil
	default:
		return d.take(int(n - 1))
	}
}

func (d *decoder) float() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) bucket() (b metric.Bucket) {
	b.Count = d.uvarint()
	b.Sum, b.Min, b.Max, b.M2, b.Last = d.float(), d.float(), d.float(), d.float(), d.float()
	return b
}

// maxTiers is how many tiers a series may have.
const maxTiers = 16

func (d *decoder) tiers() []tier {
	n := d.uvarint()
	if n > maxTiers {
		d.bad = true
		return nil
	}
	out := make([]tier, n)
	for i := range out {
		out[i] = tier{d.uint32(), d.uint32()}
		if out[i].step == 0 {
			d.bad = true
		}
	}
	return out
}

// appendPuts appends the part of puts, or of adds.
func appendPuts(dst []byte, samples []sample) []byte {
	kind := byte(partPuts)
	if samples[0].id&isAdd != 0 {
		kind = partAdds
	}
	dst = append(dst, kind)
	dst = binary.AppendUvarint(dst, uint64(len(samples)))
	dst = binary.AppendUvarint(dst, uint64(samples[0].second))
	e := putEncoder{unix: int64(samples[0].second)}
	for _, s := range samples {
		dst = e.append(dst, s.id&onlyID, s.second, s.value)
	}
	return dst
}

func appendDelete(dst []byte, id ID) []byte {
	return binary.AppendUvarint(append(dst, partDelete), uint64(id))
}

func appendRename(dst []byte, id ID, name []byte) []byte {
	dst = binary.AppendUvarint(append(dst, partRename), uint64(id))
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	return append(dst, name...)
}

// appendKeep appends the part of a value kept beside series, nil: of none.
func appendKeep(dst []byte, key string, value []byte) []byte {
	dst = binary.AppendUvarint(append(dst, partKeep), uint64(len(key)))
	dst = append(dst, key...)
	if value == nil {
		return binary.AppendUvarint(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(value))+1), value...)
}
