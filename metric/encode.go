package metric

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// AppendBatch appends the encoding of b, which must pass [Batch.Check], and
// returns the extended slice. It sorts the distributions of b, after which
// readers of b may run concurrently.
func AppendBatch(dst []byte, b *Batch) []byte {
	start := len(dst)
	dst = append(dst, batchMagic...)
	dst = append(dst, b.version(), 0, 0, 0, 0)
	dst = append(dst, b.ID.Job[:]...)
	dst = binary.AppendUvarint(dst, b.ID.Seq)
	dst = binary.AppendVarint(dst, b.Start)
	dst = binary.AppendVarint(dst, b.End)
	dst = binary.AppendVarint(dst, b.Stamp)
	if b.Late {
		dst = append(dst, isLate)
	}
	dst = appendString(dst, b.Prefix)
	dst = appendString(dst, b.Suffix)
	dst = binary.AppendUvarint(dst, uint64(len(b.Samples)))
	for i := range b.Samples {
		dst = b.Samples[i].append(dst)
	}
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-batchHeader))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// version is that of the batch's encoding.
func (b *Batch) version() byte {
	if b.Late {
		return lateVersion
	}
	return batchVersion
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
