package names

import "sync/atomic"

// table is a hash table of numbers that stand for things kept elsewhere, 4
// bytes a slot. One writer changes it while others search. It has shards, so
// that growing stops the writer for a fraction of a millisecond at a time, and
// not for a tenth of a second at a million names.
type table struct{ shards [tableShards]tableShard }

const (
	shardBits   = 8
	tableShards = 1 << shardBits
	slotsAtOnce = 8 // a new shard's
)

const (
	slotFree = 0
	slotGone = 1<<32 - 1 // was used; the search goes on beyond it
)

type tableShard struct {
	slots atomic.Pointer[[]atomic.Uint32]
	used  int // with those that are gone; owned by the writer, like gone
	gone  int
}

func (t *table) shard(hash uint64) *tableShard { return &t.shards[hash>>(64-shardBits)] }

// find returns the number under hash for which is says yes.
func (t *table) find(hash uint64, is func(uint32) bool) (x uint32, ok bool) {
	p := t.shard(hash).slots.Load()
	if p == nil {
		return 0, false
	}
	slots := *p
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch x := slots[i].Load(); {
		case x == slotFree:
			return 0, false
		case x != slotGone && is(x):
			return x, true
		}
	}
}

// insert adds x, which is not there. hashOf gives the hash of what is.
func (t *table) insert(hash uint64, x uint32, hashOf func(uint32) uint64) {
	s := t.shard(hash)
	if p := s.slots.Load(); p == nil || (s.used+1)*4 > len(*p)*3 {
		s.rebuild(hashOf)
	}
	slots := *s.slots.Load()
	mask := uint64(len(slots) - 1)
	i := hash & mask
	for slots[i].Load() != slotFree {
		i = (i + 1) & mask
	}
	slots[i].Store(x)
	s.used++
}

// rebuild makes room for as many again, or for as many as are not gone.
func (s *tableShard) rebuild(hashOf func(uint32) uint64) {
	size := slotsAtOnce
	for size < 2*(s.used-s.gone+1) {
		size *= 2
	}
	slots := make([]atomic.Uint32, size)
	if old := s.slots.Load(); old != nil {
		for i := range *old {
			x := (*old)[i].Load()
			if x == slotFree || x == slotGone {
				continue
			}
			at := hashOf(x) & uint64(size-1)
			for slots[at].Load() != slotFree {
				at = (at + 1) & uint64(size-1)
			}
			slots[at].Store(x)
		}
	}
	s.used, s.gone = s.used-s.gone, 0
	s.slots.Store(&slots)
}

// remove takes x, which is there, out.
func (t *table) remove(hash uint64, x uint32) {
	s := t.shard(hash)
	slots := *s.slots.Load()
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if slots[i].Load() == x {
			slots[i].Store(slotGone)
			s.gone++
			return
		}
	}
}
