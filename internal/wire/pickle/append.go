// Package pickle is carbon's pickle protocol, both directions: frames of a
// 4-byte big-endian length and a Python pickle of [(name, (time, value)), ...].
//
//	+----------------+-----------------------------------------------+
//	| length, 4 B BE | PROTO 2, ], (, points ..., e, .               |
//	+----------------+-----------------------------------------------+
//	point: X len(4 B LE) name, J time(4 B LE), G value(8 B BE), \x86, \x86
//
// It promises that what [AppendPoint] writes Python, og-rek and [Decoder] read
// back equal, and that Decoder executes nothing: it knows the opcodes of
// strings, numbers, tuples, lists and the memo, refuses all others, and uses
// memory and time in proportion to the frame. Start from those two.
package pickle

import (
	"encoding/binary"
	"math"
)

// MaxFrame is the length in bytes, without the length itself, of the longest
// frame that carbon takes.
const MaxFrame = 1 << 20

// HeaderLen is the length in bytes of the length that precedes each frame.
const HeaderLen = 4

// The opcodes that are written, of protocol 2.
const (
	opProto   = 0x80
	opList    = ']'
	opMark    = '('
	opUnicode = 'X' // 4 B LE length, UTF-8
	opInt32   = 'J' // 4 B LE
	opLong1   = 0x8a
	opFloat   = 'G' // 8 B BE
	opTuple2  = 0x86
	opAppends = 'e'
	opStop    = '.'
)

// AppendHeader begins a frame.
func AppendHeader(dst []byte) []byte {
	return append(dst, 0, 0, 0, 0, opProto, 2, opList, opMark)
}

// AppendPoint adds a point to the frame begun by AppendHeader. unix is in
// Unix seconds.
func AppendPoint(dst, name []byte, unix int64, value float64) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, opUnicode), uint32(len(name)))
	dst = append(dst, name...)
	if unix == int64(int32(unix)) {
		dst = binary.LittleEndian.AppendUint32(append(dst, opInt32), uint32(unix))
	} else {
		dst = binary.LittleEndian.AppendUint64(append(dst, opLong1, 8), uint64(unix))
	}
	dst = binary.BigEndian.AppendUint64(append(dst, opFloat), math.Float64bits(value))
	return append(dst, opTuple2, opTuple2)
}

// Finish ends the frame that begins at frame[0] and writes its length.
func Finish(frame []byte) []byte {
	frame = append(frame, opAppends, opStop)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-HeaderLen))
	return frame
}
