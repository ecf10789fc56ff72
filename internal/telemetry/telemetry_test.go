package telemetry_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// began is what the process's start is in tests.
var began = time.Unix(1795230600, 0)

func example() telemetry.Report {
	return telemetry.Report{
		Jobs: []telemetry.Job{
			{
				Name: "mail", Running: true, Ready: true, Starts: 1,
				Figures: []telemetry.Figure{{Name: "lines", Value: 1027, Counter: true}, {Name: "lagBytes", Value: 12}},
				Logs:    []telemetry.Log{{Path: "/var/log/mail.log", Bytes: 12, Seconds: 3}},
				Outputs: []telemetry.Output{{Name: "statsd udp://127.0.0.1:8125", Up: true}, {Name: "graphite tcp://g:2003"}},
			},
			{Name: "web", Why: "there is no log /w", Starts: 7, Figures: []telemetry.Figure{
				{Name: "lines", Value: 5, Counter: true},
				{Name: "bad", Labels: []telemetry.Label{{"listener", "udp"}, {"reason", "no \"name\""}}, Value: 4},
				{Name: "bad", Labels: []telemetry.Label{{"listener", "udp"}, {"reason", "value"}}, Value: 6},
			}},
		},
		Reload: &telemetry.Reload{OK: true, At: began.Add(time.Minute)},
	}
}

func options(r telemetry.Report) telemetry.Options {
	return telemetry.Options{Report: func() telemetry.Report { return r }, Version: "v1", Began: began}
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

// scrape returns what Prometheus' own parser and linter make of the page.
func scrape(t *testing.T, page []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	require.NoError(t, err, "%s", page)
	problems, err := promlint.New(bytes.NewReader(page)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
	return families
}

// value returns the value of the metric with the labels, as in "job=mail".
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	require.Contains(t, families, name)
	for _, m := range families[name].Metric {
		var got []string
		for _, l := range m.Label {
			got = append(got, l.GetName()+"="+l.GetValue())
		}
		if fmt.Sprint(got) == fmt.Sprint(labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Fail(t, "it is not there", "%s %q", name, labels)
	return 0
}

func TestMetrics(t *testing.T) {
	w := get(t, telemetry.Handler(options(example())), http.MethodGet, "/metrics")
	assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	all := scrape(t, w.Body.Bytes())
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{2, "logmetrics_jobs", nil},
		{1027, "logmetrics_lines_total", []string{"job=mail"}},
		{5, "logmetrics_lines_total", []string{"job=web"}},
		{12, "logmetrics_lag_bytes", []string{"job=mail"}},
		{4, "logmetrics_bad", []string{"job=web", "listener=udp", `reason=no "name"`}},
		{6, "logmetrics_bad", []string{"job=web", "listener=udp", "reason=value"}},
		{1, "logmetrics_job_up", []string{"job=mail"}},
		{0, "logmetrics_job_up", []string{"job=web"}},
		{1, "logmetrics_job_ready", []string{"job=mail"}},
		{7, "logmetrics_job_starts_total", []string{"job=web"}},
		{1, "logmetrics_output_up", []string{"job=mail", "output=statsd udp://127.0.0.1:8125"}},
		{0, "logmetrics_output_up", []string{"job=mail", "output=graphite tcp://g:2003"}},
		{12, "logmetrics_log_lag_bytes", []string{"job=mail", "log=/var/log/mail.log"}},
		{3, "logmetrics_log_lag_seconds", []string{"job=mail", "log=/var/log/mail.log"}},
		{0, "logmetrics_logs_not_shown", nil},
		{1, "logmetrics_config_reload_success", nil},
		{float64(began.Unix() + 60), "logmetrics_config_last_reload_timestamp_seconds", nil},
		{float64(began.Unix()), "process_start_time_seconds", nil},
	} {
		assert.Equal(t, c.want, value(t, all, c.name, c.labels...), "%s %v", c.name, c.labels)
	}
	assert.Equal(t, dto.MetricType_COUNTER, all["logmetrics_lines_total"].GetType())
	assert.Positive(t, value(t, all, "go_goroutines"))
	assert.Positive(t, value(t, all, "process_cpu_seconds_total"))
	assert.Positive(t, value(t, all, "process_resident_memory_bytes"))
	assert.Greater(t, value(t, all, "process_virtual_memory_bytes"), value(t, all, "process_resident_memory_bytes"))
	assert.Positive(t, value(t, all, "process_open_fds"))
}

// TestNamesFromElsewhereAreLabelsAndNoMore: whoever names a log writes no metric.
func TestNamesFromElsewhereAreLabelsAndNoMore(t *testing.T) {
	evil := "/log\"} 1\nlogmetrics_evil 1\n\\ {\xff"
	r := telemetry.Report{Jobs: []telemetry.Job{{Name: evil, Why: evil, Logs: []telemetry.Log{{Path: evil, Bytes: 7}}}}}
	h := telemetry.Handler(options(r))
	all := scrape(t, get(t, h, http.MethodGet, "/metrics").Body.Bytes())
	assert.NotContains(t, all, "logmetrics_evil")
	clean := strings.ToValidUTF8(evil, "\ufffd")
	assert.Equal(t, 7.0, value(t, all, "logmetrics_log_lag_bytes", "job="+clean, "log="+clean))
	ready := get(t, h, http.MethodGet, "/readyz")
	assert.Equal(t, 1, strings.Count(ready.Body.String(), "\n"))
}

// TestLagIsToldOfTheWorstLogsOnly: 2500 logs in two jobs.
func TestLagIsToldOfTheWorstLogsOnly(t *testing.T) {
	jobs := []telemetry.Job{{Name: "a"}, {Name: "b"}}
	for i := range 2500 {
		j := &jobs[i%2]
		j.Logs = append(j.Logs, telemetry.Log{Path: fmt.Sprint("/", i), Bytes: int64(i)})
	}
	all := scrape(t, get(t, telemetry.Handler(options(telemetry.Report{Jobs: jobs})), http.MethodGet, "/metrics").Body.Bytes())
	require.Len(t, all["logmetrics_log_lag_bytes"].Metric, 1000)
	require.Len(t, all["logmetrics_log_lag_seconds"].Metric, 1000)
	for _, m := range all["logmetrics_log_lag_bytes"].Metric {
		assert.GreaterOrEqual(t, m.GetGauge().GetValue(), 1500.0)
	}
	assert.Equal(t, 2500.0, value(t, all, "logmetrics_logs"))
	assert.Equal(t, 1500.0, value(t, all, "logmetrics_logs_not_shown"))
	assert.NotContains(t, all, "logmetrics_config_reload_success", "there is no file")
}

func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*telemetry.Report)
		health, ready int
		says          string
	}{
		"a job that is not ready": {func(*telemetry.Report) {}, 200, 503, "job \"web\": \"there is no log /w\"\n"},
		"all ready":               {func(r *telemetry.Report) { r.Jobs[1].Ready = true }, 200, 200, "ok\n"},
		"a job that hangs": {func(r *telemetry.Report) {
			r.Jobs[0].Hung, r.Jobs[0].Why, r.Jobs[1].Ready = true, "it has not gone round for 1m0s", true
		}, 503, 503, "job \"mail\": \"it has not gone round for 1m0s\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := example()
			c.change(&r)
			h := telemetry.Handler(options(r))
			assert.Equal(t, c.health, get(t, h, http.MethodGet, "/healthz").Code)
			w := get(t, h, http.MethodGet, "/readyz")
			assert.Equal(t, c.ready, w.Code)
			assert.Equal(t, c.says, w.Body.String())
		})
	}
}

