package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// goldenVersion is the format that is written now; the directories of those before
// stay, and must be read for ever. With -update it is made where there is none.
const goldenVersion = "v1"

var goldenDir = filepath.Join("..", "..", "..", "testdata", "store")

// TestGoldenStores opens a copy of what each version of the format has left, killed
// in the midst of things, and reads all of it.
func TestGoldenStores(t *testing.T) {
	if _, err := os.Stat(filepath.Join(goldenDir, goldenVersion)); testutil.Update() && os.IsNotExist(err) {
		makeGolden(t, filepath.Join(goldenDir, goldenVersion))
	}
	versions, err := filepath.Glob(filepath.Join(goldenDir, "v*", "values"))
	require.NoError(t, err)
	require.Contains(t, versions, filepath.Join(goldenDir, goldenVersion, "values"))
	for _, values := range versions {
		want, err := os.ReadFile(values)
		require.NoError(t, err)
		fs := vfs.NewMem()
		_, err = vfs.Clone(vfs.Default, fs, filepath.Join(filepath.Dir(values), "data"), "data")
		require.NoError(t, err)
		var now int64
		_, err = fmt.Sscanf(string(want), "at %d\n", &now)
		require.NoError(t, err)
		require.Equal(t, string(want), goldenValues(t, fs, now), values)
	}
}

// goldenValues is all that can be read of a store, to the last bit of each number.
func goldenValues(t *testing.T, fs vfs.FS, now int64) string {
	t.Helper()
	l := &life{t: t, fs: fs, clock: clock{unix: now}}
	db, err := store.Open(l.options(nil))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var b strings.Builder
	fmt.Fprintf(&b, "at %d\n", now)
	for _, name := range sortedNames(db) {
		for _, tier := range shortTiers {
			c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: now - tier.Keep, Until: now + tier.Step, Step: tier.Step})
			require.NoError(t, err)
			for i, n := range c.Count {
				if n > 0 {
					fmt.Fprintf(&b, "%s %d %d: %d %v %v %v %v %v %v\n", name, tier.Step, c.Start+int64(i)*c.Step, n, c.Sum[i], c.Min[i], c.Max[i], c.M2[i], c.Last[i], c.Value[i])
				}
			}
		}
	}
	pairs, err := db.Kept("")
	require.NoError(t, err)
	for _, p := range pairs {
		fmt.Fprintf(&b, "kept %s %s\n", p.Key, p.Value)
	}
	fmt.Fprintf(&b, "identities %d\n", db.Stats().Identities)
	return b.String()
}

// makeGolden leaves a store as a kill would, with seals behind it and a log.
func makeGolden(t *testing.T, dir string) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	l := newLife(t, mem, 1)
	require.True(t, l.open())
	for range 50 {
		l.step()
	}
	for range 10 { // what no seal has seen
		l.puts()
		l.commit()
		l.keep()
		l.clock.forward(10)
	}
	require.NoError(t, l.db.Sync())
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, l.db.Close())
	walk(t, after, "data", func(path string) {
		b := readAll(t, after, path)
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, bytes.Clone(b), 0o644))
	})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "values"), []byte(goldenValues(t, after, l.clock.unix)), 0o644))
}
