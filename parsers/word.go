package parsers

import "encoding/binary"

// What is here looks at eight bytes at a time, without a branch for each.

// load reads eight bytes at i, the first as the lowest.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

const ones, tops = 0x0101010101010101, 0x8080808080808080 // of each byte

// hasByte sets the top bit of the lowest byte of w that is c. It is 0 when none
// is; bits above the lowest one that is set mean nothing.
func hasByte(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return (w - ones) &^ w & tops
}
