package frame

import (
	"encoding/binary"
	"math/bits"
)

// The bits of the first byte of a column.
const (
	orderMask = 3
	refBit    = 1 << 2 // a reference was taken away
	floatBit  = 1 << 3 // the integers are ordered floats, else decimals
	fixBit    = 1 << 4 // a column of corrections follows
)

func zigzag(x int64) uint64   { return uint64(x<<1) ^ uint64(x>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// costs returns about how many bits x needs in orders 0, 1 and 2, when order 0
// starts from base.
func costs(x []int64, base int64) (c [3]int) {
	before, step := x[0], int64(0)
	c[1], c[2] = startCost, 2*startCost
	for i, v := range x {
		d := v - before
		c[0] += bits.Len64(zigzag(v - base))
		c[1] += bits.Len64(zigzag(d))
		if i > 1 {
			c[2] += bits.Len64(zigzag(d - step))
		}
		before, step = v, d
	}
	return c
}

// startCost is what a higher order must save, in bits, for its start is beside
// the planes.
const startCost = 8

// mean returns about the middle of x; which one does not matter, but for size.
func mean(x []int64) int64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return int64(sum / float64(len(x)))
}

// appendColumn appends n integers; x is used up. ref is nil or as long as x.
func (e *Encoder) appendColumn(dst []byte, kind byte, x, ref []int64) []byte {
	base := mean(x)
	best := costs(x, base)
	if ref != nil {
		y := grow(e.less, len(x))
		e.less = y
		for i := range y {
			y[i] = x[i] - ref[i]
		}
		b := mean(y)
		if c := costs(y, b); min(c[0], c[1], c[2]) < min(best[0], best[1], best[2]) {
			x, base, best, kind = y, b, c, kind|refBit
		}
	}
	order := 0
	for o, c := range best {
		if c < best[order] {
			order = o
		}
	}
	return appendResiduals(dst, kind|byte(order), x, base)
}

func appendResiduals(dst []byte, kind byte, x []int64, base int64) []byte {
	order := int(kind & orderMask)
	all := uint64(0)
	start := [2]int64{base}
	switch order {
	case 0:
		for i, v := range x {
			x[i] = int64(zigzag(v - base))
			all |= uint64(x[i])
		}
	case 1:
		start[0] = x[0]
		for i := len(x) - 1; i > 0; i-- {
			x[i] = int64(zigzag(x[i] - x[i-1]))
			all |= uint64(x[i])
		}
		x = x[1:]
	default: // there are at least 2, else order 2 would not be smaller
		start[0], start[1] = x[0], x[1]-x[0]
		for i := len(x) - 1; i > 1; i-- {
			x[i] = int64(zigzag(x[i] - 2*x[i-1] + x[i-2]))
			all |= uint64(x[i])
		}
		x = x[2:]
	}
	mask := byte(0)
	for p := range 8 {
		if all>>(8*p)&0xFF != 0 {
			mask |= 1 << p
		}
	}
	dst = append(dst, kind, mask)
	dst = binary.AppendVarint(dst, start[0])
	if order == 2 {
		dst = binary.AppendVarint(dst, start[1])
	}
	return appendPlanes(dst, x, mask)
}

func appendPlanes(dst []byte, x []int64, mask byte) []byte {
	for ; mask != 0; mask &= mask - 1 {
		shift := 8 * bits.TrailingZeros8(mask)
		at := len(dst)
		dst = append(dst, make([]byte, len(x))...)
		plane := dst[at:]
		for i, v := range x {
			plane[i] = byte(uint64(v) >> shift)
		}
	}
	return dst
}

// column reads n integers into x, as they were before a reference was taken
// away, and returns its first byte.
func (r *reader) column(x []int64) (kind byte) {
	kind, mask := r.byte(), r.byte()
	order := int(kind & orderMask)
	if order == 3 || order == 2 && len(x) < 2 || kind > 2*fixBit-1 {
		r.bad = true
	}
	first, step := r.varint(), int64(0)
	if order == 2 {
		step = r.varint()
	}
	if r.bad {
		clear(x)
		return kind
	}
	rest := x[order:]
	if !r.planes(rest, mask) {
		clear(x)
		return kind
	}
	switch order {
	case 0:
		for i, v := range rest {
			rest[i] = first + unzigzag(uint64(v))
		}
	case 1:
		x[0] = first
		for i, v := range rest {
			first += unzigzag(uint64(v))
			rest[i] = first
		}
	default:
		x[0], x[1] = first, first+step
		first += step
		for i, v := range rest {
			step += unzigzag(uint64(v))
			first += step
			rest[i] = first
		}
	}
	return kind
}

// plain reads a column that can only be integers.
func (r *reader) plain(x []int64) {
	if r.column(x)&^orderMask != 0 {
		r.bad = true
	}
}

// planes puts the bytes of the planes together.
func (r *reader) planes(x []int64, mask byte) bool {
	if len(r.b) < len(x)*bits.OnesCount8(mask) {
		r.bad = true
		return false
	}
	if mask == 0 {
		clear(x)
		return true
	}
	for fresh := true; mask != 0; mask &= mask - 1 {
		plane := r.b[:len(x)]
		r.b = r.b[len(x):]
		shift := 8 * bits.TrailingZeros8(mask)
		if fresh {
			for i, b := range plane {
				x[i] = int64(b) << shift
			}
			fresh = false
			continue
		}
		for i, b := range plane {
			x[i] |= int64(b) << shift
		}
	}
	return true
}
