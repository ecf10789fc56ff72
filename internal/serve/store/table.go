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
	bytes      int    // of names
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

// A writer knows names as they are sent, and a name with tags can be sent in a
// million ways. So it forgets all of them when they are more, or longer, than
// clients that send each series in one way, or two, need.
const (
	fewSpellings  = 32 << 10
	spellingBytes = 128 // of each, on average
)

// bound forgets all names when one more would be too many for so many series.
func (t *table) bound(series int) {
	if most := fewSpellings + 2*series; t.used >= most || t.bytes >= most*spellingBytes {
		t.forget()
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
	t.bytes += len(name)
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
	t.used, t.bytes, t.text = 0, 0, nil
}
