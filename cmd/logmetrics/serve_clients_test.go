package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// kept1 is a bucket as logmetrics db dump prints it.
type kept1 struct {
	unix             int64
	count, sum, last float64
}

// dump returns the finest buckets of all series that match, as the program prints
// them, by their names. No server may have the data.
func (s *site) dump(patterns ...string) map[string][]kept1 {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.bin, append([]string{"db", "dump", "--data=" + s.file("data")}, patterns...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(s.t, err, stderr.String())
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	require.NoError(s.t, err)
	all := make(map[string][]kept1)
	for _, row := range rows[1:] {
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(row[i], 64)
			require.NoError(s.t, err)
			return v
		}
		all[row[0]] = append(all[row[0]], kept1{int64(number(1)), number(2), number(3), number(8)})
	}
	return all
}

// total is the sum of all buckets.
func total(list []kept1) (sum float64) {
	for _, k := range list {
		sum += k.sum
	}
	return sum
}

// newest is the last value of the newest bucket; there must be one.
func newest(t *testing.T, all map[string][]kept1, name string) float64 {
	t.Helper()
	require.NotEmpty(t, all[name], name)
	return all[name][len(all[name])-1].last
}

// port returns the port of an address.
func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

const collectdConf = `Hostname "host"
FQDNLookup false
Interval 1
BaseDir "DIR"
PIDFile "DIR/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
LoadPlugin filecount
<LoadPlugin write_graphite>
	FlushInterval 1
</LoadPlugin>
<Plugin logfile>
	File stderr
</Plugin>
<Plugin filecount>
	<Directory "DIR/counted">
		Instance "counted"
	</Directory>
</Plugin>
<Plugin write_graphite>
	<Node "us">
		Host "127.0.0.1"
		Port "PORT"
		Prefix "collectd."
	</Node>
</Plugin>
`

// TestClientCollectd: Debian's collectd counts files, and writes that as carbon's
// lines.
func TestClientCollectd(t *testing.T) {
	t.Parallel()
	collectd := testutil.Peer(t, "collectd")
	s := newSite(t)
	b := s.serve()
	require.NoError(t, os.Mkdir(s.file("counted"), 0o755))
	for i := range 3 {
		s.write(filepath.Join("counted", strconv.Itoa(i)), strings.Repeat("x", 100))
	}
	s.write("collectd.conf", strings.ReplaceAll(collectdConf, "PORT", port(b.at("carbon-tcp"))))
	testutil.Start(t, collectd, "-f", "-C", s.file("collectd.conf"))
	b.takes("carbon", 6)
	assert.Equal(t, b.figure(`logmetrics_ingest_points_total{listener="carbon"}`), b.figure(`logmetrics_ingest_lines_total{listener="carbon"}`), "all lines are good")
	b.ends()
	all := s.dump("collectd.**")
	assert.Equal(t, 3.0, newest(t, all, "collectd.host.filecount-counted.files"))
	assert.Equal(t, 300.0, newest(t, all, "collectd.host.filecount-counted.bytes"))
}

// TestClientCarbonRelay: Debian's carbon-c-relay passes on what it is sent.
func TestClientCarbonRelay(t *testing.T) {
	t.Parallel()
	relay := testutil.Peer(t, "carbon-c-relay")
	s := newSite(t)
	b := s.serve()
	at := testutil.FreePort(t)
	s.write("relay.conf", fmt.Sprintf("listen type linemode 127.0.0.1:%d proto tcp ;\ncluster us forward %s ;\nmatch * send to us stop ;\n", at, b.at("carbon-tcp")))
	testutil.Start(t, relay, "-s", "-f", s.file("relay.conf"))
	testutil.Eventually(t, testutil.StartLimit, testutil.Listens(at))
	const series, rounds = 200, 5
	began := time.Now().Unix()/10*10 - 10*rounds
	var text strings.Builder
	for n := range series * rounds {
		fmt.Fprintf(&text, "relayed.s%d %d %d\n", n%series, n, began+int64(n/series)*10)
	}
	sendTo(t, "tcp", fmt.Sprintf("127.0.0.1:%d", at), text.String())
	b.takes("carbon", series*rounds)
	b.ends()
	all := s.dump("relayed.*")
	require.Len(t, all, series)
	for i := range series {
		var want []kept1
		for r := range rounds {
			v := float64(r*series + i)
			want = append(want, kept1{began + int64(r)*10, 1, v, v})
		}
		require.Equal(t, want, all[fmt.Sprintf("relayed.s%d", i)])
	}
}

