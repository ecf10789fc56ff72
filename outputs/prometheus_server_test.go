package outputs_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// startScrape returns a started output whose totals are those of memo.
func startScrape(t *testing.T, server *outputs.PrometheusServer, address string, memo []byte) outputs.Stateful {
	t.Helper()
	opt := outputs.Options{Protocol: outputs.PrometheusScrape, Address: address}
	opt.Prometheus.Server = server
	out := newVariant(t, variant{"prometheus", "scrape", opt}).(outputs.Stateful)
	require.NoError(t, out.Restore(memo))
	require.NoError(t, out.(outputs.Starter).Start(t.Context()))
	return out
}

// show has the output show b, as extract does when it has kept the memo.
func show(t *testing.T, out outputs.Output, b *metric.Batch) {
	t.Helper()
	require.NoError(t, out.Write(t.Context(), b))
	out.(outputs.Publisher).Publish()
}

// fetch returns the answer to one request, which is not kept open.
func fetch(t *testing.T, url string, header ...string) (res *http.Response, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err = transport.RoundTrip(req)
	require.NoError(t, err)
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res, string(data)
}

// oneCounter is a batch with one counter.
func oneCounter(job byte, seq uint64, name string, n uint64) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	r.Inc(r.Series(name, metric.Counter, metric.PyInt), n)
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{job}, Seq: seq}, Stamp: 1760000000}
	r.Flush(b)
	return b
}

// TestScrapeShowedWhatAKillTookBack: a total that was on the page, and was lost
// with the process, was a counter that fell.
func TestScrapeShowedWhatAKillTookBack(t *testing.T) {
	testutil.LeakCheck(t)
	address := testutil.FreeAddress(t)
	url := "http://" + address + "/metrics"
	out := startScrape(t, nil, address, nil)
	show(t, out, oneCounter(1, 1, "sent", 5))
	memo := out.Memo()
	require.NoError(t, out.Write(t.Context(), oneCounter(1, 2, "sent", 2)))
	_, body := fetch(t, url)
	require.Contains(t, body, "\nsent_total 5\n", "what is not kept is not shown")
	require.NoError(t, out.Close())

	again := startScrape(t, nil, address, memo)
	_, body = fetch(t, url)
	require.Contains(t, body, "\nsent_total 5\n")
	show(t, again, oneCounter(1, 2, "sent", 2))
	_, body = fetch(t, url)
	require.Contains(t, body, "\nsent_total 7\n")
	require.NoError(t, again.Close())
}

func TestScrape(t *testing.T) {
	testutil.LeakCheck(t)
	address := testutil.FreeAddress(t)
	out := startScrape(t, nil, address, nil)
	url := "http://" + address + "/metrics"
	res, body := fetch(t, url)
	assert.Equal(t, prometheus.TextType, res.Header.Get("Content-Type"))
	parsePage(t, []byte(body))
	require.Contains(t, body, "logmetrics_left_out_series 0\n")
	show(t, out, oneCounter(1, 1, "sent", 5))
	_, body = fetch(t, url)
	require.Contains(t, body, "# TYPE sent_total counter\nsent_total 5\n")

	res, body = fetch(t, url, "Accept", "application/openmetrics-text;version=1.0.0")
	assert.Equal(t, prometheus.OpenMetricsType, res.Header.Get("Content-Type"))
	assert.Contains(t, body, "# TYPE sent counter\nsent_total 5\n")
	assert.True(t, strings.HasSuffix(body, "\n# EOF\n"))

	res, zipped := fetch(t, url, "Accept-Encoding", "br, gzip", "Accept", "application/openmetrics-text")
	require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
	z, err := gzip.NewReader(strings.NewReader(zipped))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	assert.Equal(t, body, string(plain))
	res, _ = fetch(t, url, "Accept-Encoding", "gzip;q=0")
	assert.Empty(t, res.Header.Get("Content-Encoding"))
	res, _ = fetch(t, "http://"+address+"/elsewhere")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)

	// The next process shows what this one did, before it has read a line.
	memo := out.Memo()
	require.NoError(t, out.Close())
	require.NoError(t, out.Close())
	out = startScrape(t, nil, address, memo)
	_, body = fetch(t, url)
	require.Contains(t, body, "sent_total 5\n")
	show(t, out, oneCounter(1, 1, "sent", 5))
	show(t, out, oneCounter(1, 2, "sent", 2))
	_, body = fetch(t, url)
	require.Contains(t, body, "sent_total 7\n")
}

