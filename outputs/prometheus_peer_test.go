package outputs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// realPrometheus is Debian's Prometheus.
type realPrometheus struct {
	*testutil.Prometheus
	address string
}

// startPrometheus starts one that scrapes the target and takes remote writes.
func startPrometheus(t *testing.T, target string) realPrometheus {
	t.Helper()
	p := testutil.StartPrometheus(t, target)
	return realPrometheus{p, p.Address}
}

func (p realPrometheus) get(t *testing.T, path string, data any) { t.Helper(); p.Get(t, path, data) }

func (p realPrometheus) query(t *testing.T, query string) []testutil.PrometheusSeries {
	t.Helper()
	return p.Query(t, query)
}

func (p realPrometheus) value(t *testing.T, query string) (float64, bool) {
	t.Helper()
	return p.Value(t, query)
}

func (p realPrometheus) shows(t *testing.T, query string, want float64) {
	t.Helper()
	p.Shows(t, query, want)
}

// mail is a batch as a mail log's, with a name and a label from the log.
func mail(seq uint64, stamp int64, sent int) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	deliveries, delay := r.Series("numSent", metric.Counter, metric.PyInt), r.Series("delay", metric.Timer, metric.Shortest)
	relays := r.Family("relays", metric.Counter, "relay")
	users := r.Series("users", metric.Set, metric.Shortest)
	for i := range sent {
		r.Inc(deliveries, 1)
		r.Observe(delay, float64(i%10)/10) // 0 to .9
		r.Inc(relays.ID([]byte("mx1")), 1)
		r.Add(users, fmt.Append(nil, i))
	}
	r.Set(r.Series("pctSent", metric.Gauge, metric.PyFloat), 99.5)
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{3}, Seq: seq}, Stamp: stamp, Prefix: "servers.mx-1"}
	r.Flush(b)
	return b
}

// TestPrometheusScrapes: Debian's Prometheus scrapes two processes of ours one
// after the other, and sees one counter that never fell.
func TestPrometheusScrapes(t *testing.T) {
	address := testutil.FreeAddress(t)
	p := startPrometheus(t, address)
	out := startScrape(t, nil, address, nil)
	show(t, out, mail(1, 1, 100))
	p.shows(t, "servers_mx_1_num_sent_total", 100)
	show(t, out, mail(2, 2, 50))
	p.shows(t, "servers_mx_1_num_sent_total", 150)
	memo := out.Memo()
	require.NoError(t, out.Close())
	p.shows(t, "up", 0)
	out = startScrape(t, nil, address, memo)
	p.shows(t, "servers_mx_1_num_sent_total", 150)
	show(t, out, mail(2, 2, 50)) // its cursor was not kept
	show(t, out, mail(3, 3, 10))
	p.shows(t, "servers_mx_1_num_sent_total", 160)

	for query, want := range map[string]float64{
		"resets(servers_mx_1_num_sent_total[10m])":                                0,
		"resets(servers_mx_1_delay_seconds_count[10m])":                           0,
		"servers_mx_1_relays_total{relay='mx1'}":                                  160,
		"servers_mx_1_pct_sent":                                                   99.5,
		"servers_mx_1_users":                                                      10,
		"servers_mx_1_delay_seconds_bucket{le='0.5'}":                             96,
		"servers_mx_1_delay_seconds_bucket{le='+Inf'}":                            160,
		"servers_mx_1_delay_seconds_count":                                        160,
		"round(servers_mx_1_delay_seconds_sum, .0001)":                            72,
		"round(histogram_quantile(.6, servers_mx_1_delay_seconds_bucket), .0001)": .5,
		"logmetrics_left_out_series":                                              0,
		"up":                                                                      1,
	} {
		got, ok := p.value(t, query)
		assert.True(t, ok, query)
		assert.Equal(t, want, got, query)
	}
	// The counter's family is called so in OpenMetrics only: it was asked for, and taken.
	var metadata []struct{ Metric, Type, Help string }
	p.get(t, "/api/v1/targets/metadata?metric=servers_mx_1_num_sent", &metadata)
	require.Len(t, metadata, 1)
	assert.Equal(t, "counter", metadata[0].Type)
	assert.Equal(t, "Running total of numSent", metadata[0].Help)
	var targets struct {
		ActiveTargets []struct{ Health, LastError string }
	}
	p.get(t, "/api/v1/targets", &targets)
	require.Len(t, targets.ActiveTargets, 1)
	assert.Empty(t, targets.ActiveTargets[0].LastError)
}

