package testutil

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is a program of others.
type peer struct {
	find    func() (path string, err error)
	install string // the command that installs it
}

var peers = map[string]peer{
	"carbon-cache":  {command("carbon-cache"), "tools/peers.sh (apt-get install graphite-carbon)"},
	"whisper-fetch": {command("whisper-fetch"), "tools/peers.sh (apt-get install graphite-carbon)"},
	"statsd":        {statsdScript, "tools/peers.sh (npm install statsd)"},
	"node":          {command("node"), "apt-get install nodejs"},
	"bzip2":         {command("bzip2"), "apt-get install bzip2"},
	"gzip":          {command("gzip"), "apt-get install gzip"},
	"xz":            {command("xz"), "apt-get install xz-utils"},
	"zstd":          {command("zstd"), "apt-get install zstd"},
}

// Peer returns the path of a program that a test needs. When it is not
// installed the test is skipped with the command that installs it, which is
// also appended to the file named by $LOGMETRICS_PEERS_MISSING; with
// LOGMETRICS_PEERS=require the test fails instead.
func Peer(t testing.TB, name string) string {
	t.Helper()
	p, ok := peers[name]
	require.True(t, ok, "BUG: unknown peer %q", name)
	path, err := p.find()
	if err == nil {
		return path
	}
	message := fmt.Sprintf("not run: %s is not installed; this installs it: %s", name, p.install)
	if os.Getenv("LOGMETRICS_PEERS") == "require" {
		require.FailNow(t, message)
	}
	if list := os.Getenv("LOGMETRICS_PEERS_MISSING"); list != "" {
		appendLine(t, list, t.Name()+" "+message)
	}
	t.Skip(message)
	return ""
}

func command(name string) func() (string, error) {
	return func() (string, error) { return exec.LookPath(name) }
}

// statsdScript finds node's statsd where tools/peers.sh puts it.
func statsdScript() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "logmetrics-test", "node_modules", "statsd", "stats.js")
	_, err = os.Stat(path)
	return path, err
}

func appendLine(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = f.WriteString(text + "\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
