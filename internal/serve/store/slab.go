package store

// slab hands out cells of one type by index. It grows by segments, so that no
// cell moves and growing never copies; types without pointers cost the garbage
// collector nothing. Index 0 is never handed out: it means none.
type slab[T any] struct {
	segments []*[segmentCells]T
	used     uint32 // cells ever handed out
	free     []uint32
}

// segmentCells keeps a segment of the widest cell near 256 KiB.
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
		s.segments = append(s.segments, new([segmentCells]T))
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
