package store

import (
	"encoding/binary"
)

// Keys in Pebble. The first byte tells the kind; numbers are big endian, so that
// keys are in the order of their numbers.
//
//	'b' block u32                                          open buckets of 64 series
//	'd' id u32                                             a deleted series whose rows are still in frames
//	'i' job [16]byte                                       the last sequence of an identity
//	'k' key                                                a value kept beside series
//	'm'                                                    the state of the whole; see meta
//	'n' id u32                                             a series
//	't' step u32, keep u32, start u32, n u32, block u32    a frame
//	'z'                                                    'm' again, in a file of its own, against damage
//
// The frames of one tier and time lie together, so that a seal's file is behind
// all others of its tier and nothing is compacted. Which partition a frame
// belongs to follows from its tier and start.
const (
	keyBlock    = 'b'
	keyDead     = 'd'
	keyIdentity = 'i'
	keyKept     = 'k'
	keyMeta     = 'm'
	keySeries   = 'n'
	keyFrame    = 't'
	keyMetaCopy = 'z'
)

func numberKey(kind byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, n)
}

func identityKey(job [16]byte) []byte { return append([]byte{keyIdentity}, job[:]...) }

// span is the time that the frames of one tier cover together: n buckets from start.
type span struct{ start, n uint32 }

// end returns where it ends, in seconds.
func (s span) end(t tier) uint32 { return s.start + s.n*t.step }

// frameKeyLen is the length of a frame's key.
const frameKeyLen = 1 + 5*4

func appendFrameKey(dst []byte, t tier, s span, block uint32) []byte {
	dst = append(dst, keyFrame)
	for _, n := range [...]uint32{t.step, t.keep, s.start, s.n, block} {
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	return dst
}

// parseFrameKey is appendFrameKey's other direction; ok is false for other keys.
func parseFrameKey(key []byte) (t tier, s span, block uint32, ok bool) {
	if len(key) != frameKeyLen || key[0] != keyFrame {
		return t, s, 0, false
	}
	number := func(i int) uint32 { return binary.BigEndian.Uint32(key[1+4*i:]) }
	t, s, block = tier{number(0), number(1)}, span{number(2), number(3)}, number(4)
	return t, s, block, t.step > 0 && s.n > 0 && s.n <= maxFrame
}

// spanBounds returns the keys between which the frames of a tier are whose spans
// start in [from,until).
func spanBounds(t tier, from, until uint32) (lower, upper []byte) {
	lower = appendFrameKey(nil, t, span{start: from}, 0)
	upper = appendFrameKey(nil, t, span{start: until}, 0)
	return lower[:frameKeyLen-8], upper[:frameKeyLen-8]
}
