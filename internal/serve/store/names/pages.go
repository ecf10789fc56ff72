package names

import "sync/atomic"

const (
	pageBits = 10
	pageSize = 1 << pageBits
)

// pages is an array that grows without moving: readers go on while the one
// writer extends it. An element is shared by its own rules.
type pages[T any] struct {
	top atomic.Pointer[[]*[pageSize]T]
}

// at returns the element i, which must exist.
func (p *pages[T]) at(i uint32) *T {
	return &(*p.top.Load())[i>>pageBits][i&(pageSize-1)]
}

// find is at for what may not exist: then it returns nil.
func (p *pages[T]) find(i uint32) *T {
	top := p.top.Load()
	if top == nil || int(i>>pageBits) >= len(*top) || (*top)[i>>pageBits] == nil {
		return nil
	}
	return p.at(i)
}

// end is beyond the last element that exists.
func (p *pages[T]) end() uint32 {
	if top := p.top.Load(); top != nil {
		return uint32(len(*top)) << pageBits
	}
	return 0
}

// grow makes the element i exist; pages between stay absent.
func (p *pages[T]) grow(i uint32) *T {
	var top []*[pageSize]T
	if old := p.top.Load(); old != nil {
		top = *old
	}
	page := int(i >> pageBits)
	if page < len(top) && top[page] != nil {
		return p.at(i)
	}
	// A copy, for readers have the old one; its size is a thousandth of the elements'.
	grown := make([]*[pageSize]T, max(len(top), page+1))
	copy(grown, top)
	grown[page] = new([pageSize]T)
	p.top.Store(&grown)
	return p.at(i)
}
