package query

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// parallelFrom is how many values make it worth while to start goroutines.
const parallelFrom = 64 << 10

// Each calls fn for each series, on several cores when there is much to do: fn may use no more than its own series and
// Make, and Own with c.
func (c *Call) Each(list []*Series, fn func(i int, s *Series)) {
	total := 0
	for _, s := range list {
		total += len(s.Values)
	}
	workers := min(runtime.GOMAXPROCS(0), len(list))
	if total < parallelFrom || workers < 2 {
		for i, s := range list {
			fn(i, s)
		}
		return
	}
	c.eachParallel(list, workers, fn)
}

// eachParallel gives each worker every n-th series. What fn panics with, this does.
func (c *Call) eachParallel(list []*Series, workers int, fn func(i int, s *Series)) {
	var wg sync.WaitGroup
	broken := make(chan any, workers)
	for w := range workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					broken <- withStack(r)
				}
			}()
			for i := w; i < len(list); i += workers {
				fn(i, list[i])
			}
		})
	}
	wg.Wait()
	select {
	case r := <-broken:
		panic(r)
	default:
	}
}

// withStack adds where it broke: the goroutine that it is panicked with again stands elsewhere.
func withStack(r any) any {
	if over, ok := r.(overLimit); ok {
		return over
	}
	return fmt.Sprintf("%v\n%s", r, debug.Stack())
}

// Map returns fn of each series of a list, in its order, leaving out nil; as Each it may use several cores.
func (c *Call) Map(list []*Series, fn func(s *Series) *Series) []*Series {
	out := make([]*Series, len(list))
	c.Each(list, func(i int, s *Series) { out[i] = fn(s) })
	kept := out[:0]
	for _, s := range out {
		if s != nil {
			kept = append(kept, s)
		}
	}
	return kept
}
