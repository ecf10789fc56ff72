package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	magic      = "LMSTLOG\x01" // the last byte is the version
	headerLen  = 36
	headersLen = 2 * headerLen
	frameLen   = 12      // of a frame without its payload
	firstBit   = 1 << 31 // in the length: all before this frame is durable

	maxPosition = 1 << 62 // so that adding to it does not overflow
)

// castagnoli is made once, by whoever asks first.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// header is what a file says of itself.
type header struct {
	number uint64
	base   int64 // position of the first frame
	salt   uint64
}

// appendHeader appends both copies.
func appendHeader(dst []byte, h header) []byte {
	for range 2 {
		at := len(dst)
		dst = append(dst, magic...)
		dst = binary.LittleEndian.AppendUint64(dst, h.number)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(h.base))
		dst = binary.LittleEndian.AppendUint64(dst, h.salt)
		dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli()))
	}
	return dst
}

// parseHeader reads the first copy that is whole.
func parseHeader(b []byte, number uint64) (h header, ok bool) {
	for ; len(b) >= headerLen; b = b[headerLen:] {
		if string(b[:8]) != magic || crc32.Checksum(b[:32], castagnoli()) != binary.LittleEndian.Uint32(b[32:]) {
			continue
		}
		h.number = binary.LittleEndian.Uint64(b[8:])
		h.base = int64(binary.LittleEndian.Uint64(b[16:]))
		h.salt = binary.LittleEndian.Uint64(b[24:])
		return h, h.number == number && h.base >= 0 && h.base <= maxPosition
	}
	return h, false
}

// seed is what the checksums of the frame at a position begin with, so that a
// frame is none in another place, and a payload cannot hold one.
func seed(salt uint64, position int64) uint32 {
	return uint32((salt ^ uint64(position)) * 0x9E3779B97F4A7C15 >> 32) // 2^64 / golden ratio: spreads the bits
}

// putLength writes the bytes that prove themselves.
func putLength(frame []byte, seed, length uint32) {
	binary.LittleEndian.PutUint32(frame, length)
	binary.LittleEndian.PutUint32(frame[4:], crc32.Update(seed, castagnoli(), frame[:4]))
}

// markFirst says that all before the frame at the position is durable.
func markFirst(frame []byte, salt uint64, position int64) {
	putLength(frame, seed(salt, position), binary.LittleEndian.Uint32(frame)|firstBit)
}

// frame is what the bytes before a payload say.
type frame struct {
	length int64
	first  bool
	crc    uint32
	seed   uint32
}

// parseFrame reads the bytes before a payload; not ok when they are none.
func parseFrame(b []byte, salt uint64, position int64) (f frame, ok bool) {
	word := binary.LittleEndian.Uint32(b)
	f = frame{length: int64(word &^ firstBit), first: word&firstBit != 0, crc: binary.LittleEndian.Uint32(b[8:])}
	if f.length == 0 || f.length > MaxPayload {
		return f, false
	}
	f.seed = seed(salt, position)
	return f, crc32.Update(f.seed, castagnoli(), b[:4]) == binary.LittleEndian.Uint32(b[4:])
}

func (f frame) holds(payload []byte) bool {
	return crc32.Update(f.seed, castagnoli(), payload) == f.crc
}

func fileName(number uint64) string { return fmt.Sprintf("%06d.log", number) }

// parseName returns the number of a file of the log.
func parseName(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, ".log")
	if !ok || len(digits) < 6 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && fileName(number) == name
}
