package store_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// failing lets one operation that writes fail.
type failing struct {
	at   int64 // which
	ops  atomic.Int64
	what atomic.Pointer[string] // the one that failed
}

func (f *failing) String() string { return "failing" }

var errBroken = errors.New("broken disk")

// MaybeError fails the operation that it is the turn of.
func (f *failing) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose || fatal(op.Path) {
		return nil
	}
	if f.ops.Add(1) != f.at {
		return nil
	}
	what := op.Kind.ReadOrWrite().String() + " " + op.Path
	f.what.Store(&what)
	return errBroken
}

// fatal tells what Pebble cannot go on without: it ends the process when that cannot
// be written, which is a crash, and TestCrashAtEachOperation has it.
func fatal(path string) bool {
	base := filepath.Base(path)
	if filepath.Base(filepath.Dir(path)) != "pebble" {
		return base == "pebble"
	}
	return !strings.HasSuffix(base, ".sst")
}

// endure lives n steps, whatever fails, with a new start in the middle. It ends
// early when the store cannot be closed in order: what was not confirmed may be lost.
func (l *life) endure(n int) {
	if !l.open() {
		require.True(l.t, l.open(), "the second time nothing fails")
	}
	for i := range n {
		l.step()
		if i == n/2 && !l.reopen() {
			return
		}
	}
	if l.db.Close() == nil {
		l.confirm()
	}
}

func (l *life) reopen() bool {
	if l.db.Close() != nil {
		return false
	}
	l.confirm()
	if !l.open() {
		require.True(l.t, l.open(), "the second time nothing fails")
	}
	return true
}

// TestErrorAtEachOperation: an operation that fails costs nothing that was
// confirmed, and what follows goes on.
func TestErrorAtEachOperation(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	each := *eachFlag * 8 // each has a life of its own
	if *eachFlag == 1 {
		each = 1
	}
	tried := 0
	for at := 1 + int64(seed%each); ; at += int64(each) {
		f := &failing{at: at}
		mem := vfs.NewMem()
		l := newLife(t, errorfs.Wrap(mem, f), seed)
		l.endure(50)
		what := f.what.Load()
		if what == nil {
			break // there are not so many
		}
		tried++
		c := crash{fs: mem, now: l.clock.unix, from: l.confirmed, to: len(l.states) - 1, what: *what}
		c.check(t, l)
	}
	t.Logf("%d operations failed", tried)
}