func TestScrapePortInUse(t *testing.T) {
	testutil.LeakCheck(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	opt := outputs.Options{Protocol: outputs.PrometheusScrape, Address: l.Addr().String()}
	out := newVariant(t, variant{"prometheus", "scrape", opt})
	err = out.(outputs.Starter).Start(t.Context())
	require.ErrorContains(t, err, l.Addr().String())
	require.ErrorContains(t, err, "address already in use")
}

// TestScrapeShared: two jobs of one process on one address.
func TestScrapeShared(t *testing.T) {
	testutil.LeakCheck(t)
	server, address := new(outputs.PrometheusServer), testutil.FreeAddress(t)
	one, two := startScrape(t, server, address, nil), startScrape(t, server, address, nil)
	show(t, one, oneCounter(1, 1, "one", 1))
	show(t, two, oneCounter(2, 1, "two", 2))
	url := "http://" + address + "/metrics"
	_, body := fetch(t, url)
	parsePage(t, []byte(body))
	assert.Contains(t, body, "\none_total 1\n")
	assert.Contains(t, body, "\ntwo_total 2\n")
	assert.Contains(t, body, "logmetrics_left_out_series 0\n")

	// The same name from both: the job that came first stands, and it is counted.
	show(t, two, oneCounter(2, 2, "one", 7))
	_, body = fetch(t, url)
	parsePage(t, []byte(body))
	assert.Contains(t, body, "\none_total 1\n")
	assert.Contains(t, body, "logmetrics_left_out_series 1\n")

	require.NoError(t, one.Close())
	_, body = fetch(t, url)
	assert.Contains(t, body, "\none_total 7\n")
	require.NoError(t, two.Close())
	_, err := net.Dial("tcp", address)
	require.Error(t, err, "the last one closes the listener")
}

// TestScrapeStrangers: connections that send nothing, or too much, neither
// keep a scrape out for ever nor Close.
func TestScrapeStrangers(t *testing.T) {
	testutil.LeakCheck(t)
	address := testutil.FreeAddress(t)
	out := startScrape(t, nil, address, nil)
	var idle []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		idle = append(idle, c)
	}
	closed := 0
	for _, c := range idle[64:] {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(startLimit)))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			closed++
		}
	}
	assert.Equal(t, 200-64, closed, "no more than 64 connections stay")
	_, err := fmt.Fprintf(idle[0], "GET /metrics HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n", strings.Repeat("a", 100<<10))
	require.NoError(t, err)
	answer, err := bufio.NewReader(idle[0]).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, answer, " 431 ")
	start := time.Now()
	require.NoError(t, out.Close())
	assert.Less(t, time.Since(start), 5*time.Second)
	for _, c := range idle {
		_ = c.Close()
	}
}

// TestScrapesAtOnce: clients that do not read their answer hold a few pages at
// most, and the others are told to come again.
func TestScrapesAtOnce(t *testing.T) {
	testutil.LeakCheck(t)
	address := testutil.FreeAddress(t)
	out := startScrape(t, nil, address, nil)
	show(t, out, bigBatch())
	for range 4 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
		_, err = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		_, err = io.ReadFull(c, make([]byte, 1)) // the rest is being written
		require.NoError(t, err)
	}
	res, _ := fetch(t, "http://"+address+"/metrics")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	start := time.Now()
	require.NoError(t, out.Close())
	assert.Less(t, time.Since(start), 5*time.Second)
}

// TestScrapeIsStarted: what nobody can see is not taken for delivered.
func TestScrapeIsStarted(t *testing.T) {
	out := newVariant(t, variant{"prometheus", "", outputs.Options{Protocol: outputs.PrometheusScrape}})
	require.ErrorContains(t, out.Write(t.Context(), oneCounter(1, 1, "sent", 5)), "only to a process that stays")
}

