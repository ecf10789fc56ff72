package names

import (
	"encoding/binary"
	"hash/maphash"
)

// labels keeps the text of each node once: a million series share a few
// thousand of them. A label is its offset in chunks of 64 KiB:
//
//	| users, 4 bytes | length, 2 bytes | text |
//
// Offsets of labels without users are used again for those of equal length.
// The writer owns all but the text, which does not change while it has users.
type labels struct {
	seed   maphash.Seed
	chunks pages[[]byte]
	end    uint32 // where the next label goes
	known  table
	free   map[int][]uint32 // by length
}

const (
	chunkBits   = 16
	labelHeader = 6
)

func (l *labels) hash(text []byte) uint64 { return maphash.Bytes(l.seed, text) }

// text returns the label's text, which must not be changed.
func (l *labels) text(label uint32) []byte {
	b := (*l.chunks.at(label >> chunkBits))[label&(1<<chunkBits-1):]
	n := binary.LittleEndian.Uint16(b[4:])
	return b[labelHeader:][:n:n]
}

func (l *labels) users(label uint32) []byte {
	return (*l.chunks.at(label >> chunkBits))[label&(1<<chunkBits-1):][:4]
}

// take returns the label of text, with one user more. ok is false when 4 GiB of
// text are full.
func (l *labels) take(text []byte, hash uint64) (label uint32, ok bool) {
	label, ok = l.known.find(hash, func(at uint32) bool { return string(l.text(at)) == string(text) })
	if !ok {
		if label, ok = l.place(text); !ok {
			return 0, false
		}
		l.known.insert(hash, label, func(at uint32) uint64 { return l.hash(l.text(at)) })
	}
	users := l.users(label)
	binary.LittleEndian.PutUint32(users, binary.LittleEndian.Uint32(users)+1)
	return label, true
}

// place writes text where there is room.
func (l *labels) place(text []byte) (label uint32, ok bool) {
	if list := l.free[len(text)]; len(list) > 0 {
		label = list[len(list)-1]
		l.free[len(text)] = list[:len(list)-1]
		copy(l.text(label), text)
		return label, true
	}
	size := uint32(labelHeader + len(text))
	if used := l.end & (1<<chunkBits - 1); used == 0 || used+size > 1<<chunkBits {
		next := (l.end + 1<<chunkBits - 1) >> chunkBits
		if next == 1<<(32-chunkBits)-1 {
			return 0, false
		}
		*l.chunks.grow(next) = make([]byte, 1<<chunkBits)
		l.end = next << chunkBits
		if next == 0 {
			l.end = labelHeader // so that no label is 0
		}
	}
	label = l.end
	l.end += size
	b := (*l.chunks.at(label >> chunkBits))[label&(1<<chunkBits-1):]
	binary.LittleEndian.PutUint16(b[4:], uint16(len(text)))
	copy(b[labelHeader:], text)
	return label, true
}

// drop takes a user off the label.
func (l *labels) drop(label uint32) {
	users := l.users(label)
	n := binary.LittleEndian.Uint32(users) - 1
	binary.LittleEndian.PutUint32(users, n)
	if n > 0 {
		return
	}
	text := l.text(label)
	l.known.remove(l.hash(text), label)
	l.free[len(text)] = append(l.free[len(text)], label)
}
