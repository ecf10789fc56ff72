package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// pieceLen is how much is held and written at once, in bytes: a second of a busy
// store is some tens of these.
const pieceLen = 256 << 10

// buffer is bytes in pieces, so that it grows without a copy of what is there, and
// is as large as what it holds.
type buffer struct {
	pieces [][]byte // none is empty; what is in one may be less than it could hold
	size   int
}

// pool gives out pieces, and takes them back.
type pool [][]byte

func (p *pool) get() []byte {
	n := len(*p)
	if n == 0 {
		return make([]byte, 0, pieceLen)
	}
	piece := (*p)[n-1]
	*p = (*p)[:n-1]
	return piece
}

// put takes back the pieces of b, which is empty then. It keeps as many as are in use
// when writes like this one follow each other: after a burst they become few again.
func (p *pool) put(b *buffer) {
	keep := 2 * len(b.pieces)
	for _, piece := range b.pieces {
		if len(*p) < keep {
			*p = append(*p, piece[:0])
		}
	}
	if len(*p) > keep {
		clear((*p)[keep:])
		*p = (*p)[:keep]
	}
	clear(b.pieces)
	b.pieces, b.size = b.pieces[:0], 0
}

// appendFrame appends a frame. Its head is in one piece, so that it can be changed.
func (b *buffer) appendFrame(p *pool, salt uint64, position int64, payload []byte) {
	head := b.room(p, frameLen)[:frameLen]
	s := seed(salt, position)
	putLength(head, s, uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[8:], crc32.Update(s, castagnoli(), payload))
	b.add(frameLen)
	for len(payload) > 0 {
		n := copy(b.room(p, 1), payload)
		b.add(n)
		payload = payload[n:]
	}
}

// room returns what is free of the last piece, at least n bytes.
func (b *buffer) room(p *pool, n int) []byte {
	last := len(b.pieces) - 1
	if last < 0 || pieceLen-len(b.pieces[last]) < n {
		b.pieces = append(b.pieces, p.get())
		last++
	}
	piece := b.pieces[last]
	return piece[len(piece):pieceLen]
}

// add says that n bytes of room are used.
func (b *buffer) add(n int) {
	last := len(b.pieces) - 1
	b.pieces[last] = b.pieces[last][:len(b.pieces[last])+n]
	b.size += n
}

// take moves all of o behind what b has.
func (b *buffer) take(o *buffer) {
	b.pieces = append(b.pieces, o.pieces...)
	b.size += o.size
	clear(o.pieces)
	o.pieces, o.size = o.pieces[:0], 0
}
