package notify

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestLibraryHangs gives a library up that does not answer, and does not ask it again.
func TestLibraryHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &register{dirs: map[string]*directory{}}
		require.EqualError(t, r.ask(func(path string) error { return errors.New(path) }, "answer"), "answer")
		never := make(chan error)
		require.ErrorIs(t, r.ask(func(string) error { return <-never }, ""), errStuck)
		require.ErrorIs(t, r.ask(func(string) error { panic("BUG: asked again") }, ""), errStuck)
		r.release(func(string) error { panic("BUG: asked again") }, "", nil) // does not wait either
		close(never)
	})
}
