package store

import (
	"bytes"
	"hash/maphash"
)

// table maps raw names to series: open addressing, one line of the cache for the
// slot and one for the name.
type table struct {
	seed       maphash.Seed
	slots      []slot // a power of two, at most half full
	used       int
	text       []byte // the chunk that names are copied into
	generation uint64 // DB.renamed when it was begun
}

type slot struct {
	name []byte // nil: empty
	hash uint32
	id   ID
}

func (t *table) hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

func (t *table) find(hash uint64, name []byte) (ID, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.name == nil {
			return 0, false
		}
		if s.hash == uint32(hash>>32) && bytes.Equal(s.name, name) {
			return s.id, true
		}
	}
}

// textChunk is how many bytes of names are allocated at once.
const textChunk = 64 << 10

func (t *table) insert(hash uint64, name []byte, id ID) {
	if 2*(t.used+1) > len(t.slots) {
		t.grow()
	}
	if len(t.text)+len(name) > cap(t.text) {
		t.text = make([]byte, 0, max(textChunk, len(name)))
	}
	at := len(t.text)
	t.text = append(t.text, name...)
	t.place(hash, slot{name: t.text[at:len(t.text):len(t.text)], hash: uint32(hash >> 32), id: id})
	t.used++
}

func (t *table) place(hash uint64, s slot) {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].name != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(1024, 2*len(old)))
	for _, s := range old {
		if s.name != nil {
			t.place(t.hash(s.name), s)
		}
	}
}

func (t *table) forget() {
	clear(t.slots)
	t.used, t.text = 0, nil
}
