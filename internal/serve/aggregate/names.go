package aggregate

import (
	"hash/maphash"
)

// names are the names that a worker knows, as they are sent: a hash table with
// open addressing. The hash has a seed, so that no client can choose names
// that meet.
type names struct {
	seed  maphash.Seed
	slots []slot // a power of two, at most half of them taken
	list  []name // by id; the first stands for none
}

type slot struct {
	tag uint32 // of the hash, the bits that did not choose the slot
	id  uint32 // 0: free
}

// kind is what a name is used for; one name can be of several.
type kind uint8

const (
	counterKind kind = iota
	timerKind
	setKind
	gaugeKind
	totalKind // a counter's running total
	keyKind   // what brubeck has for all kinds
	kinds
)

// name is one spelling of a name.
type name struct {
	key   string
	clean uint32        // the id of the cleaned spelling, often its own
	cells [kinds]uint32 // where its values are in the worker; 0: nowhere yet
	awake uint32        // brubeck's alone: see Worker.wake; 0: it is to be woken
}

const firstSlots = 64

func newNames(seed maphash.Seed) names {
	return names{seed: seed, slots: make([]slot, firstSlots), list: make([]name, 1, firstSlots/2)}
}

// find returns the id of key, 0 when it is not known.
func (t *names) find(key []byte) uint32 {
	h := maphash.Bytes(t.seed, key)
	mask := uint32(len(t.slots) - 1)
	for i := uint32(h) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.id == 0 {
			return 0
		}
		if s.tag == uint32(h>>32) && t.list[s.id].key == string(key) {
			return s.id
		}
	}
}

// add adds a key that is not known.
func (t *names) add(key []byte) uint32 {
	if 2*len(t.list) >= len(t.slots) {
		t.grow()
	}
	id := uint32(len(t.list))
	t.list = append(t.list, name{key: string(key), clean: id})
	t.put(id)
	return id
}

func (t *names) put(id uint32) {
	h := maphash.String(t.seed, t.list[id].key)
	mask := uint32(len(t.slots) - 1)
	i := uint32(h) & mask
	for t.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot{tag: uint32(h >> 32), id: id}
}

func (t *names) grow() {
	t.slots = make([]slot, 2*len(t.slots))
	for id := 1; id < len(t.list); id++ {
		t.put(uint32(id))
	}
}
