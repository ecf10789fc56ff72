package outputs_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

func statsdPackets(t *testing.T, opt outputs.Options, b *metric.Batch) (packets []string) {
	t.Helper()
	outputs.Packets(t, "statsd", opt, b, func(p []byte) { packets = append(packets, string(p)) })
	return packets
}

// TestLogsterClothes compares with Logster's datagrams, byte for byte.
func TestLogsterClothes(t *testing.T) {
	b := &metric.Batch{Prefix: "servers.proxy01b.postfix", Samples: []metric.Sample{
		metric.NewGauge("numSent", 1000, metric.PyInt, "Total Sent"),
		metric.NewGauge("pctSent", 100, metric.PyFloat, "Percentage Sent"),
		metric.NewGauge("avgDelay", 81.52579474360604, metric.PyFloat, ""),
	}}
	assert.Equal(t, []string{
		"servers.proxy01b.postfix.numSent:1000|g",
		"servers.proxy01b.postfix.pctSent:100.0|g",
		"servers.proxy01b.postfix.avgDelay:81.52579474360604|g",
	}, statsdPackets(t, outputs.Options{Gauges: true}, b))
}

// TestNegativeGaugeTravelsWhole: no packet size parts the 0 from the level.
func TestNegativeGaugeTravelsWhole(t *testing.T) {
	b := &metric.Batch{}
	for range 20 {
		b.Samples = append(b.Samples, metric.NewGauge("g", -5, metric.Shortest, ""))
	}
	for size := 1; size < 60; size++ {
		for _, p := range statsdPackets(t, outputs.Options{PacketSize: size}, b) {
			assert.Equal(t, 1, strings.Count(p, "\n")%2, "%q", p)
			assert.True(t, strings.HasPrefix(p, "g:0|g\ng:-5|g"), "%q", p)
			assert.LessOrEqual(t, len(p), max(size, len("g:0|g\ng:-5|g")))
		}
	}
}

func TestPacketSizeIsFilled(t *testing.T) {
	packets := statsdPackets(t, outputs.Options{PacketSize: 500}, bigBatch())
	for _, p := range packets[:len(packets)-1] {
		require.LessOrEqual(t, len(p), 500)
		require.Greater(t, len(p), 420, "another line would have fitted")
		require.False(t, strings.HasSuffix(p, "\n"))
	}
	rows := 0
	for _, p := range packets {
		r, bad := statsd.Parse(nil, []byte(p))
		require.Zero(t, bad)
		rows += len(r)
	}
	assert.Equal(t, len(bigBatch().Samples), rows)
}

// TestSketchKeepsCount: the server sees all values of a timer past its exact limit.
func TestSketchKeepsCount(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	r := metric.NewRecorder(metric.RecorderOptions{})
	id := r.Series("t", metric.Timer, metric.Shortest)
	n := metric.MaxExact + 1 + rnd.IntN(100_000)
	sum := 0.0
	for range n {
		v := rnd.ExpFloat64()
		sum += v
		r.Observe(id, v)
	}
	b := &metric.Batch{}
	r.Flush(b)
	count, total, values := 0.0, 0.0, 0
	for _, p := range statsdPackets(t, outputs.Options{}, b) {
		rows, bad := statsd.Parse(nil, []byte(p))
		require.Zero(t, bad)
		for _, row := range rows {
			values++
			count += 1 / row.Rate
			total += row.Value / row.Rate / 1000
		}
	}
	assert.Equal(t, 1000, values)
	assert.InEpsilon(t, n, count, 1e-9)
	assert.InEpsilon(t, sum, total, .03)
}

func TestUnixgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server, err := net.ListenPacket("unixgram", path)
	require.NoError(t, err)
	defer server.Close()
	opt := outputs.Options{Address: "unixgram://" + path}
	out := newVariant(t, variant{"statsd", "unixgram", opt})
	b := &metric.Batch{Samples: []metric.Sample{metric.NewGauge("g", 1, metric.Shortest, "")}}
	require.NoError(t, out.Write(t.Context(), b))
	buf := make([]byte, 100)
	n, _, err := server.ReadFrom(buf)
	require.NoError(t, err)
	assert.Equal(t, "g:1|g", string(buf[:n]))
	require.NoError(t, server.Close())
	assert.Error(t, out.Write(t.Context(), b))
}

// TestUnixgramStalled has a server that does not read.
func TestUnixgramStalled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server, err := net.ListenPacket("unixgram", path)
	require.NoError(t, err)
	defer server.Close()
	out := newVariant(t, variant{"statsd", "unixgram", outputs.Options{Address: "unixgram://" + path, Timeout: 100 * time.Millisecond}})
	assert.ErrorContains(t, out.Write(t.Context(), bigBatch()), "timeout")
}

func TestUDPv6(t *testing.T) {
	server, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		testutil.NotRun(t, "it needs IPv6 on loopback: "+err.Error())
	}
	defer server.Close()
	b := &metric.Batch{Samples: []metric.Sample{metric.NewGauge("g", 1, metric.Shortest, "")}}
	require.NoError(t, newVariant(t, variant{"statsd", "v6", outputs.Options{Address: server.LocalAddr().String()}}).Write(t.Context(), b))
	buf := make([]byte, 100)
	n, _, err := server.ReadFrom(buf)
	require.NoError(t, err)
	assert.True(t, bytes.Equal([]byte("g:1|g"), buf[:n]))
}

func TestLineTooLongForADatagram(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	b := &metric.Batch{Samples: []metric.Sample{metric.NewGauge(strings.Repeat("x", 70_000), 1, metric.Shortest, "")}}
	err = newVariant(t, variant{"statsd", "long", outputs.Options{Address: server.LocalAddr().String()}}).Write(t.Context(), b)
	assert.ErrorIs(t, err, outputs.ErrPermanent)
}
