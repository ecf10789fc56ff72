package outputs_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
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

var gmetricArguments = regexp.MustCompile("^--name=([^\x00]+)\x00--value=[-+.e0-9]+\x00--type=double\x00--units=[a-zA-Z0-9 %/._-]*\x00$")

func strictGanglia(t *testing.T, v variant, packet []byte) int {
	m := gmetricArguments.FindSubmatch(packet)
	require.NotNil(t, m, "%q", packet)
	checkName(t, v, m[1])
	return 1
}

// TestGmetric looks at how the program is called.
func TestGmetric(t *testing.T) {
	file := filepath.Join(t.TempDir(), "args")
	program := shellScript(t, `printf '%s|' "$@" >>`+file+`; echo >>`+file)
	b := &metric.Batch{Prefix: "p", Samples: []metric.Sample{
		metric.NewGauge("a", -5.25, metric.Shortest, "Total Sent"), metric.NewGauge("-b", 100, metric.PyFloat, "a'\"$(b)"),
	}}
	for _, c := range []struct {
		options []string
		want    string
	}{
		{nil, "-d|180|-c|/etc/ganglia/gmond.conf|"},
		{[]string{"-c", "/etc/a b.conf"}, "-c|/etc/a b.conf|"},
		{[]string{}, ""},
	} {
		require.NoError(t, newVariant(t, variant{"ganglia", "", outputs.Options{Ganglia: outputs.GangliaOptions{Args: c.options, Program: program}}}).Write(t.Context(), b))
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, c.want+"--name=p_a|--value=-5.25|--type=double|--units=Total Sent|\n"+
			c.want+"--name=p_-b|--value=100.0|--type=double|--units=a____b_|\n", string(text))
		require.NoError(t, os.Remove(file))
	}
}

const gmondConf = `globals { daemonize = no setuid = no mute = no deaf = no cleanup_threshold = 300 }
cluster { name = "test" }
udp_send_channel { host = 127.0.0.1 port = %[1]d }
udp_recv_channel { bind = 127.0.0.1 port = %[1]d }
tcp_accept_channel { bind = 127.0.0.1 port = %[2]d }
`

// startGmond returns the configuration that gmetric finds it by, and the port
// at which it tells what it knows.
func startGmond(t *testing.T) (conf string, port int) {
	t.Helper()
	path := testutil.Peer(t, "gmond")
	conf, port = filepath.Join(t.TempDir(), "gmond.conf"), testutil.FreePort(t)
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, gmondConf, testutil.FreePort(t), port), 0o600))
	start(t, path, "-c", conf, "-f")
	testutil.Eventually(t, startLimit, listens(port))
	return conf, port
}

type gmondMetric struct {
	Name  string `xml:"NAME,attr"`
	Value string `xml:"VAL,attr"`
	Type  string `xml:"TYPE,attr"`
	Units string `xml:"UNITS,attr"`
	Dmax  int    `xml:"DMAX,attr"`
	Slope string `xml:"SLOPE,attr"`
}

func gmondMetrics(t *testing.T, port int) map[string]gmondMetric {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	defer conn.Close()
	d := xml.NewDecoder(conn)
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // all is ASCII
	var all struct {
		Metrics []gmondMetric `xml:"CLUSTER>HOST>METRIC"`
	}
	require.NoError(t, d.Decode(&all))
	found := map[string]gmondMetric{}
	for _, m := range all.Metrics {
		found[m.Name] = m
	}
	return found
}

// TestGmond sends by Debian's gmetric to its gmond, and reads what that knows.
func TestGmond(t *testing.T) {
	program := testutil.Peer(t, "gmetric")
	conf, port := startGmond(t)
	opt := outputs.Options{Ganglia: outputs.GangliaOptions{Args: []string{"-d", "170", "-c", conf}, Program: program}}
	b := sampleBatch()
	for name, v := range map[string]float64{"large": 123456789012345678901234, "small": -1e-300, "exact": 1<<53 - 1} {
		b.Samples = append(b.Samples, metric.NewGauge(name, v, metric.Shortest, "Total % per/sec"))
	}
	b.Samples = append(b.Samples, metric.NewGauge("-x@+%", 1, metric.Shortest, "a'\"<&>;"))
	want := map[string]float64{}
	units := map[string]string{}
	outputs.Packets(t, "ganglia", opt, b, func(p []byte) {
		field := regexp.MustCompile("=([^\x00]*)").FindAllStringSubmatch(string(p), -1)
		v, err := strconv.ParseFloat(field[1][1], 64)
		require.NoError(t, err)
		want[field[0][1]], units[field[0][1]] = v, field[3][1]
	})
	start := time.Now()
	require.NoError(t, newVariant(t, variant{"ganglia", "", opt}).Write(t.Context(), b))
	t.Logf("%d metrics in %v", len(want), time.Since(start))
	var got map[string]gmondMetric
	testutil.Eventually(t, startLimit, func() bool {
		got = gmondMetrics(t, port)
		return len(got) >= len(want)
	})
	require.Len(t, got, len(want))
	assert.Equal(t, 123456789012345678901234., want["servers.web1_large_test"])
	for name, v := range want {
		m := got[name]
		value, err := strconv.ParseFloat(m.Value, 64)
		require.NoError(t, err, name)
		assert.Equal(t, v, value, name)
		assert.Equal(t, gmondMetric{name, m.Value, "double", units[name], 170, "both"}, m)
	}
}

// TestGmetricRefuses: what Debian's gmetric does not like is in the error.
func TestGmetricRefuses(t *testing.T) {
	own := outputs.GangliaOptions{Args: []string{"-c", filepath.Join(t.TempDir(), "none")}, Program: testutil.Peer(t, "gmetric")}
	err := newVariant(t, variant{"ganglia", "", outputs.Options{Ganglia: own}}).Write(t.Context(), sampleBatch())
	require.ErrorContains(t, err, "exit status 1")
	assert.True(t, strings.Contains(err.Error(), "not found"), err)
}
