package store_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
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
	said bytes.Buffer
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
	require.NoError(t, db.Verify(t.Context(), func(d store.Damage) { fmt.Fprintln(&s.said, d.What, d.Err) }))
	require.NoError(t, db.Close())
	return s
}

// TestDamagedFiles flips a byte in, and truncates, each file that holds samples:
// the store opens, shows no bucket that was never there, and what is missing is
// said.
func TestDamagedFiles(t *testing.T) {
	l := newLife(t, vfs.NewMem(), 11)
	l.run(60)
	want := l.now.at(l.clock.unix)
	files := map[string][]byte{}
	walk(t, l.fs, "data", func(path string) { files[path] = readAll(t, l.fs, path) })
	for path, b := range files {
		if len(b) == 0 || !holdsSamples(path) {
			continue
		}
		for at := 0; at < len(b); at += 1 + len(b)/5 {
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
					assert.NotEmpty(t, s.said.String(), "%s: buckets are missing, and nothing says so", what)
				}
			}
		}
	}
}

// holdsSamples tells whether a file is one of the log, or a file of keys.
func holdsSamples(path string) bool {
	return filepath.Ext(path) == ".sst" || filepath.Dir(path) == filepath.Join("data", "log") || true
}
