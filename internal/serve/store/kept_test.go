package store_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

func openKept(t *testing.T, fs vfs.FS, dir string) *store.DB {
	t.Helper()
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: dir, FS: fs, Now: c.now, SealEvery: -1, MaxKept: 1000})
	require.NoError(t, err)
	return db
}

// keptText is what is kept under a prefix, as "key=value" lines.
func keptText(t *testing.T, db *store.DB, prefix string) string {
	t.Helper()
	pairs, err := db.Kept(prefix)
	require.NoError(t, err)
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s=%s\n", p.Key, p.Value)
	}
	return b.String()
}

// TestKept changes values before and after a seal: what is in the engine, what
// waits for it and what is in the log alone must be one.
func TestKept(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db := openKept(t, fs, "data")
	value := []byte("one")
	require.NoError(t, db.Keep("event.1", value))
	value[0] = 'X'
	require.NoError(t, db.Keep("event.2", nil))
	require.NoError(t, db.Keep("event.3", []byte("three")))
	require.NoError(t, db.Keep("eventually", []byte("else")))
	require.NoError(t, db.Keep("\xff\xff", []byte("last")))
	const first = "event.1=one\nevent.2=\nevent.3=three\n"
	assert.Equal(t, first, keptText(t, db, "event."))
	require.NoError(t, db.Tend(t.Context()))
	assert.Equal(t, first, keptText(t, db, "event."))

	require.NoError(t, db.Keep("event.1", []byte("uno")))
	require.NoError(t, db.Drop("event.3"))
	require.NoError(t, db.Drop("event.none"))
	const second = "event.1=uno\nevent.2=\n"
	assert.Equal(t, second, keptText(t, db, "event."))
	assert.Equal(t, second+"eventually=else\n\xff\xff=last\n", keptText(t, db, ""))
	assert.Equal(t, "\xff\xff=last\n", keptText(t, db, "\xff"))
	require.NoError(t, db.Checkpoint(t.Context(), "copy"))

	// A crash with nothing but what was confirmed, and the copy.
	after := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, db.Close())
	for _, dir := range []string{"data", "copy"} {
		db = openKept(t, after, dir)
		assert.Equal(t, second, keptText(t, db, "event."), dir)
		assert.Equal(t, len("event.1uno"+"event.2"+"eventuallyelse"+"\xff\xfflast"), db.Stats().Kept, dir)
		require.NoError(t, db.Tend(t.Context()))
		require.NoError(t, db.Close())
		db = openKept(t, after, dir)
		assert.Equal(t, second, keptText(t, db, "event."), dir)
		require.NoError(t, db.Close())
	}
}

func TestKeptBetween(t *testing.T) {
	db := openKept(t, vfs.NewMem(), "data")
	defer db.Close()
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, db.Keep(key, []byte(key)))
	}
	got, err := db.KeptBetween("a", "c")
	require.NoError(t, err)
	assert.Equal(t, []store.Pair{{Key: "a", Value: []byte("a")}, {Key: "b", Value: []byte("b")}}, got)
	got, err = db.KeptBetween("c", "a")
	require.NoError(t, err)
	assert.Empty(t, got)
}

// TestKeptIsBounded: what is too long or too much changes nothing.
func TestKeptIsBounded(t *testing.T) {
	db := openKept(t, vfs.NewMem(), "data")
	defer db.Close()
	require.ErrorIs(t, db.Keep("", nil), store.ErrKept)
	require.ErrorIs(t, db.Keep(strings.Repeat("k", store.MaxKeptKey+1), nil), store.ErrKept)
	require.ErrorIs(t, db.Keep("k", make([]byte, store.MaxKeptValue+1)), store.ErrKept)
	require.NoError(t, db.Keep("k", bytes.Repeat([]byte("v"), 900)))
	require.ErrorIs(t, db.Keep("l", bytes.Repeat([]byte("v"), 200)), store.ErrKept)
	require.NoError(t, db.Keep("k", bytes.Repeat([]byte("w"), 950)), "in place of the other")
	require.ErrorIs(t, db.Keep("k", bytes.Repeat([]byte("v"), 1200)), store.ErrKept)
	assert.Equal(t, "k="+strings.Repeat("w", 950)+"\n", keptText(t, db, ""))
	require.NoError(t, db.Drop("k"))
	require.NoError(t, db.Keep("l", bytes.Repeat([]byte("v"), 200)))
	assert.Equal(t, 201, db.Stats().Kept)
}