// sendTo connects, sends, and closes.
func sendTo(t *testing.T, network, address, text string) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
}

// TestClientPrometheus: Debian's Prometheus scrapes, and writes what it has to us.
func TestClientPrometheus(t *testing.T) {
	t.Parallel()
	testutil.Peer(t, "prometheus")
	var scrapes atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "scrapes_total{path=\"/a b\"} %d\ntemperature 36.6\nempty NaN\nlatency_bucket{le=\"+Inf\"} 3\n", scrapes.Add(1))
	}))
	defer target.Close()
	s := newSite(t)
	b := s.serve()
	address := strings.TrimPrefix(target.URL, "http://")
	testutil.StartPrometheus(t, address, "remote_write: [{url: 'http://"+b.at("http")+"/api/v1/write', queue_config: {batch_send_deadline: 100ms}}]\n")
	b.takes("http-prometheus", 20)
	assert.Positive(t, b.figure(`logmetrics_ingest_refused_points_total{listener="http-prometheus",reason="notFinite"}`))
	_, page := get(t, b.at("http"), "/metrics")
	assert.NotRegexp(t, `refused_requests_total\{listener="http-prometheus".*\} [1-9]`, page)
	b.ends()
	tags := ";instance=" + address + ";job=logs"
	temperature, up, bucket, scraped := "temperature"+tags, "up"+tags, "latency_bucket"+tags+";le=+Inf", "scrapes_total"+tags+";path=/a_b"
	all := s.dump(temperature, up, bucket, scraped)
	assert.Equal(t, 36.6, newest(t, all, temperature))
	assert.Equal(t, 1.0, newest(t, all, up))
	assert.Equal(t, 3.0, newest(t, all, bucket))
	count := newest(t, all, scraped)
	assert.Positive(t, count)
	assert.LessOrEqual(t, count, float64(scrapes.Load()))
}

// TestClientStatsdRepeater: npm's statsd passes on what it is sent, datagram by
// datagram, and over TCP.
func TestClientStatsdRepeater(t *testing.T) {
	t.Parallel()
	node, script := testutil.Peer(t, "node"), testutil.Peer(t, "statsd")
	for protocol, network := range map[string]string{"udp4": "statsd-udp", "tcp": "statsd-tcp"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b := s.serve("--statsd-flush=1s")
			in, admin := testutil.FreePort(t), testutil.FreePort(t)
			s.write("repeater.js", fmt.Sprintf(`{address: "127.0.0.1", port: %d, mgmt_address: "127.0.0.1", mgmt_port: %d, backends: ["./backends/repeater"], repeaterProtocol: %q,
				repeater: [{host: "127.0.0.1", port: %s}]}`, in, admin, protocol, port(b.at(network))))
			testutil.Start(t, node, script, s.file("repeater.js"))
			testutil.Eventually(t, testutil.StartLimit, testutil.Listens(admin))
			for i := range 100 {
				sendTo(t, "udp", fmt.Sprintf("127.0.0.1:%d", in), fmt.Sprintf("hits:%d|c\nids:%d|s", i, i))
			}
			testutil.Eventually(t, limit, func() bool { return b.statsd("lines") >= 200 })
			b.ends()
			all := s.dump("stats_counts.hits", "stats.sets.ids.count")
			assert.Equal(t, 4950.0, total(all["stats_counts.hits"]))
			assert.Equal(t, 100.0, total(all["stats.sets.ids.count"]), "each is in one interval")
		})
	}
}

// statsd is a figure of what sums up StatsD's lines, as of the last flush.
func (b *backend) statsd(name string) float64 {
	return b.figure("logmetrics_aggregate_" + name + `_total{dialect="statsd"}`)
}

