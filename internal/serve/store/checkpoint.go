package store

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

// A block's checkpoint is what a seal leaves of 64 series in the head.
//
//	0 +----------------------------+
//	  | version, 1                 |
//	1 | uv records up to here      |  the log's records that are in it
//	  | u64 LE: the series there   |
//	  | per series:                |
//	  |   flags u8, uv newest      |
//	  |   uv open, uv putAt        |
//	  |   value, f64 LE if putAt   |
//	  |   bucket: the base         |
//	  |   uv coarser tiers, each:  |
//	  |     uv start, uv lastAt,   |
//	  |     bucket                 |
//	  |   uv closed, each:         |
//	  |     tier u8, uv start,     |
//	  |     bucket                 |
//	  |   uv late, each:           |
//	  |     tier u8 (bit 7: Put,   |
//	  |       bit 6: it adds),     |
//	  |     uv start, bucket       |
//	  +----------------------------+
//
// A bucket is uv Count; 0 has nothing more, 1 the value, others Sum, Min, Max,
// M2 and Last, each f64 LE. All is checked by the sums of Pebble's blocks.

const checkpointVersion = 1

func appendCheckpoint(dst []byte, h *head, number uint32, upto uint64) []byte {
	b := h.blocks[number]
	dst = append(dst, checkpointVersion)
	dst = binary.AppendUvarint(dst, upto)
	at := len(dst)
	dst = append(dst, make([]byte, 8)...)
	var live uint64
	for i := range b.series {
		s := &b.series[i]
		if s.flags&flagLive == 0 {
			continue
		}
		live |= 1 << i
		dst = h.appendSeries(dst, s)
		dst = h.late.append(dst, ID(number*frameSeries)+ID(i))
	}
	binary.LittleEndian.PutUint64(dst[at:], live)
	return dst
}

func (h *head) appendSeries(dst []byte, s *series) []byte {
	dst = binary.AppendUvarint(append(dst, s.flags), uint64(s.newest))
	dst = binary.AppendUvarint(dst, uint64(s.open))
	dst = binary.AppendUvarint(dst, uint64(s.putAt))
	if s.putAt != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.value))
	}
	var base metric.Bucket
	if s.base != 0 {
		base = *h.bases.at(s.base)
	}
	dst = appendPacked(dst, base)
	tiers := h.sets[s.set].tiers
	dst = binary.AppendUvarint(dst, uint64(len(tiers)-1))
	for i := s.coarse; i != 0; {
		c := h.coarses.at(i)
		dst = binary.AppendUvarint(dst, uint64(c.start))
		dst = binary.AppendUvarint(dst, uint64(c.lastAt))
		dst = appendPacked(dst, c.bucket)
		i = c.next
	}
	n := 0
	h.eachClosed(s, func(int, uint32, metric.Bucket) { n++ })
	dst = binary.AppendUvarint(dst, uint64(n))
	h.eachClosed(s, func(k int, start uint32, b metric.Bucket) {
		dst = append(dst, byte(k))
		dst = binary.AppendUvarint(dst, uint64(start))
		dst = appendPacked(dst, b)
	})
	return dst
}

// eachClosed yields the closed buckets of all tiers, in no order.
func (h *head) eachClosed(s *series, yield func(k int, start uint32, b metric.Bucket)) {
	step := h.sets[s.set].tiers[0].step
	for i := s.runs; i != 0; {
		r := h.runs.at(i)
		for n := range uint32(runValues) {
			if r.mask>>n&1 == 1 {
				yield(0, r.start+n*step, valueBucket(r.values[n]))
			}
		}
		i = r.next
	}
	for i := s.wide; i != 0; {
		w := h.wides.at(i)
		yield(int(w.tier), w.start, w.bucket)
		i = w.next
	}
}

// isValue reports whether b is what one Put makes.
func isValue(b metric.Bucket) bool { return b == valueBucket(b.Last) }

func appendPacked(dst []byte, b metric.Bucket) []byte {
	switch {
	case b.Count == 0:
		return append(dst, 0)
	case isValue(b):
		return binary.LittleEndian.AppendUint64(append(dst, 1), math.Float64bits(b.Last))
	}
	return appendBucket(append(dst, 2), b)
}

func (d *decoder) packed() metric.Bucket {
	switch d.byte() {
	case 0:
		return metric.Bucket{}
	case 1:
		return valueBucket(d.float())
	case 2:
		return d.bucket()
	}
	d.bad = true
	return metric.Bucket{}
}

func (l *lateOps) append(dst []byte, id ID) []byte {
	dst = binary.AppendUvarint(dst, uint64(l.of[id].n))
	l.scratch = l.list(l.scratch[:0], id)
	for _, op := range l.scratch {
		dst = append(dst, op.kind())
		dst = binary.AppendUvarint(dst, uint64(op.start))
		dst = appendPacked(dst, op.bucket)
	}
	return dst
}

// loadCheckpoint puts a block's checkpoint into the head, whose series are there.
// It returns up to which record of the log the block has all.
func (h *head) loadCheckpoint(number uint32, src []byte) (upto uint64, err error) {
	d := decoder{buf: src}
	if v := d.byte(); v != checkpointVersion {
		return 0, fmt.Errorf("checkpoint of version %d: %w", v, ErrVersion)
	}
	upto = d.uvarint()
	var live uint64
	if raw := d.take(8); raw != nil {
		live = binary.LittleEndian.Uint64(raw)
	}
	for i := range frameSeries {
		if live>>i&1 == 0 || d.bad {
			continue
		}
		id := ID(number*frameSeries) + ID(i)
		s := h.find(id)
		if s == nil { // deleted since
			s = &series{}
		}
		h.loadSeries(&d, id, s)
	}
	if d.bad {
		return upto, fmt.Errorf("checkpoint of block %d: %w", number, errRecord)
	}
	return upto, nil
}

func (h *head) loadSeries(d *decoder, id ID, s *series) {
	there := s.flags&flagLive != 0
	s.flags |= d.byte() & flagMerged
	s.newest = d.uint32()
	s.open, s.putAt = d.uint32(), d.uint32()
	if s.putAt != 0 {
		s.value = d.float()
	}
	if b := d.packed(); b.Count > 0 && there {
		*h.baseOf(s) = b
	}
	n := int(d.uvarint())
	for k := 1; k <= n && !d.bad; k++ {
		start, lastAt, b := d.uint32(), d.uint32(), d.packed()
		if c := h.coarseAt(s, k); c != nil && there {
			c.start, c.lastAt, c.bucket = start, lastAt, b
		}
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		k, start, b := d.byte(), d.uint32(), d.packed()
		if there && !d.bad && int(k) < len(h.sets[s.set].tiers) {
			h.keep(s, k, start, b)
		}
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		kind, start, b := d.byte(), d.uint32(), d.packed()
		if there && !d.bad {
			h.late.add(id, lateOf(kind, start, b))
		}
	}
}

// keep keeps a closed bucket where it takes the least room.
func (h *head) keep(s *series, k uint8, start uint32, b metric.Bucket) {
	if k == 0 && isValue(b) {
		h.keepValue(s, start, b.Last)
		return
	}
	h.keepWide(s, k, start, b)
}