// TestTextfile is replaced as a whole, whatever was there.
func TestTextfile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "logs.prom")
	opt := outputs.Options{Protocol: outputs.PrometheusTextfile, Address: file}
	out := newVariant(t, variant{"prometheus", "textfile", opt})
	elsewhere := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(elsewhere, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, ".logs.prom.new")))
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	require.NoError(t, out.Write(t.Context(), oneCounter(1, 1, "sent", 5)))
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "# HELP sent_total Running total of sent\n# TYPE sent_total counter\nsent_total 5\n", string(got))
	fi, err := os.Lstat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), fi.Mode())
	precious, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(precious))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1)

	// A write that fails leaves the old file.
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".logs.prom.new"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".logs.prom.new", "x"), nil, 0o644))
	err = out.Write(t.Context(), oneCounter(1, 2, "sent", 5))
	require.ErrorContains(t, err, file)
	require.NotErrorIs(t, err, outputs.ErrPermanent)
	again, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(got), string(again))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".logs.prom.new")))
	require.NoError(t, out.Write(t.Context(), oneCounter(1, 2, "sent", 5)))
	again, err = os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(again), "\nsent_total 10\n")

	gone := newVariant(t, variant{"prometheus", "textfile", outputs.Options{Protocol: outputs.PrometheusTextfile, Address: filepath.Join(dir, "none", "x.prom")}})
	require.ErrorIs(t, gone.Write(t.Context(), oneCounter(1, 1, "sent", 5)), os.ErrNotExist)
}

// TestRemoteWriteHeaders: what the protocol wants, and the token, which may
// change between batches.
func TestRemoteWriteHeaders(t *testing.T) {
	var got http.Header
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, path = r.Header.Clone(), r.URL.Path
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("abc123\n"), 0o600))
	opt := outputs.Options{Protocol: "http", Address: strings.TrimPrefix(server.URL, "http://")}
	opt.Prometheus.TokenFile = token
	out := newVariant(t, variant{"prometheus", "", opt})
	require.NoError(t, out.Write(t.Context(), oneCounter(1, 1, "sent", 5)))
	assert.Equal(t, "/api/v1/write", path)
	for name, want := range map[string]string{
		"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0",
		"User-Agent": "logmetrics", "Authorization": "Bearer abc123",
	} {
		assert.Equal(t, want, got.Get(name))
	}
	require.NoError(t, os.WriteFile(token, []byte("me:secret"), 0o600))
	require.NoError(t, out.Write(t.Context(), oneCounter(1, 2, "sent", 5)))
	assert.Equal(t, "Basic bWU6c2VjcmV0", got.Get("Authorization"))
	require.NoError(t, os.Chmod(token, 0o644))
	err := out.Write(t.Context(), oneCounter(1, 3, "sent", 5))
	require.ErrorContains(t, err, "chmod")
	require.NotErrorIs(t, err, outputs.ErrPermanent)
}

// TestRemoteWriteRefusedInPart: a request that is refused for good does not
// keep the batch's others, and is said.
func TestRemoteWriteRefusedInPart(t *testing.T) {
	requests, series := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			http.Error(w, "out of order sample", http.StatusBadRequest)
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		body, err = prometheus.Uncompress(nil, body, 2<<20)
		assert.NoError(t, err)
		var p prometheus.RequestParser
		assert.NoError(t, p.Parse(body, func([]prometheus.RawLabel, []prometheus.Sample) error {
			series++
			return nil
		}))
	}))
	defer server.Close()
	out := newVariant(t, variant{"prometheus", "", outputs.Options{Protocol: "http", Address: strings.TrimPrefix(server.URL, "http://")}})
	b := bigBatch()
	err := out.Write(t.Context(), b)
	require.ErrorIs(t, err, outputs.ErrPermanent)
	require.ErrorContains(t, err, "out of order sample")
	assert.Greater(t, requests, 10)
	assert.Less(t, series, len(b.Samples))
	assert.Greater(t, series, len(b.Samples)*9/10)
}
