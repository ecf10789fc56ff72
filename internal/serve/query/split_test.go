package query

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSplitCoversAllOnce(t *testing.T) {
	c := testCall(t)
	for _, values := range []int{1, parallelFrom} {
		for _, n := range []int{0, 1, 2, 3, 1000} {
			seen := make([]atomic.Int32, n)
			c.Split(n, values, func(from, to int) {
				for i := from; i < to; i++ {
					seen[i].Add(1)
				}
			})
			for i := range seen {
				assert.EqualValues(t, 1, seen[i].Load(), "%d of %d", i, n)
			}
		}
	}
}

func TestSplitPanicsWithWhatItsPartsDo(t *testing.T) {
	assert.PanicsWithValue(t, overLimit{ErrLimit}, func() {
		testCall(t).Split(100, parallelFrom, func(int, int) { panic(overLimit{ErrLimit}) })
	})
}
