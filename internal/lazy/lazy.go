// Package lazy has values that are made when they are first asked for.
//
// It promises that a package's variable of type [Value] costs nothing when the
// program starts, as one of sync.OnceValue does: cron starts it each minute, and
// even a trifle of each package that is linked in reads a part of the program
// that the run has no use for. It does not forget. Start from [Value].
package lazy

import "sync"

// Value holds what Make returns, once it was asked for. It must not be copied.
type Value[T any] struct {
	Make func() T // called once; it must not ask for the value

	once sync.Once
	v    T
}

// Get returns the value. It may be called concurrently; callers share the value.
func (v *Value[T]) Get() T {
	v.once.Do(func() { v.v = v.Make() })
	return v.v
}
