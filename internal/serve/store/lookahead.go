package store

// With 100 000 series most of what a sample needs is in no cache: the slot of its
// name, the name, its series, then what that points to. So these are touched for some
// samples together first, one kind of place after the other, in loops so short that
// the processor asks the memory for several at once; else each sample would wait four
// times.
const (
	aheadSamples = 32
	manySeries   = 4096 // fewer are in a core's own cache
)

// LookAhead has what Puts of these names need brought near, of the first 32 of them.
// It decides nothing, and is worth its price for 8 or more.
func (w *Writer) LookAhead(names [][]byte) {
	if w.known.used >= manySeries {
		w.seen += w.known.lookAhead(names[:min(len(names), aheadSamples)])
	}
}

// lookAhead returns something only so that no look is left out as useless.
func (t *table) lookAhead(names [][]byte) (seen uint32) {
	var slots [aheadSamples]*slot
	var texts [aheadSamples]uint32
	for i, name := range names {
		hash := t.hash(name)
		if list := t.shard(hash).slots; len(list) > 0 {
			slots[i] = &list[uint32(hash)&uint32(len(list)-1)]
		}
	}
	for i, s := range slots[:len(names)] {
		if s != nil {
			texts[i] = s.at // of an empty slot 0, where the first name is
		}
	}
	for _, at := range texts[:len(names)] {
		seen += uint32(t.text[at/textChunk][at%textChunk])
	}
	return seen
}

// lookAhead has what samples need brought near, when there are many series.
func (h *head) lookAhead(samples []sample) (seen uint32) {
	if len(h.blocks) < manySeries/frameSeries {
		return 0
	}
	samples = samples[:min(len(samples), aheadSamples)]
	var runs, coarses [aheadSamples]uint32
	for i := range samples {
		s := h.at(samples[i].id & onlyID)
		runs[i], coarses[i] = s.runs, s.coarse
	}
	for i := range samples {
		if n := runs[i]; n != 0 {
			r := h.runs.at(n)
			seen += r.start + uint32(r.values[0])
		}
		if n := coarses[i]; n != 0 {
			seen += h.coarses.at(n).start
		}
	}
	return seen
}
