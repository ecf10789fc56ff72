// Package graphiteweb runs Debian's graphite-web for tests, over whisper files
// that whisper's own library wrote, on a clock that stands.
//
// It promises that the same series and clock give the same answers on any
// machine, and that the process ends with the test. What Debian's Python is too
// new for is mended in host.py, without a change to graphite-web. Start from
// [Start]; [Fleet] is a set of series that has something for every function.
package graphiteweb

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

//go:embed host.py
var host []byte

// python is Debian's, which has the packages; another one may come first in $PATH.
const python = "/usr/bin/python3"

// Series is what one whisper file is to hold.
type Series struct {
	Name     string // with tags as "name;tag=value"
	Method   string // whisper's, such as "average"
	XFF      float64
	Archives [][2]int64 // step in seconds, points; fine to coarse
	Points   []Point    // by time; of two in one step the later one counts
}

// Point is a value at a time in Unix seconds.
type Point struct {
	Time  int64
	Value float64
}

// MarshalJSON gives [time, value].
func (p Point) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "[%d,%s]", p.Time, strconv.FormatFloat(p.Value, 'g', -1, 64)), nil
}

// Options say what graphite-web is to have.
type Options struct {
	Now     int64 // Unix seconds; its clock stands there
	Series  []Series
	Cluster []string // CLUSTER_SERVERS, "host:port" each
}

// Server is a graphite-web that runs.
type Server struct {
	URL string // "http://127.0.0.1:port"
	Log *testutil.Transcript
}

// Start starts graphite-web and waits until it answers. The test is skipped
// where it is not installed.
func Start(t testing.TB, opt Options) *Server {
	t.Helper()
	testutil.Peer(t, "graphite-web")
	dir := t.TempDir()
	script, config := filepath.Join(dir, "host.py"), filepath.Join(dir, "config.json")
	require.NoError(t, os.WriteFile(script, host, 0o600))
	require.NoError(t, os.WriteFile(config, opt.json(t, dir), 0o600))
	cmd := exec.Command(python, script, config)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "TZ=UTC", "PYTHONHASHSEED=0")
	s := &Server{Log: &testutil.Transcript{}}
	cmd.Stderr = s.Log
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close() // it ends then
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "graphite-web did not start: %s", s.Log)
	s.URL = "http://127.0.0.1:" + strings.TrimSpace(port)
	return s
}

func (o Options) json(t testing.TB, dir string) []byte {
	t.Helper()
	type series struct {
		Name     string     `json:"name"`
		Method   string     `json:"method"`
		XFF      float64    `json:"xff"`
		Archives [][2]int64 `json:"archives"`
		Points   []Point    `json:"points"`
	}
	config := struct {
		Dir     string   `json:"dir"`
		Now     int64    `json:"now"`
		Cluster []string `json:"cluster"`
		Series  []series `json:"series"`
	}{Dir: dir, Now: o.Now, Cluster: o.Cluster}
	for _, s := range o.Series {
		for _, p := range s.Points {
			require.False(t, math.IsNaN(p.Value) || math.IsInf(p.Value, 0), "%s: no value is no point", s.Name)
		}
		config.Series = append(config.Series, series(s))
	}
	text, err := json.Marshal(config)
	require.NoError(t, err)
	return text
}

// Render asks for a target as JSON; query is further parameters, "from=-1h".
func (s *Server) Render(t testing.TB, target string, query ...string) (status int, body string) {
	t.Helper()
	return s.Get(t, "/render?format=json&"+strings.Join(append(query, "target="+url.QueryEscape(target)), "&"))
}

// Get asks for a path with its query.
func (s *Server) Get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	require.NoError(t, err)
	return s.do(t, req)
}

// Decode returns as JSON what Python reads in a pickle or msgpack. A tuple is
// {"tuple": [...]}, bytes are {"bytes": "..."}; 1 and 1.0 differ.
func (s *Server) Decode(t testing.TB, format string, body []byte) (text string, ok bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/-/decode/"+format, bytes.NewReader(body))
	require.NoError(t, err)
	status, text := s.do(t, req)
	return text, status == http.StatusOK
}

func (s *Server) do(t testing.TB, req *http.Request) (status int, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}
