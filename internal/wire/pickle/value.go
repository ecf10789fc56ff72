package pickle

import (
	"encoding/binary"
	"math"
)

// The opcodes of other values than points, of protocol 2.
const (
	opNone     = 'N'
	opTrue     = 0x88
	opFalse    = 0x89
	opInt8     = 'K' // without a sign
	opDict     = '}'
	opSetItems = 'u'
)

// Begin begins a pickle of one value, to be appended by the functions below, and
// ended by [End]. It holds nothing but None, truth, numbers, strings, tuples, lists
// and dicts, so that readers that know no classes take it.
func Begin(dst []byte) []byte { return append(dst, opProto, 2) }

// End ends what Begin began.
func End(dst []byte) []byte { return append(dst, opStop) }

// AppendNone appends None.
func AppendNone(dst []byte) []byte { return append(dst, opNone) }

// AppendBool appends True or False.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, opTrue)
	}
	return append(dst, opFalse)
}

// AppendInt appends an int.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0 && v <= math.MaxUint8:
		return append(dst, opInt8, byte(v))
	case v == int64(int32(v)):
		return binary.LittleEndian.AppendUint32(append(dst, opInt32), uint32(v))
	}
	return binary.LittleEndian.AppendUint64(append(dst, opLong1, 8), uint64(v))
}

// AppendFloat appends a float.
func AppendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, opFloat), math.Float64bits(v))
}

// AppendString appends a str, which must be UTF-8 and shorter than 4 GiB.
func AppendString(dst []byte, s string) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, opUnicode), uint32(len(s)))
	return append(dst, s...)
}

// BeginList begins a list of any number of items; EndList ends it.
func BeginList(dst []byte) []byte { return append(dst, opList, opMark) }

// EndList ends what BeginList began.
func EndList(dst []byte) []byte { return append(dst, opAppends) }

// BeginDict begins a dict, whose keys and values follow in turn; EndDict ends it.
func BeginDict(dst []byte) []byte { return append(dst, opDict, opMark) }

// EndDict ends what BeginDict began.
func EndDict(dst []byte) []byte { return append(dst, opSetItems) }

// Pair makes a tuple of the last two values.
func Pair(dst []byte) []byte { return append(dst, opTuple2) }
