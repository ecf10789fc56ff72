package metric

import (
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// MaxMembers is how many members a set keeps one by one before it becomes a sketch.
const MaxMembers = 1000

// MaxMemberLen is the length in bytes beyond which a member is kept as its hash.
const MaxMemberLen = 200

// precision 14: 16384 registers, a standard error of 0.81 %.
const (
	hllBits      = 14
	hllRegisters = 1 << hllBits
	maxRank      = 64 - hllBits + 1
)

// Members is a set of byte strings: exact up to [MaxMembers], then a
// HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007). The result of merging
// does not depend on the order. The zero value is empty and ready. Not safe
// for concurrent use.
type Members struct {
	exact     map[string]struct{} // nil once sketched
	registers []uint8             // nil while exact
}

// Add adds a member; m is copied when kept.
func (s *Members) Add(m []byte) {
	if len(m) > MaxMemberLen {
		m = binary.BigEndian.AppendUint64(nil, hash64(m))
	}
	if s.registers != nil {
		s.register(hash64(m))
		return
	}
	if _, ok := s.exact[string(m)]; ok {
		return
	}
	if s.exact == nil {
		s.exact = make(map[string]struct{})
	}
	s.exact[string(m)] = struct{}{}
	if len(s.exact) > MaxMembers {
		s.sketch()
	}
}

// Merge adds the members of o, which is not changed.
func (s *Members) Merge(o *Members) {
	if o == nil {
		return
	}
	for m := range o.exact {
		s.Add([]byte(m))
	}
	if o.registers == nil {
		return
	}
	s.sketch()
	for i, r := range o.registers {
		s.registers[i] = max(s.registers[i], r)
	}
}

// Exact returns the members in ascending order, or nil when the set has
// become a sketch. The slice is the caller's.
func (s *Members) Exact() []string {
	if s == nil || s.registers != nil {
		return nil
	}
	list := make([]string, 0, len(s.exact))
	for m := range s.exact {
		list = append(list, m)
	}
	slices.Sort(list)
	return list
}

// Estimate returns the number of members: exact, or within a standard error of
// 0.81 % for a sketch. 0 for nil.
func (s *Members) Estimate() uint64 {
	if s == nil {
		return 0
	}
	if s.registers == nil {
		return uint64(len(s.exact))
	}
	sum, zeros := 0.0, 0
	for _, r := range s.registers {
		sum += 1 / float64(uint64(1)<<r)
		if r == 0 {
			zeros++
		}
	}
	const m = hllRegisters
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zeros > 0 { // linear counting is better for few members
		e = m * math.Log(m/float64(zeros))
	}
	return uint64(math.Round(e))
}

func (s *Members) sketch() {
	if s.registers != nil {
		return
	}
	s.registers = make([]uint8, hllRegisters)
	for m := range s.exact {
		s.register(hash64([]byte(m)))
	}
	s.exact = nil
}

func (s *Members) register(h uint64) {
	i := h >> (64 - hllBits)
	rank := uint8(bits.LeadingZeros64(h<<hllBits|1<<(hllBits-1)) + 1)
	s.registers[i] = max(s.registers[i], rank)
}

// hash64 is FNV-1a with MurmurHash3's finaliser, which spreads FNV's weak high
// bits. It is part of the batch encoding: registers of different machines merge.
func hash64(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func (s *Members) clone() *Members {
	if s == nil {
		return nil
	}
	return &Members{exact: maps.Clone(s.exact), registers: slices.Clone(s.registers)}
}
