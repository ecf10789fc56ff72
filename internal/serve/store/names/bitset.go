package names

import "math/bits"

// bitset is a set of series, a bit each.
type bitset []uint64

func (s *bitset) add(id uint32) {
	word := int(id >> 6)
	if word >= len(*s) {
		*s = append(*s, make([]uint64, word+1-len(*s))...)
	}
	(*s)[word] |= 1 << (id & 63)
}

func (s bitset) has(id uint32) bool {
	word := int(id >> 6)
	return word < len(s) && s[word]&(1<<(id&63)) != 0
}

func (s bitset) and(t bitset) {
	for i := range s {
		if i < len(t) {
			s[i] &= t[i]
		} else {
			s[i] = 0
		}
	}
}

func (s bitset) andNot(t bitset) {
	for i := range min(len(s), len(t)) {
		s[i] &^= t[i]
	}
}

// all yields the series in order.
func (s bitset) all() func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(i<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
