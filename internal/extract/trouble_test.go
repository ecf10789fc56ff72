package extract_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// answer is the status with which the process's telemetry answers to a path.
func (p *process) answer(path string) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.address+path, nil)
	require.NoError(p.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	require.NoError(p.t, resp.Body.Close())
	return resp.StatusCode
}

// has waits until the sink has n lines.
func (w *world) has(n int) {
	w.t.Helper()
	testutil.Eventually(w.t, patience, func() bool { return w.ledger.lines("graphite") == n })
}

// TestFullDiskWhileFollowing: it is said at each change, seen from outside, and
// over when there is space. Nothing is sent that is not kept, and no line lost.
func TestFullDiskWhileFollowing(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	mountSmall(t, w.state())
	w.write(10)
	p := w.follow("--interval=1s")
	w.has(w.written)
	for round := range 2 {
		free := fill(t, filepath.Join(w.state(), "filler"))
		sent := w.written
		w.write(20)
		testutil.Eventually(t, patience, func() bool {
			return strings.Count(p.said(), "nothing can be kept now, so nothing is read; it is tried again") == round+1
		})
		assert.Equal(t, http.StatusServiceUnavailable, p.answer("/readyz"))
		assert.Equal(t, http.StatusOK, p.answer("/healthz"), "it goes round")
		w.write(10)
		assert.Equal(t, sent, w.ledger.lines("graphite"))
		free()
		w.has(w.written)
		testutil.Eventually(t, patience, func() bool { return p.answer("/readyz") == http.StatusOK })
	}
	p.end()
	w.told(p)
	assert.Equal(t, 4, strings.Count(p.said(), "\n"), "%s", p.said())
	assert.Contains(t, p.said(), "no space left on device (free some space there)")
	w.exact()
}

// TestLogOfAGlobThatMayNotBeRead: the others are read, it is said once and
// counted, and it is read from its beginning when that may be.
func TestLogOfAGlobThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.unprivileged()
	w.logs = []string{filepath.Join(w.dir, "app.log*")}
	require.NoError(t, os.Mkdir(w.file("-dir"), 0o755)) // no log, and not worth a word
	w.write(10)
	readable := w.written
	w.writeTo("-secret", 30)
	require.NoError(t, os.Chmod(w.file("-secret"), 0))

	p := w.starts("--interval=1s")
	w.has(readable)
	p.says("a log cannot be read now; it is tried again")
	testutil.Eventually(t, patience, func() bool { return w.newest("graphite").account["logErrors"] == 1 })
	assert.Equal(t, http.StatusServiceUnavailable, p.answer("/readyz"))
	w.write(5)
	w.has(readable + 5)
	require.NoError(t, os.Chmod(w.file("-secret"), 0o644))
	w.has(w.written)
	testutil.Eventually(t, patience, func() bool { return p.answer("/readyz") == http.StatusOK })
	p.end()
	w.told(p)
	assert.Equal(t, 1, strings.Count(p.said(), "\n"), "%s", p.said())
	assert.Contains(t, p.said(), "source="+w.file("-secret"))
	w.exact()
}
