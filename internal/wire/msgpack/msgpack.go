// Package msgpack writes MessagePack, as https://github.com/msgpack/msgpack/blob/master/spec.md
// has it: the forms that nodes of a Graphite cluster send each other.
//
// It promises the shortest form of lengths and integers, and that any reader gets
// the same values. It does not read. Start from the Append functions; whoever calls
// [AppendMap] or [AppendArray] appends as many items after it.
package msgpack

import (
	"encoding/binary"
	"math"
)

// The first bytes of values. Short ones hold the value or its length, too.
const (
	fixMap    = 0x80 // to 15 pairs
	fixArray  = 0x90 // to 15 items
	fixString = 0xa0 // to 31 bytes
	codeNil   = 0xc0
	codeFalse = 0xc2
	codeTrue  = 0xc3
	float64s  = 0xcb
	uint8s    = 0xcc // 16, 32 and 64 bits follow
	int8s     = 0xd0 // 16, 32 and 64 bits follow
	string8   = 0xd9 // 16 and 32 bits follow
	array16   = 0xdc // 32 bits follow
	map16     = 0xde // 32 bits follow
)

// AppendNil appends nothing.
func AppendNil(dst []byte) []byte { return append(dst, codeNil) }

// AppendBool appends true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, codeTrue)
	}
	return append(dst, codeFalse)
}

// AppendFloat appends a number with a fraction, as a float even when it has none.
func AppendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, float64s), math.Float64bits(v))
}

// AppendInt appends a whole number.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0 && v < 128, v < 0 && v >= -32:
		return append(dst, byte(v))
	case v >= 0:
		return appendUint(dst, uint64(v))
	case v >= math.MinInt8:
		return append(dst, int8s, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, int8s+1), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, int8s+2), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, int8s+3), uint64(v))
}

func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v <= math.MaxUint8:
		return append(dst, uint8s, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, uint8s+1), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, uint8s+2), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, uint8s+3), v)
}

// AppendString appends a text, which should be UTF-8 and is shorter than 4 GiB.
func AppendString(dst []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		dst = append(dst, fixString|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, string8, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, string8+1), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, string8+2), uint32(n))
	}
	return append(dst, s...)
}

// AppendArray begins a list of n items, fewer than 2^32.
func AppendArray(dst []byte, n int) []byte { return appendLen(dst, n, fixArray, array16) }

// AppendMap begins n pairs of a key and a value, fewer than 2^32.
func AppendMap(dst []byte, n int) []byte { return appendLen(dst, n, fixMap, map16) }

func appendLen(dst []byte, n int, short, long byte) []byte {
	switch {
	case n < 16:
		return append(dst, short|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}
