package store

// With 100 000 series most of what a sample needs is in no cache: its series, then
// what that points to. So these are touched for some samples together first, one
// kind of place after the other, in loops so short that the processor asks the
// memory for several at once; else each sample would wait twice.
const (
	aheadSamples = 32
	manyBlocks   = 64 // 4096 series: fewer are in a core's own cache
)

// lookAhead has what samples need brought near, when there are many series. It
// decides nothing; what it returns is only there so that no look is left out as useless.
func (h *head) lookAhead(samples []sample) (seen uint32) {
	if len(h.blocks) < manyBlocks {
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
