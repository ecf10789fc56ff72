package extract_test

import (
	"bytes"
	"compress/gzip"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/parsers"
)

// globJob counts the lines of all logs that match a glob in a directory of its own.
func globJob(t *testing.T, pattern string) (job extract.Job, dir string, said *bytes.Buffer) {
	t.Helper()
	dir, said = t.TempDir(), new(bytes.Buffer)
	f, _, ok := parsers.Find("RegexParser")
	require.True(t, ok)
	return extract.Job{
		Parser:   f,
		Options:  parsers.Options{Args: []string{"--counter", "n=line"}},
		Logs:     []string{filepath.Join(dir, pattern)},
		StateDir: t.TempDir(), FromBegin: true,
		Log: slog.New(slog.NewTextHandler(said, nil)),
	}, dir, said
}

func lines(t *testing.T, job extract.Job) float64 {
	t.Helper()
	res, err := extract.Run(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, "n", res.Batch.Samples[0].Name)
	return res.Batch.Samples[0].Sum
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func compress(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	write(t, name+".gz", b.String())
	require.NoError(t, os.Remove(name))
}

func TestLogsOfAGlobComeAndGoWithoutAWord(t *testing.T) {
	job, dir, said := globJob(t, "app-*.log")
	monday, tuesday := filepath.Join(dir, "app-20261102.log"), filepath.Join(dir, "app-20261103.log")
	write(t, monday, "line 1\nline 2\n")
	assert.EqualValues(t, 2, lines(t, job))
	write(t, monday, "line 1\nline 2\nline 3\nline 4")
	write(t, tuesday, "line 5\n")
	assert.EqualValues(t, 2, lines(t, job), "line 3 and all of tuesday")
	compress(t, monday)
	assert.EqualValues(t, 1, lines(t, job), "line 4, which is whole now that its file is complete")
	require.NoError(t, os.Remove(monday+".gz"))
	require.NoError(t, os.Remove(tuesday))
	for range 2 {
		assert.Zero(t, lines(t, job))
	}
	write(t, tuesday, "line 6\nline 7\n")
	assert.EqualValues(t, 2, lines(t, job), "a file that appears later is read from its beginning")
	assert.Empty(t, said.String())
}

func TestCompressedLogThatAGlobMatchesTooIsNotReadAgain(t *testing.T) {
	job, dir, said := globJob(t, "app-*")
	name := filepath.Join(dir, "app-20261102.log")
	write(t, name, "line 1\nline 2\n")
	assert.EqualValues(t, 2, lines(t, job))
	compress(t, name)
	for range 3 {
		assert.Zero(t, lines(t, job))
	}
	assert.Empty(t, said.String())
}
