// Package frame turns the buckets of 64 neighbouring series into bytes and back.
//
// A [Frame] comes back as it was, to the last bit of each float64 (-0, NaN and
// denormals included), but for M2, which keeps the 24 bits of mantissa that a
// float32 has. Bytes that are damaged give an error that wraps [ErrCorrupt],
// never other values, and never more memory than a frame of MaxBuckets needs.
//
// It knows nothing of series, tiers or files. Start from [Encoder] and [Decoder].
//
// Numbers are little endian; uv is an unsigned varint, zz a zigzag varint.
//
//	frame                              group, before zstd: for each of its rows
//	0 +---------------------------+    +----------------------------------+
//	  | version, 1                |    | uv length of what follows        |
//	1 | crc32c of all but itself  |    | flags: 1 there, 2 no bucket is   |
//	5 | zz Start, uv Step, uv N   |    |   missing, 4 one column;         |
//	  | uv groups                 |    |   exponent << 4                  |
//	  | per group: uv rows,       |    | when buckets are missing: a bit  |
//	  |   uv bytes, uv in zstd    |    |   for each that is there         |
//	  |   (0: stored as it is)    |    | columns: Last; or Count, Last,   |
//	  | groups                    |    |   Min, Max, Sum, M2              |
//	  +---------------------------+    +----------------------------------+
//
//	column of n numbers
//	0 +---------------------------+
//	  | bits 0-1 order, 2 ref,    |
//	  |   3 floats, 4 corrections |
//	1 | planes that are not zero  |
//	2 | zz start, zz first step   |
//	  | planes of n-order bytes   |
//	  +---------------------------+
//
// A column is made of integers: counts; or values times 10^exponent, where they
// are decimals of at most 15 places; or the bits of the floats, in an order in
// which neighbours are near each other. From them a reference is taken away when
// that helps: Last, for Sum Count times Last. What is left is written as
// differences from start (order 0), as differences of neighbours (1) or of those
// (2): zigzagged, first all lowest bytes, then all second ones, and so on; planes
// of zeroes are left out. Bit packing would be smaller here, but is not after
// zstd, which finds neither bytes nor repetitions in it. A value that is beside a
// decimal, as sums of decimals are, is a decimal and a second column of
// corrections in units of its last place.
//
// A row whose buckets all have one value has one column, not six.
package frame

import (
	"errors"
	"fmt"
)

// Rows is how many series a frame has.
const Rows = 64

// MaxBuckets is the most buckets that a frame may have; about 720 are meant.
const MaxBuckets = 4096

// version is the first byte of a frame.
const version = 1

// ErrCorrupt is wrapped when bytes are no frame, or are damaged.
var ErrCorrupt = errors.New("frame is damaged")

func corrupt(what string) error { return fmt.Errorf("%s: %w", what, ErrCorrupt) }

// Frame is the buckets of up to 64 series: bucket i begins at Start + i*Step.
type Frame struct {
	Start int64 // Unix seconds
	Step  int64 // seconds, at least 1
	N     int   // buckets of each row
	Rows  [Rows]Row
}

// Row is the buckets of one series. The slices have N values each, or all are
// nil when the series is not in the frame. A bucket whose Count is 0 is not
// there; Decode makes its other values 0.
type Row struct {
	Count                   []uint64
	Sum, Min, Max, M2, Last []float64
}

// resize makes the slices n long, and keeps the memory.
func (r *Row) resize(n int) {
	r.Count = grow(r.Count, n)
	r.Sum, r.Min, r.Max = grow(r.Sum, n), grow(r.Min, n), grow(r.Max, n)
	r.M2, r.Last = grow(r.M2, n), grow(r.Last, n)
}

// empty says that the series is not there, and keeps the memory.
func (r *Row) empty() {
	r.resize(0)
	r.Count = nil
}

// grow returns s with n values, which may be anything.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
