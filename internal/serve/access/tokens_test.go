package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/access"
)

func TestATokenIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path+".new", []byte("half of on"), 0o666)) // of a crash
	made, err := access.MakeTokens(path)
	require.NoError(t, err)
	first, err := made.First()
	require.NoError(t, err)
	assert.Regexp(t, `^[\w-]{43}$`, first, "256 bits in base64url")
	assert.True(t, made.Has(first))
	assert.False(t, made.Has(first[:42]))
	assert.False(t, made.Has(""))
	fi, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), fi.Mode())
	assert.NoFileExists(t, path+".new")

	again, err := access.MakeTokens(path)
	require.NoError(t, err)
	assert.True(t, again.Has(first), "the one that is there stays")
}

// TestTokensRotate: the new one is added, then the old one goes; a file with a
// mistake changes nothing.
func TestTokensRotate(t *testing.T) {
	const older, newer = "older-0123456789", "newer-0123456789"
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("# of last year\n" + older + "\n")
	list, err := access.OpenTokens(path)
	require.NoError(t, err)
	write(older + "\r\n\n  " + newer)
	require.NoError(t, list.Reload())
	assert.True(t, list.Has(older) && list.Has(newer))
	write("two words of a file that is another")
	require.ErrorContains(t, list.Reload(), "line 1 is no token")
	assert.True(t, list.Has(older) && list.Has(newer))
	write(newer)
	require.NoError(t, list.Reload())
	assert.True(t, list.Has(newer) && !list.Has(older))
	assert.False(t, list.Has("# of last year"))
}

func TestFilesThatHoldNoTokens(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "holds 0 tokens"},
		"comments":  {"# none\n", "holds 0 tokens"},
		"short":     {"secret\n", "line 1 is no token"},
		"control":   {"0123456789abcdef\n0123456789\x00abcdef\n", "line 2 is no token"},
		"not ASCII": {"0123456789abcdefé\n", "line 1 is no token"},
		"long":      {strings.Repeat("a", 1025), "line 1 is no token"},
		"many":      {strings.Repeat("0123456789abcdef\n", 101), "holds 101 tokens"},
		"large":     {strings.Repeat("\n", 1<<17), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := access.OpenTokens(path)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

// TestFilesOfOthers: what everybody may read is no secret; a link or a FIFO that
// somebody planted in our directory is not followed, nor waited for.
func TestFilesOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(secret), 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := access.OpenTokens(path)
	require.ErrorContains(t, err, "chmod o= "+path)
	require.NoError(t, os.Chmod(path, 0o640))

	link := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.Symlink(path, link))
	_, err = access.MakeTokens(link)
	require.ErrorIs(t, err, syscall.ELOOP)
	_, err = access.OpenTokens(link)
	require.NoError(t, err, "one that the user names may be a link")

	require.NoError(t, os.Symlink(path, link+"2.new"))
	made, err := access.MakeTokens(link + "2")
	require.NoError(t, err)
	assert.False(t, made.Has(secret))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, secret, string(text), "nothing was written through the link")

	fifo := filepath.Join(t.TempDir(), "token")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	_, err = access.OpenTokens(fifo)
	require.ErrorContains(t, err, "it is no file")
}
