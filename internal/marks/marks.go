// Package marks notes where certain bytes stand, at many places in one pass:
// those that divide the heads of syslog lines, and those that divide fields.
//
// What comes next in a log cannot be foretold. A search that ends where it finds
// something costs a mispredicted branch each time; here 64 bytes are looked at at
// once, with AVX2, and what is found is worked out without a branch. Where that
// cannot be done, on another processor or near the end of the data, nothing is
// noted, and the caller reads there byte by byte. It promises that what is noted
// is right, allocates nothing, and judges no content. Start from [Heads].
package marks

import (
	"encoding/binary"
	"math/bits"
)

// Window is how many bytes from a line's start or a place on are looked at, at
// most: the last ones of a block are left to the caller.
const Window = 320

// Head is how a line starts that reads "STAMP HOST NAME[PID]: TEXT".
type Head struct {
	Key  uint64 // the eight bytes from Word on, little-endian
	At   uint32 // index in the data of NAME
	Name uint8  // length of NAME
	Text uint8  // where TEXT starts, from At on; 0: the line is not like this, and nothing else here holds
	Word uint8  // where TEXT's first ' ' or ':' is, from At on
}

// Heads notes in dst the heads of the lines that start at from and behind each
// of ends but the last, and end at ends; len(dst) is len(ends) or more. Text is 0
// when the stamp is not like the given one, for a host of more than 63 bytes, a
// space or ':' in NAME or PID, a TEXT that starts with a space or has no word
// end with seven bytes behind it, and for what is further than 64 bytes from At.
func Heads(dst []Head, data []byte, from int, ends []uint32, stamp *Stamp) {
	n := 0
	if fast && stamp.len > 0 {
		n = len(ends)
		for n > 0 && (n > 1 && int(ends[n-2])+1+Window > len(data) || n == 1 && from+Window > len(data)) {
			n--
		}
	}
	heads(dst, data, from, ends[:n], stamp)
	clear(dst[n:len(ends)])
}

// Stamp is the form of a time stamp. The zero value is like none.
type Stamp struct {
	want, care [64]byte // a line b is like it when b[i]&care[i] is want[i] for each i
	len        int
}

// RFC3164 is the form of "Nov 21 03:08:44".
var RFC3164 = Stamp{
	want: [64]byte{3: ' ', 6: ' ', 9: ':', 12: ':', 15: ' '},
	care: [64]byte{3: 0xff, 6: 0xff, 9: 0xff, 12: 0xff, 15: 0xff},
	len:  15,
}

// Like returns the form of stamp, up to 63 bytes that a space follows: digits
// may be others, and any of ":;<=>?" may be in their place; all else is the same.
func Like(stamp []byte) (s Stamp) {
	if len(stamp) >= len(s.want) {
		return s
	}
	for i, c := range stamp {
		s.want[i], s.care[i] = c, 0xff
		if c-'0' <= 9 {
			s.want[i], s.care[i] = '0', 0xf0
		}
	}
	s.want[len(stamp)], s.care[len(stamp)], s.len = ' ', 0xff, len(stamp)
	return s
}

// Fields is where in the 256 bytes from a place on fields are divided, and what
// is before it.
type Fields struct {
	Comma [40]byte // a bit for each ',', from the lowest of the first byte on; then zeros
	Angle uint64   // a bit for each '>' or '"' within the first 64
	Word  uint16   // a bit for each of the 16 bytes before that are in the set; the last is the highest
}

// Words reports whether the n bytes before the place, at most 16, are in the set.
func (f *Fields) Words(n uint8) bool { return n <= 16 && ^f.Word>>(16-n) == 0 }

// Set is a set of ASCII characters.
type Set struct {
	high [16]byte // by the low nibble, a bit for each high one
}

// NewSet returns the set of the bytes of s, which are ASCII.
func NewSet(s string) *Set {
	set := new(Set)
	for _, c := range []byte(s) {
		set.high[c&15] |= 1 << (c >> 4)
	}
	return set
}

// FieldsAt notes in dst what is at the given places of data, behind them and
// before; nothing at those with less than 16 bytes before them or Window from
// there on. The places ascend, and len(dst) is len(at) or more.
func FieldsAt(dst []Fields, data []byte, at []uint32, set *Set) {
	n := 0
	if fast && len(at) > 0 && at[0] >= 16 {
		n = len(at)
		for n > 0 && int(at[n-1])+Window > len(data) {
			n--
		}
	}
	fields(dst, data, at[:n], set)
	clear(dst[n:len(at)])
}

// Next returns where the first ',' at or behind i is; ok is false when none is
// within about 56 bytes, or noted.
func (f *Fields) Next(i int) (at int, ok bool) {
	if uint(i) >= 8*32 {
		return 0, false
	}
	w := binary.LittleEndian.Uint64(f.Comma[i>>3:]) >> (i & 7)
	return i + bits.TrailingZeros64(w), w != 0
}
