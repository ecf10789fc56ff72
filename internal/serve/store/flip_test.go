package store_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// walk calls fn with each file below dir.
func walk(t testing.TB, fs vfs.FS, dir string, fn func(path string)) {
	t.Helper()
	names, err := fs.List(dir)
	require.NoError(t, err)
	for _, name := range names {
		path := filepath.Join(dir, name)
		fi, err := fs.Stat(path)
		require.NoError(t, err)
		if fi.IsDir() {
			walk(t, fs, path, fn)
			continue
		}
		fn(path)
	}
}

func readAll(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	require.NoError(t, err)
	defer f.Close()
	fi, err := f.Stat()
	require.NoError(t, err)
	b := make([]byte, fi.Size())
	if len(b) > 0 {
		_, err = f.ReadAt(b, 0)
		require.NoError(t, err)
	}
	return b
}

func save(t testing.TB, fs vfs.FS, path string, b []byte) {
	t.Helper()
	require.NoError(t, fs.MkdirAll(filepath.Dir(path), 0o700))
	f, err := fs.Create(path, "")
	require.NoError(t, err)
	_, err = f.Write(bytes.Clone(b))
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// spoilt is a store of which one file is damaged.
type spoilt struct {
	said bytes.Buffer // in the log; its handler's
	bad  []string     // what Verify found
	got  contents
	err  error
}

// openSpoilt opens the files with another content of one of them.
func openSpoilt(t *testing.T, l *life, files map[string][]byte, path string, content []byte) *spoilt {
	t.Helper()
	fs := vfs.NewMem()
	for p, b := range files {
		if p == path {
			b = content
		}
		save(t, fs, p, b)
	}
	s := &spoilt{}
	o := l.options(slog.New(slog.NewTextHandler(&s.said, nil)))
	o.FS = fs
	db, err := store.Open(o)
	if s.err = err; err != nil {
		return s
	}
	s.got = contentsOf(t, db, l.clock.unix)
	require.NoError(t, db.Verify(t.Context(), func(d store.Damage) { s.bad = append(s.bad, d.What) }))
	require.NoError(t, db.Close())
	return s
}

// TestDamagedFiles flips a byte in, and truncates, each file there is, those that
// Pebble needs to begin at all among them: the store opens, shows no bucket that was
// never there, and what is missing is said.
func TestDamagedFiles(t *testing.T) {
	l := newLife(t, vfs.NewMem(), 11)
	l.run(60)
	want := l.now.at(l.clock.unix)
	files := map[string][]byte{}
	walk(t, l.fs, "data", func(path string) { files[path] = readAll(t, l.fs, path) })
	places := 5
	if testutil.Race() {
		places = 1
	}
	for path, b := range files {
		if len(b) == 0 {
			continue
		}
		for at := 0; at < len(b); at += 1 + len(b)/places {
			flipped := bytes.Clone(b)
			flipped[at] ^= 1 << (at % 8)
			for what, content := range map[string][]byte{"flipped": flipped, "truncated": b[:at]} {
				s := openSpoilt(t, l, files, path, content)
				what := fmt.Sprintf("%s of %d bytes %s at %d", path, len(b), what, at)
				if !assert.NoError(t, s.err, what) {
					continue
				}
				diff := s.got.differs(want)
				for line := range strings.Lines(diff) {
					if !assert.False(t, strings.HasPrefix(line, "foreign"), "%s: %s", what, line) {
						break
					}
				}
				if diff != "" {
					assert.True(t, s.said.Len() > 0 || len(s.bad) > 0, "%s: buckets are missing, and nothing says so", what)
				}
			}
		}
	}
}

// TestManifestIsMended: what only the manifest knows is there after damage of it,
// and of a copy there is no more need then.
func TestManifestIsMended(t *testing.T) {
	l := newLife(t, vfs.NewMem(), 12)
	l.run(40)
	want := l.now.at(l.clock.unix)
	files := map[string][]byte{}
	walk(t, l.fs, "data", func(path string) { files[path] = readAll(t, l.fs, path) })
	desc, err := pebble.Peek(filepath.Join("data", "pebble"), l.fs)
	require.NoError(t, err)
	for _, path := range []string{desc.ManifestFilename, filepath.Join("data", "manifest", filepath.Base(desc.ManifestFilename))} {
		b := files[path]
		require.NotEmpty(t, b, path)
		for at := 0; at < len(b); at += 97 {
			flipped := bytes.Clone(b)
			flipped[at] ^= 4
			s := openSpoilt(t, l, files, path, flipped)
			what := fmt.Sprintf("%s at %d", path, at)
			require.NoError(t, s.err, what)
			require.Empty(t, s.got.differs(want), what)
			if filepath.Dir(path) == filepath.Join("data", "pebble") {
				require.Contains(t, s.said.String(), "the manifest was damaged", what)
			}
		}
	}
}

// TestNameThatTwoSeriesHave: where the deletion, or the renaming, of a series is lost
// that has been made anew, the name is of the new one.
func TestNameThatTwoSeriesHave(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	s := rules(t, "10s:1d,1m:10d")
	db := openedWith(t, fs, c, s)
	fill(t, db, c, 10, "a.b", "a.c", "a.d")
	require.NoError(t, db.Sync())
	require.NoError(t, db.Delete("a.b"))
	require.NoError(t, db.Rename("a.c", "a.e"))
	for range 2 { // what is lost is damage only when something durable follows
		fill(t, db, c, 10, "a.b", "a.c", "a.d")
		require.NoError(t, db.Sync())
	}
	require.NoError(t, db.Close())
	files := map[string][]byte{}
	walk(t, fs, "data", func(path string) { files[path] = readAll(t, fs, path) })
	conflicts := 0
	for path, content := range files {
		if filepath.Ext(path) != ".log" || filepath.Base(filepath.Dir(path)) != "log" {
			continue
		}
		for at := 0; at < len(content); at += 5 {
			spoilt := vfs.NewMem()
			for p, b := range files {
				save(t, spoilt, p, b)
			}
			flipped := bytes.Clone(content)
			flipped[at] ^= 0x10
			save(t, spoilt, path, flipped)
			var said bytes.Buffer
			db, err := store.Open(store.Options{Dir: "data", FS: spoilt, Now: c.now, Schemas: s, SealEvery: -1, Log: slog.New(slog.NewTextHandler(&said, nil))})
			require.NoError(t, err, "byte %d", at)
			if strings.Contains(said.String(), "two series have one name") {
				conflicts++
				checkFilled(t, db, "a.d", epoch, c.unix)
				checkFilled(t, db, "a.b", epoch+10, c.unix)
				checkFilled(t, db, "a.c", epoch+10, c.unix)
			}
			require.NoError(t, db.Close())
		}
	}
	assert.Positive(t, conflicts)
}
