package names

import (
	"slices"
	"sync/atomic"
)

// list is what stands below a node: nodes in the order of their labels, or, for
// the value of a tag, series by number. The writer appends; whoever reads puts
// what was appended into order, and leaves the result for the next. So adding a
// name below a node with a million others costs the same as below one with ten.
//
// What is removed stays, dead, until a quarter is.
type list struct {
	items []uint32
	state atomic.Uint64 // how many items are in order, then how many there are, 32 bits each
	dead  atomic.Uint32
}

// only marks, where the number of a list stands, the only item itself.
const only = 1 << 31

// minPublished is how many items must have been out of order for the order to
// be kept: below, sorting them again is cheaper than the copy.
const minPublished = 16

func newList(items []uint32, sorted, dead int) *list {
	l := &list{items: make([]uint32, len(items)+len(items)/4+2)}
	copy(l.items, items)
	l.state.Store(uint64(sorted)<<32 | uint64(len(items)))
	l.dead.Store(uint32(dead))
	return l
}

// load returns the items there are, of which the first sorted are in order.
func (l *list) load() (items []uint32, sorted int) {
	state := l.state.Load()
	return l.items[:uint32(state)], int(state >> 32)
}

func (l *list) live() int {
	n := uint32(l.state.Load())
	return int(n) - int(l.dead.Load())
}

// order compares two items.
type order func(a, b uint32) int

// byNumber is the order of series.
func byNumber(a, b uint32) int { return int(int64(a) - int64(b)) }

// kids says what stands below a node. The result is valid, and what it holds
// leads to nodes, until the reader leaves; nothing else is promised of dead ones.
func (x *Index) kids(n uint32, cmp order) []uint32 {
	switch k := x.nodes.at(n).kids.Load(); {
	case k == 0:
		return nil
	case k&only != 0:
		return []uint32{k &^ only}
	default:
		return x.sorted(k, cmp)
	}
}

// sorted returns the items of the list k in order.
func (x *Index) sorted(k uint32, cmp order) []uint32 {
	l := x.lists.at(k).Load()
	items, sorted := l.load()
	if sorted == len(items) {
		return items
	}
	late := slices.Clone(items[sorted:])
	slices.SortFunc(late, cmp)
	merged := merge(make([]uint32, 0, len(items)+len(items)/4+minPublished), items[:sorted], late, cmp)
	if len(late) >= minPublished {
		x.publish(k, l, merged)
	}
	return merged
}

// merge appends a and b, each in order, to dst.
func merge(dst, a, b []uint32, cmp order) []uint32 {
	for len(a) > 0 && len(b) > 0 {
		// One search for a run of a is cheaper than a comparison for each of it.
		n, _ := slices.BinarySearchFunc(a[:min(len(a), 16)], b[0], cmp)
		if n == 16 {
			n, _ = slices.BinarySearchFunc(a, b[0], cmp)
		}
		dst = append(append(dst, a[:n]...), b[0])
		a, b = a[n:], b[1:]
	}
	return append(append(dst, a...), b...)
}

// publish puts a list in order in the place of l, unless that has gone, or the
// writer is at work.
func (x *Index) publish(k uint32, l *list, merged []uint32) {
	if !x.mu.TryLock() {
		return
	}
	defer x.mu.Unlock()
	if x.lists.at(k).Load() != l {
		return
	}
	items, _ := l.load()
	if len(items) > cap(merged) {
		return // so much was added meanwhile that the copy would take long
	}
	next := &list{items: merged[:cap(merged)]}
	copy(next.items[len(merged):], items[len(merged):])
	next.state.Store(uint64(len(merged))<<32 | uint64(len(items)))
	next.dead.Store(l.dead.Load())
	x.lists.at(k).Store(next)
}

// liveKids returns how many items below n are not dead.
func (x *Index) liveKids(n uint32) int {
	switch k := x.nodes.at(n).kids.Load(); {
	case k == 0:
		return 0
	case k&only != 0:
		return 1
	default:
		return x.lists.at(k).Load().live()
	}
}

// addKid puts item, which is not there, below n. For the writer.
func (x *Index) addKid(n, item uint32, cmp order) {
	kids := &x.nodes.at(n).kids
	k := kids.Load()
	switch {
	case k == 0:
		kids.Store(item | only)
	case k&only != 0:
		pair := []uint32{k &^ only, item}
		slices.SortFunc(pair, cmp)
		kids.Store(x.newListNumber(newList(pair, 2, 0)))
	default:
		l := x.lists.at(k).Load()
		items, sorted := l.load()
		if len(items) == len(l.items) {
			l = newList(items, sorted, int(l.dead.Load()))
			x.lists.at(k).Store(l)
		}
		if sorted == len(items) && (sorted == 0 || cmp(items[sorted-1], item) < 0) {
			sorted++
		}
		l.items[len(items)] = item
		l.state.Store(uint64(sorted)<<32 | uint64(len(items)+1))
	}
}

func (x *Index) newListNumber(l *list) (k uint32) {
	if n := len(x.freeLists); n > 0 {
		k, x.freeLists = x.freeLists[n-1], x.freeLists[:n-1]
	} else {
		x.listEnd++
		k = x.listEnd
	}
	x.lists.grow(k).Store(l)
	return k
}

// buryKid notes that an item below n is dead. When a quarter is, gone is called
// for each that is taken out. For the writer.
func (x *Index) buryKid(n uint32, isDead func(uint32) bool, gone func(uint32)) {
	kids := &x.nodes.at(n).kids
	k := kids.Load()
	if k&only != 0 {
		kids.Store(0)
		gone(k &^ only)
		return
	}
	l := x.lists.at(k).Load()
	items, sorted := l.load()
	if int(l.dead.Add(1))*4 <= len(items) {
		return
	}
	x.filterKids(k, items, sorted, isDead, gone)
}

// filterKids makes the list k anew without what is dead.
func (x *Index) filterKids(k uint32, items []uint32, sorted int, isDead func(uint32) bool, gone func(uint32)) {
	var kept, out []uint32
	keptSorted := sorted
	for i, item := range items {
		if !isDead(item) {
			kept = append(kept, item)
			continue
		}
		out = append(out, item)
		if i < sorted {
			keptSorted--
		}
	}
	x.lists.at(k).Store(newList(kept, keptSorted, 0))
	for _, item := range out {
		gone(item)
	}
}
