package testutil

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Prometheus is Debian's Prometheus on loopback. It scrapes one target five
// times a second, and takes remote writes.
type Prometheus struct{ Address string }

const prometheusConf = `global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs: [{job_name: logs, static_configs: [{targets: ['%s']}]}]
`

// StartPrometheus starts one that scrapes /metrics of target, until the test's
// end. more is further YAML of its configuration.
func StartPrometheus(t testing.TB, target string, more ...string) *Prometheus {
	t.Helper()
	path := Peer(t, "prometheus")
	dir := t.TempDir()
	conf := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, prometheusConf+strings.Join(more, ""), target), 0o644))
	p := &Prometheus{fmt.Sprintf("127.0.0.1:%d", FreePort(t))}
	Start(t, path, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.Address,
		"--web.enable-remote-write-receiver", "--log.level=warn")
	Eventually(t, StartLimit, func() bool {
		res, err := http.Get("http://" + p.Address + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return p
}

// Get decodes what the API has at the path.
func (p *Prometheus) Get(t testing.TB, path string, data any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Address+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode, path)
	require.NoError(t, json.NewDecoder(res.Body).Decode(&struct{ Data any }{data}), path)
}

// PrometheusSeries is what a query returns.
type PrometheusSeries struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

// Query returns what the query has now.
func (p *Prometheus) Query(t testing.TB, query string) []PrometheusSeries {
	t.Helper()
	var data struct{ Result []PrometheusSeries }
	p.Get(t, "/api/v1/query?query="+url.QueryEscape(query), &data)
	return data.Result
}

// Value returns the only value that the query has, false when there is none.
func (p *Prometheus) Value(t testing.TB, query string) (float64, bool) {
	t.Helper()
	list := p.Query(t, query)
	if len(list) != 1 {
		return 0, false
	}
	v, err := strconv.ParseFloat(list[0].Value[1].(string), 64)
	require.NoError(t, err)
	return v, true
}

// Shows waits until the query has the value.
func (p *Prometheus) Shows(t testing.TB, query string, want float64) {
	t.Helper()
	var got float64
	shown := false
	defer func() {
		if !shown {
			t.Logf("%s: %v, want %v", query, got, want)
		}
	}()
	Eventually(t, StartLimit, func() bool {
		v, ok := p.Value(t, query)
		got, shown = v, ok && v == want
		return shown
	})
}