func TestOnlyReadingIsAnswered(t *testing.T) {
	h := telemetry.Handler(options(example()))
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			assert.Equal(t, http.StatusMethodNotAllowed, get(t, h, method, path).Code)
		}
		assert.NotEqual(t, http.StatusMethodNotAllowed, get(t, h, http.MethodHead, path).Code)
	}
	assert.Equal(t, http.StatusNotFound, get(t, h, http.MethodGet, "/debug/pprof/").Code)
}

// serve serves until the test ends, or stop is called, which waits for its end.
func serve(t *testing.T) (address string, stop func()) {
	t.Helper()
	l, err := telemetry.Listen(t.Context(), "0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- telemetry.Serve(ctx, l, options(example())) }()
	stop = func() {
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
			ended <- nil
		case <-time.After(10 * time.Second):
			assert.Fail(t, "it does not end")
		}
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func TestListenIsOnLoopbackUnlessToldOtherwise(t *testing.T) {
	for address, want := range map[string]string{"0": "127.0.0.1:", ":0": "127.0.0.1:", "[::1]:0": "[::1]:", "0.0.0.0:0": "[::]:"} {
		l, err := telemetry.Listen(t.Context(), address)
		if strings.HasPrefix(address, "[::1]") && err != nil {
			continue // no IPv6 here
		}
		require.NoError(t, err, address)
		got := l.Addr().String()
		assert.True(t, strings.HasPrefix(got, want) || want == "[::]:" && strings.HasPrefix(got, "0.0.0.0:"), "%s: %s", address, got)
		_, err = telemetry.Listen(t.Context(), got)
		assert.ErrorContains(t, err, "open telemetry: listen tcp", "the port is in use")
		require.NoError(t, l.Close())
	}
	_, err := telemetry.Listen(t.Context(), "a:b:c")
	assert.ErrorContains(t, err, `telemetry address "a:b:c"`)
}

func TestServeEndsWithItsContextThoughAClientIsSlow(t *testing.T) {
	testutil.LeakCheck(t)
	address, stop := serve(t)
	slow, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "GET /metrics HTTP/1.1\r\nHost: x\r\n") // and never the end
	require.NoError(t, err)
	resp, err := http.Get("http://" + address + "/healthz")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	began := time.Now()
	stop()
	assert.Less(t, time.Since(began), 5*time.Second)
	http.DefaultClient.CloseIdleConnections()
}

// TestConnectionsAreBounded: of 200 that say nothing most are closed, and when
// they have gone others are served.
func TestConnectionsAreBounded(t *testing.T) {
	address, _ := serve(t)
	var conns []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		conns = append(conns, c)
	}
	closed := 0
	for _, c := range conns {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
			closed++
		}
	}
	assert.Equal(t, 200-64, closed)
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	testutil.Eventually(t, 10*time.Second, func() bool {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}
