package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var binDir string // while tests run

// The demo runs where make does, at the module's root.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if binDir, err = os.MkdirTemp("", "logmetrics-test-"); err == nil {
			defer os.RemoveAll(binDir)
			err = os.Chdir("..")
		}
		if err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// shown are options of a demo that writes to out, in a temporary directory of its
// own, which must be empty at the end.
func shown(t *testing.T, out io.Writer) options {
	t.Helper()
	bin := filepath.Join(binDir, "logmetrics")
	if _, err := os.Stat(bin); err != nil {
		text, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/logmetrics").CombinedOutput()
		require.NoError(t, err, "%s", text)
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		assert.NoError(t, err)
		assert.Empty(t, left, "the demo leaves something behind")
	})
	return options{program: bin, dashboard: "demo/dashboard.json", out: out}
}

var address = regexp.MustCompile(`(?m)^  (http://127\.0\.0\.1:\d+)/\?dashboard=mail\+and\+web&from=(\d+)&tz=UTC&until=(\d+)#token=\S{16,}$`)

// TestDemo: without a terminal each graph is checked, the address printed, and
// nothing goes on.
func TestDemo(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), shown(t, &out)))
	m := address.FindStringSubmatch(out.String())
	require.NotNil(t, m, out.String())
	assert.Equal(t, "1772409600 1773619200", m[2]+" "+m[3], "2026-03-02 to 2026-03-16, as the logs")
	assert.Contains(t, out.String(), "A dashboard of 6 graphs")
	_, err := http.Get(m[1])
	assert.Error(t, err, "the server has ended")
}

// TestDemoServes until it is interrupted.
func TestDemoServes(t *testing.T) {
	r, w := io.Pipe()
	o := shown(t, w)
	o.serve = true
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, o)
		w.Close()
	}()
	var url string
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
		if !strings.HasPrefix(lines.Text(), "^C") {
			continue
		}
		answer, err := http.Get(url + "/kv/dashboards/mail%20and%20web")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, answer.StatusCode)
		require.NoError(t, answer.Body.Close())
		interrupt()
	}
	require.NoError(t, <-ended)
	_, err := http.Get(url)
	assert.Error(t, err, "the server has ended")
}

// TestGraphsWithoutData: a dashboard with one is refused.
func TestGraphsWithoutData(t *testing.T) {
	o := shown(t, io.Discard)
	dir := t.TempDir()
	s, err := start(t.Context(), o, dir)
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.end()) }()
	of, err := feed(t.Context(), o, dir, s.url, sources[1])
	require.NoError(t, err)
	for name, c := range map[string]struct{ panel, says string }{
		"no series":      {`"targets": ["servers.www.access.requests", "servers.none"]`, `graph "G": no series for servers.none`},
		"no value":       {`"targets": ["removeAboveValue(servers.www.access.requests,-1)"]`, `graph "G": no value for`},
		"no week before": {`"targets": ["servers.www.access.requests"], "weeks": [1, 2]`, `graph "G": no value for timeShift`},
		"no function":    {`"targets": ["nofunction(servers.www.access.requests)"]`, `nofunction`},
		"no target":      {`"targets": []`, `graph "G": it has no target`},
		"no JSON":        {`}`, `read `},
	} {
		file := filepath.Join(dir, "dashboard.json")
		require.NoError(t, os.WriteFile(file, []byte(`{"panels": [{"title": "G", `+c.panel+`}]}`), 0o600))
		_, err := s.keep(t.Context(), file, of)
		assert.ErrorContains(t, err, c.says, name)
	}
}

// TestDemoFails, and leaves nothing, whatever is missing.
func TestDemoFails(t *testing.T) {
	o := shown(t, io.Discard)
	o.dashboard = "nowhere.json"
	assert.ErrorContains(t, run(t.Context(), o), "read the dashboard: open nowhere.json")
	o.program = "/bin/false"
	assert.ErrorContains(t, run(t.Context(), o), "the server ended")
	o.program = "/nowhere/logmetrics"
	assert.ErrorContains(t, run(t.Context(), o), "start /nowhere/logmetrics")
}
