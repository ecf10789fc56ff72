package aggregate

import (
	"bytes"
	"hash/maphash"
)

// Of many names most are in no cache. To find one takes four places, each told by
// the one before: a slot, the name, its text, its cell. Line by line that is four
// times the memory's latency, most of what a line costs with 100 000 names. So
// these places are looked at for some lines together first: one kind of place
// after the other, in loops so short that the processor asks for several at once.
const (
	aheadLines = 32   // some more than a datagram of Ethernet's size has
	aheadName  = 256  // bytes in which a name or the rest of a line must end; others are not worth it
	manyNames  = 4096 // as much as a core's own cache holds
)

// ahead is what looking ahead has found. Owned by the worker.
type ahead struct {
	slots [aheadLines]uint32
	texts [aheadLines]string
	cells [aheadLines]uint32
	seen  byte // so that no look is left out as useless
}

// lookAhead has what the next aheadLines lines of b need brought near, when there are
// many names. It decides nothing.
func (w *Worker) lookAhead(b []byte) {
	t, a := &w.names, &w.ahead
	if len(t.list) < manyNames {
		return
	}
	n := t.hashAhead(a, b)
	for i, at := range a.slots[:n] {
		a.slots[i] = t.slots[at].id
	}
	for i, id := range a.slots[:n] {
		name := &t.list[id]
		a.texts[i], a.cells[i] = name.key, name.cells[counterKind]
	}
	sum, counters := a.seen, w.open.counters
	for i, text := range a.texts[:n] {
		if len(text) > 0 {
			sum += text[0]
		}
		if c := a.cells[i]; int(c) < len(counters) && counters[c] == 0 { // without any counter there are no cells
			sum++
		}
	}
	a.seen = sum
}

// hashAhead finds the slots of the names in the next lines, and returns of how many.
func (t *names) hashAhead(a *ahead, b []byte) (n int) {
	mask := uint32(len(t.slots) - 1)
	for n < aheadLines {
		end := bytes.IndexByte(b[:min(len(b), aheadName)], ':')
		if end < 0 {
			break
		}
		a.slots[n] = uint32(maphash.Bytes(t.seed, b[:end])) & mask
		n++
		b = b[end:]
		end = bytes.IndexByte(b[:min(len(b), aheadName)], '\n')
		if end < 0 {
			break
		}
		b = b[end+1:]
	}
	return n
}
