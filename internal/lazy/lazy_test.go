package lazy_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

func TestValue(t *testing.T) {
	var made atomic.Int32
	v := lazy.Value[*int32]{Make: func() *int32 { return new(made.Add(1)) }}
	assert.Zero(t, made.Load())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { assert.EqualValues(t, 1, *v.Get()) })
	}
	wg.Wait()
	assert.Same(t, v.Get(), v.Get())
}