// TestPrometheusRemoteWrite reads back all that was sent, with its times.
func TestPrometheusRemoteWrite(t *testing.T) {
	p := startPrometheus(t, "127.0.0.1:1")
	var memo []byte
	fresh := func() outputs.Stateful {
		out := newVariant(t, variant{"prometheus", "", outputs.Options{Protocol: "http", Address: p.address}}).(outputs.Stateful)
		require.NoError(t, out.Restore(memo))
		return out
	}
	out := fresh()
	begin := time.Now().Unix() - 100
	want := map[string]string{}
	total := 0
	for seq := range uint64(5) {
		b := mail(seq+1, begin+10*int64(seq), 10)
		require.NoError(t, out.Write(t.Context(), b))
		if seq == 2 { // killed before the memo was kept
			out = fresh()
			require.NoError(t, out.Write(t.Context(), b))
		}
		memo = out.Memo()
		total += 10
		at := fmt.Sprintf("@%d ", b.Stamp)
		want["servers_mx_1_num_sent_total"] += strconv.Itoa(total) + at
		want["servers_mx_1_relays_total relay=mx1"] += strconv.Itoa(total) + at
		want["servers_mx_1_delay_seconds_count"] += strconv.Itoa(total) + at
		want["servers_mx_1_delay_seconds_bucket le=0.5"] += strconv.Itoa(total*6/10) + at
		want["servers_mx_1_pct_sent"] += "99.5" + at
	}
	got := map[string]string{}
	for _, s := range p.query(t, `{__name__=~"servers_.*"}[10m]`) {
		name := s.Metric["__name__"]
		delete(s.Metric, "__name__")
		for k, v := range s.Metric {
			name += " " + k + "=" + v
		}
		for _, v := range s.Values {
			got[name] += fmt.Sprintf("%s@%.3f ", v[1], v[0])
		}
	}
	for name, values := range want {
		assert.Equal(t, values, strings.ReplaceAll(got[name], ".000 ", " "), name)
	}
	assert.Len(t, got, 1+1+12+2+2, "%v", got)

	// It takes no value of another time before: said, and not to be sent again.
	err := out.Write(t.Context(), mail(6, begin, 1))
	require.ErrorIs(t, err, outputs.ErrPermanent)
	require.ErrorContains(t, err, "out of order sample")
}

// TestNodeExporter: Debian's node_exporter shows the file, and never sees it
// half written while it is replaced again and again.
func TestNodeExporter(t *testing.T) {
	path := testutil.Peer(t, "node-exporter")
	dir, port := t.TempDir(), testutil.FreePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	opt := outputs.Options{Protocol: outputs.PrometheusTextfile, Address: filepath.Join(dir, "mail.prom")}
	out := newVariant(t, variant{"prometheus", "", opt})
	require.NoError(t, out.Write(t.Context(), mail(1, 1, 100)))
	start(t, path, "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory="+dir, "--web.listen-address="+address)
	testutil.Eventually(t, startLimit, listens(port))
	for seq := uint64(2); seq <= 20; seq++ {
		done := make(chan error)
		go func() { done <- out.Write(t.Context(), mail(seq, int64(seq), 100)) }()
		_, page := fetch(t, "http://"+address+"/metrics")
		require.NoError(t, <-done)
		require.Contains(t, page, "\nnode_textfile_scrape_error 0\n")
		require.Regexp(t, fmt.Sprintf("\nservers_mx_1_num_sent_total (%d|%d)\n", 100*(seq-1), 100*seq), page)
		require.Contains(t, page, "\nservers_mx_1_delay_seconds_bucket{le=\"0.5\"} ")
	}
}

// TestPromtool: what we show has nothing that Prometheus' own linter finds.
func TestPromtool(t *testing.T) {
	promtool := testutil.Peer(t, "promtool")
	file := filepath.Join(t.TempDir(), "logs.prom")
	opt := outputs.Options{Protocol: outputs.PrometheusTextfile, Address: file, Prometheus: outputs.PrometheusOptions{Labels: []string{"host=mx1"}}}
	require.NoError(t, newVariant(t, variant{"prometheus", "", opt}).Write(t.Context(), mail(1, 1, 100)))
	page, err := os.Open(file)
	require.NoError(t, err)
	defer page.Close()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, promtool, "check", "metrics")
	cmd.Stdin = page
	said, err := cmd.CombinedOutput()
	assert.NoError(t, err)
	assert.Empty(t, string(said))
}
