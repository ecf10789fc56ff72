package store

import (
	"sync"
	"unsafe"
)

// slab hands out cells of one type by index. It grows by segments, so that no
// cell moves and growing never copies. Index 0 is never handed out: it means none.
//
// T must have no pointers: segments are not the garbage collector's, which would
// else keep as much again in reserve.
type slab[T any] struct {
	segments []*[segmentCells]T
	used     uint32 // cells ever handed out
	free     []uint32
	memory   *memory
}

// segmentCells keeps a segment of the widest cell at 512 KiB.
const segmentCells = 4096

func (s *slab[T]) at(i uint32) *T {
	i--
	return &s.segments[i/segmentCells][i%segmentCells]
}

// get returns the index of a cell with the zero value.
func (s *slab[T]) get() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if int(s.used) == len(s.segments)*segmentCells {
		p := s.memory.get(int(unsafe.Sizeof([segmentCells]T{})))
		s.segments = append(s.segments, (*[segmentCells]T)(p))
	}
	s.used++
	return s.used
}

// put takes a cell back.
func (s *slab[T]) put(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

// live returns how many cells are in use.
func (s *slab[T]) live() int { return int(s.used) - len(s.free) }

// memory is what slabs are made of. It is given back as one; that of the head when nothing
// can reach its DB any more: so no call after Close meets what is gone.
type memory struct {
	mu     sync.Mutex
	pieces [][]byte
}

// get returns zeroed memory of a size that is not 0.
func (m *memory) get(size int) unsafe.Pointer {
	b := mapMemory(size)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pieces = append(m.pieces, b)
	return unsafe.Pointer(unsafe.SliceData(b))
}

func (m *memory) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.pieces {
		unmapMemory(b)
	}
	m.pieces = nil
}

// arena keeps bytes beside the garbage collector's memory until release. Its memory
// goes with its owner's, too.
type arena struct {
	memory *memory
	free   []byte
}

// arenaPiece is what an arena takes at once, in bytes.
const arenaPiece = 1 << 20

// keep returns a copy of b, which is not to be changed; of nil nil.
func (a *arena) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	if len(b) > len(a.free) {
		size := max(arenaPiece, len(b))
		a.free = unsafe.Slice((*byte)(a.memory.get(size)), size)
	}
	kept := a.free[:len(b):len(b)]
	a.free = a.free[len(b):]
	copy(kept, b)
	return kept
}

// release gives all back: what was kept is gone.
func (a *arena) release() {
	a.free = nil
	a.memory.release()
}
