package names_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// What carbon 1.1.7 calls these.
func TestAppendFilePath(t *testing.T) {
	for name, want := range map[string]string{
		"http.requests;method=POST;status=200": "_tagged.13e.a16.http_DOT_requests;method=POST;status=200",
		"disk.used;host=a":                     "_tagged.c7c.482.disk_DOT_used;host=a",
		"a;v=1.5":                              "_tagged.ea6.01d.a;v=1_DOT_5",
		"plain.name":                           "plain.name",
	} {
		assert.Equal(t, "x"+want, string(AppendFilePath([]byte("x"), []byte(name))))
	}
}

func TestFindFiles(t *testing.T) {
	const post, used = "_tagged.13e.a16.http_DOT_requests;method=POST;status=200", "_tagged.c7c.482.disk_DOT_used;host=a"
	x := filled(t, "a.b", "http.requests;method=POST;status=200", "disk.used;host=a")
	for pattern, want := range map[string]string{
		"*": "_tagged", "_tag*": "_tagged", "{_tagged,x}": "_tagged", "a": "", "a.*": "", "": "",
		"_tagged.*": "_tagged.13e _tagged.c7c", "*.13e": "_tagged.13e", "*.c7*": "_tagged.c7c", "*.cpu": "", "*.{x,13e}.*": "_tagged.13e.a16",
		"_tagged.*.*": "_tagged.13e.a16 _tagged.c7c.482", "*.*.*.disk*": used, "*.*.count": "", "*.*.*.*.*": "",
		post: post, "_tagged.13e.000.http_DOT_requests;method=POST;status=200": "",
		"**":     "_tagged _tagged.13e _tagged.13e.a16 " + post + " _tagged.c7c _tagged.c7c.482 " + used,
		"**.a16": "_tagged.13e.a16", "**.http*": post, "_tagged.**.disk*": used, "_tagged.**": "_tagged.13e _tagged.13e.a16 " + post + " _tagged.c7c _tagged.c7c.482 " + used,
	} {
		found, err := x.FindFiles(t.Context(), pattern, 0)
		require.NoError(t, err)
		var list []string
		for _, m := range found {
			list = append(list, m.Path)
			assert.Equal(t, strings.Contains(m.Path, ";"), m.Leaf, m.Path)
			assert.Equal(t, !m.Leaf, m.Branch, m.Path)
			if m.Leaf {
				assert.Equal(t, m.Path, string(AppendFilePath(nil, x.AppendName(nil, m.ID))))
			}
		}
		assert.Equal(t, want, strings.Join(list, " "), "%q", pattern)
	}
	for _, pattern := range []string{"*", "**", "_tagged.*"} {
		found, err := filled(t, "a.b").FindFiles(t.Context(), pattern, 0)
		require.NoError(t, err)
		assert.Empty(t, found, "no series has tags: %q", pattern)
	}
}

func TestFindFilesIsBounded(t *testing.T) {
	x := New()
	for i := range 3000 {
		_, _, err := x.Add(fmt.Appendf(nil, "a;n=%d", i))
		require.NoError(t, err)
	}
	found, err := x.FindFiles(t.Context(), "_tagged.**", 10)
	require.ErrorIs(t, err, ErrTooMany)
	assert.Len(t, found, 10)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = x.FindFiles(ended, "_tagged.*.*.*", 0)
	require.ErrorIs(t, err, context.Canceled)
	_, err = x.FindFiles(t.Context(), strings.Repeat("*.", 5000), 0)
	require.ErrorIs(t, err, ErrPattern)
}

func BenchmarkFindFiles(b *testing.B) {
	x := New()
	for i := range 100_000 {
		_, _, err := x.Add(fmt.Appendf(nil, "http.requests;host=web%d;id=%x", i%100, sha256.Sum256(fmt.Append(nil, i))))
		require.NoError(b, err)
	}
	for _, pattern := range []string{"*", "*.cpu.*", "*.*.m7", "*.*.*.m7", "_tagged.13e.*"} {
		b.Run(pattern, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := x.FindFiles(b.Context(), pattern, 0)
				require.NoError(b, err)
			}
		})
	}
}