// TestClientFlux: datagrams as Flux' fripp client sends them. They have no line
// end, and counts are running totals.
func TestClientFlux(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	conn := b.dial("statsd-udp")
	defer conn.Close()
	for _, datagram := range []string{
		"flux.0.rpc:100|C\nflux.0.content-cache.count:7|g\nflux.0.load:1.234560|ms",
		"flux.0.rpc:160|C\nflux.0.content-cache.count:9|g",
		"flux.0.rpc:15|C", // the rank began anew
	} {
		_, err := io.WriteString(conn, datagram)
		require.NoError(t, err)
	}
	testutil.Eventually(t, limit, func() bool { return b.figure(`logmetrics_ingest_datagrams_total{listener="statsd-udp"}`) == 3 })
	b.ends()
	all := s.dump("stats_counts.flux.**", "stats.gauges.flux.**", "stats.timers.flux.**")
	assert.Equal(t, 75.0, total(all["stats_counts.flux.0.rpc"]))
	assert.Equal(t, 9.0, newest(t, all, "stats.gauges.flux.0.content-cache.count"))
	assert.Equal(t, 1.23456, newest(t, all, "stats.timers.flux.0.load.upper"))
}

// TestClientOverTCP: StatsD's lines over TCP, however they are cut. As with node's
// daemon one without its end is none.
func TestClientOverTCP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	conn := b.dial("statsd-tcp")
	for _, part := range []string{"a", " b", " c:", "1|c", "\nd:2", "|c\r", "\ntail:5|c"} {
		_, err := io.WriteString(conn, part)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
	testutil.Eventually(t, limit, func() bool {
		_, page := get(t, b.at("http"), "/metrics")
		return figure(page, `logmetrics_ingest_bytes_total{listener="statsd-tcp"}`) == 25 && figure(page, `logmetrics_ingest_connections{listener="statsd-tcp"}`) == 0
	})
	b.ends()
	all := s.dump("stats_counts.*")
	assert.Equal(t, 1.0, total(all["stats_counts.a_b_c"]))
	assert.Equal(t, 2.0, total(all["stats_counts.d"]))
	assert.NotContains(t, all, "stats_counts.tail")
}

// TestClientInflux: what telegraf, and curl, do with InfluxDB 1 and 2.
func TestClientInflux(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	now := time.Now().Unix()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprintf(z, "disk,host=a used=5i,free=6i %d\n", now*1e9)
	require.NoError(t, z.Close())
	for _, r := range []struct {
		path, body string
		header     []string
	}{
		{"/write?db=telegraf&precision=s", fmt.Sprintf("cpu,host=a value=1.5 %d\ncpu,host=b idle=2 %d\n", now, now), nil},
		{"/api/v2/write?org=o&bucket=b&precision=ms", fmt.Sprintf("mem,host=a used=3 %d", now*1000), []string{"Authorization", "Token none"}},
		{"/write?db=telegraf", packed.String(), []string{"Content-Encoding", "gzip"}},
	} {
		assert.Equal(t, http.StatusNoContent, b.post(r.path, r.body, r.header...), r.path)
	}
	b.send("influx-udp", fmt.Sprintf("net,host=a in=7,out=8 %d\nbroken\nnet,host=b in=9 %d", now*1e9, now*1e9))
	b.takes("influx", 3)
	b.ends()
	db := s.kept()
	for name, want := range map[string]float64{
		"cpu;host=a": 1.5, "cpu.idle;host=b": 2, "mem.used;host=a": 3, "disk.used;host=a": 5, "disk.free;host=a": 6,
		"net.in;host=a": 7, "net.out;host=a": 8, "net.in;host=b": 9,
	} {
		assert.Equal(t, want, value(t, db, name, now), name)
	}
}

// post sends a body, and returns the answer's code; 0 when there is none.
func (b *backend) post(path, body string, header ...string) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://"+b.at("http")+path, strings.NewReader(body))
	require.NoError(b.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // for the next request over this connection
	return resp.StatusCode
}
