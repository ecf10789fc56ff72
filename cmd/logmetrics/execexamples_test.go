package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// programInDocs writes the only program in that language of docs/extending.md
// to a file.
func programInDocs(t *testing.T, language string) (path string) {
	t.Helper()
	found := regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```\n").FindAllStringSubmatch(readDoc(t, "docs/extending.md"), -1)
	require.Len(t, found, 1)
	path = filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, []byte(found[0][1]), 0o700))
	return path
}

// givesTo runs a job whose only output is the program with one file as argument.
func givesTo(t *testing.T, path, file string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(log, []byte("<22>Nov 21 03:10:01 mx postfix/smtp[9]: hello\n"), 0o600))
	var stdout, stderr strings.Builder
	c := &console{stdout: &stdout, stderr: &stderr, now: func() time.Time { return time.Unix(1795230600, 0) }}
	code := c.main(t.Context(), []string{"-s", t.TempDir(), "--from=begin", "-p", "a", "-o", "exec", "--exec='" + path + "' '" + file + "'", "SyslogParser", log})
	require.Zero(t, code, stderr.String())
	require.Empty(t, stderr.String())
}

// again hands the program a batch whose id it has seen.
func again(t *testing.T, path, file, id string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, file)
	cmd.Env = append(os.Environ(), "LOGMETRICS_BATCH="+id)
	cmd.Stdin = strings.NewReader(`{"version":1,"id":"` + id + `","start":1,"end":2,"stamp":1795230600}` + "\n" + `{"name":"a.lines","kind":"counter","value":1}` + "\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestShellExampleOfExec(t *testing.T) {
	testutil.Peer(t, "awk")
	testutil.Peer(t, "grep")
	path, file := programInDocs(t, "sh"), filepath.Join(t.TempDir(), "values")
	givesTo(t, path, file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(text), "1795230600 a.lines 1\n")
	id := regexp.MustCompile("(?m)^# ([0-9a-f]{32}-1)$").FindStringSubmatch(string(text))
	require.NotNil(t, id, "%s", text)
	again(t, path, file, id[1])
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(text), string(after), "a repeat changes nothing")
}

func TestPythonExampleOfExec(t *testing.T) {
	python := testutil.Peer(t, "python3")
	path, file := programInDocs(t, "python"), filepath.Join(t.TempDir(), "db")
	givesTo(t, path, file)
	const query = `import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT batch, second, name, tags, value FROM samples WHERE name = 'a.lines'"): print(*row)`
	rows := func() string {
		out, err := exec.CommandContext(t.Context(), python, "-c", query, file).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	first := rows()
	id, rest, ok := strings.Cut(first, " ")
	require.True(t, ok)
	assert.Equal(t, "1795230600 a.lines {} 1\n", rest)
	again(t, path, file, id)
	assert.Equal(t, first, rows(), "a repeat changes nothing")
}
