package store

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// table maps raw names to series: open addressing, one line of the cache for the
// slot and one for the name. It has shards, so that growing stops its writer for
// a millisecond at a time, and not for a tenth of a second at a million names.
type table struct {
	seed       maphash.Seed
	shards     [1 << shardBits]shard
	used       int
	bytes      int      // of names
	text       [][]byte // chunks of names, each behind its series and its length
	next       uint32   // where the name begins, with its head, that came behind the last one found
	ordered    bool     // the last one found was what came behind the one before
	generation uint64   // DB.renamed when it was begun
}

const shardBits = 6

type shard struct {
	slots []slot // a power of two, at most half full
	used  int
}

// slot has no pointers, so that the garbage collector does not look at a million of
// them, and is small, for in a table that is not in the cache its size is its price.
type slot struct {
	hash   uint32 // its low bits are the place
	id     ID
	at     uint32 // the name: its chunk, and where it begins there
	length uint16 // 0: the slot is empty
}

func (t *table) hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

func (t *table) shard(hash uint64) *shard { return &t.shards[hash>>(64-shardBits)] }

func (t *table) find(hash uint64, name []byte) (ID, bool) {
	slots := t.shard(hash).slots
	if len(slots) == 0 {
		return 0, false
	}
	mask := uint32(len(slots) - 1)
	for i := uint32(hash) & mask; ; i = (i + 1) & mask {
		s := &slots[i]
		if s.length == 0 {
			return 0, false
		}
		if s.hash == uint32(hash) && int(s.length) == len(name) && bytes.Equal(t.name(s), name) {
			t.ordered = s.at == t.next+textHead
			t.next = s.at + uint32(s.length)
			return s.id, true
		}
	}
}

// guess is find for names that come in the order in which they came first, as those of
// a flush do: then the next one is the next in the text, which is near, and there is
// nothing to hash.
func (t *table) guess(name []byte) (ID, bool) {
	if !t.ordered {
		return 0, false
	}
	text := t.text[t.next/textChunk]
	text = text[min(int(t.next%textChunk), len(text)):]
	if end := textHead + len(name); len(text) < end || int(binary.LittleEndian.Uint16(text[4:])) != len(name) || !bytes.Equal(text[textHead:end], name) {
		t.ordered = false
		return 0, false
	}
	t.next += textHead + uint32(len(name))
	return ID(binary.LittleEndian.Uint32(text)), true
}

func (t *table) name(s *slot) []byte {
	at := s.at % textChunk
	return t.text[s.at/textChunk][at : at+uint32(s.length)]
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

// textChunk is how many bytes of names are allocated at once: more than MaxName, and
// so many that 4 GiB of them can be told apart by 32 bits.
const textChunk = 64 << 10

// textHead is before each name: the series, and the length in 2 bytes.
const textHead = 6

func (t *table) insert(hash uint64, name []byte, id ID) {
	last := len(t.text) - 1
	if last < 0 || len(t.text[last])+textHead+len(name) >= textChunk { // the end of a name is in its chunk
		t.text = append(t.text, make([]byte, 0, textChunk))
		last++
	}
	text := binary.LittleEndian.AppendUint32(t.text[last], uint32(id))
	text = binary.LittleEndian.AppendUint16(text, uint16(len(name)))
	at := last*textChunk + len(text)
	t.text[last] = append(text, name...)
	t.shard(hash).insert(slot{uint32(hash), id, uint32(at), uint16(len(name))})
	t.used++
	t.bytes += len(name)
}

func (s *shard) insert(n slot) {
	if 2*(s.used+1) > len(s.slots) {
		old := s.slots
		s.slots = make([]slot, max(16, 2*len(old)))
		for _, o := range old {
			if o.length > 0 {
				s.place(o)
			}
		}
	}
	s.place(n)
	s.used++
}

func (s *shard) place(n slot) {
	mask := uint32(len(s.slots) - 1)
	i := n.hash & mask
	for s.slots[i].length > 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = n
}

func (t *table) forget() {
	for i := range t.shards {
		s := &t.shards[i]
		clear(s.slots)
		s.used = 0
	}
	t.used, t.bytes, t.text = 0, 0, nil
	t.next, t.ordered = 0, false
}
