package query

import (
	"runtime"
	"sync"
)

// Split calls fn for parts of [0,n), one after the other, or each on a core of its own when all of them together
// read so many values that it is worth while. fn may use Make. What it panics with, this does.
func (c *Call) Split(n, values int, fn func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if values < parallelFrom || workers < 2 {
		fn(0, n)
		return
	}
	var wg sync.WaitGroup
	broken := make(chan any, workers)
	for w := range workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					broken <- withStack(r)
				}
			}()
			fn(w*n/workers, (w+1)*n/workers)
		})
	}
	wg.Wait()
	select {
	case r := <-broken:
		panic(r)
	default:
	}
}
