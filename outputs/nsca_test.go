package outputs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// thresholds are two that warn and two that are critical.
var thresholds = []string{"numSent=10:50", "delay.*=~:1", "numSent=@90:97", "requests.200.*=5"}

// nscaResult is a line with nothing in it that means more to Nagios than it should.
var nscaResult = regexp.MustCompile(`^web ?1\t([^\t|;]+)\t([012])\t([^\t|;]+) (OK|WARNING|CRITICAL) - [-+.e0-9]+( [a-zA-Z0-9 %/._-]+)? \| ([^\t|;= ]+)=[-+.e0-9]+(s|ms|us|B|%)?;[@~:0-9]*;[@~:0-9]*$`)

func strictNSCA(t *testing.T, v variant, packet []byte) int {
	require.True(t, bytes.HasSuffix(packet, []byte("\n")))
	results := strings.Split(strings.TrimSuffix(string(packet), "\n"), "\n\x17")
	for _, r := range results {
		m := nscaResult.FindStringSubmatch(r)
		require.NotNil(t, m, "%q", r)
		require.Equal(t, m[1], m[3])
		require.Equal(t, m[1], m[6])
		require.LessOrEqual(t, len(m[1]), 127)
		require.Equal(t, map[string]string{"OK": "0", "WARNING": "1", "CRITICAL": "2"}[m[4]], m[2])
		checkName(t, v, []byte(m[1]))
	}
	return len(results)
}

// TestHostileUnits: a unit that comes from a log means nothing either.
func TestHostileUnits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, v := range variants() {
		if !v.program() && v.output != "cloudwatch" {
			continue
		}
		v.opt.Separator = ""
		b := &metric.Batch{Stamp: 1760000000}
		for range 200 {
			b.Samples = append(b.Samples, metric.NewGauge("good", 1, metric.Shortest, string(hostileText(rnd))))
		}
		checkNames(t, v, b)
	}
}

// returnCode is that of a value under thresholds for WARNING and CRITICAL.
func returnCode(t *testing.T, value float64, warn, crit string) string {
	t.Helper()
	var own outputs.NSCAOptions
	own.Hostname = "h"
	if warn != "" {
		own.Warn = []string{"x=" + warn}
	}
	if crit != "" {
		own.Crit = []string{"x=" + crit}
	}
	b := &metric.Batch{Prefix: "p", Suffix: "s", Samples: []metric.Sample{metric.NewGauge("x", value, metric.Shortest, "")}}
	var line string
	outputs.Packets(t, "nsca", outputs.Options{NSCA: own}, b, func(p []byte) { line = string(p) })
	return strings.Split(line, "\t")[2]
}

// TestThresholds has the examples of the Monitoring Plugins Development Guidelines.
func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		text     string
		ok, warn []float64
	}{
		{"10", []float64{0, 5, 10}, []float64{-1e-9, 10.1, 1e300}},
		{"10:", []float64{10, 11, 1e300}, []float64{9.9, 0, -20}},
		{"~:10", []float64{10, 0, -1e300}, []float64{10.01}},
		{"10:20", []float64{10, 15, 20}, []float64{9, 21}},
		{"@10:20", []float64{9, 21}, []float64{10, 15, 20}},
		{"@~:-.5", []float64{0}, []float64{-.5, -1}},
		{"-1.5e1:-1", []float64{-15, -1}, []float64{-16, 0}},
		{"0", []float64{0}, []float64{1, -1}},
	} {
		for _, v := range c.ok {
			assert.Equal(t, "0", returnCode(t, v, c.text, ""), "%s %v", c.text, v)
		}
		for _, v := range c.warn {
			assert.Equal(t, "1", returnCode(t, v, c.text, ""), "%s %v", c.text, v)
			assert.Equal(t, "2", returnCode(t, v, c.text, c.text), "%s %v", c.text, v)
		}
	}
}

func TestThresholdsAreChecked(t *testing.T) {
	f, ok := outputs.Find("nsca")
	require.True(t, ok)
	for _, text := range []string{"", "x", "=1", "x=", "x=:", "x=:5", "x=a", "x=1:b", "x=20:10", "x=1:2:3", "x=nan", "x=inf", "x=0x10", "x=1_0", "x=@", "[=1", "x=~", "x=1;2"} {
		_, err := f.New(outputs.Options{NSCA: outputs.NSCAOptions{Hostname: "h", Warn: []string{text}}})
		assert.ErrorContains(t, err, "nsca: threshold", "%q", text)
		_, err = f.New(outputs.Options{NSCA: outputs.NSCAOptions{Hostname: "h", Crit: []string{text}}})
		assert.ErrorContains(t, err, "nsca: threshold", "%q", text)
	}
	for _, host := range []string{"a\tb", "a\nb", "a;b", strings.Repeat("h", 64)} {
		_, err := f.New(outputs.Options{NSCA: outputs.NSCAOptions{Hostname: host}})
		assert.ErrorContains(t, err, "nsca: host", "%q", host)
	}
}

// TestNSCAServiceNamesStayDifferent: what send_nsca would cut to the same.
func TestNSCAServiceNamesStayDifferent(t *testing.T) {
	b := &metric.Batch{}
	for i := range 50 {
		b.Samples = append(b.Samples, metric.NewGauge(fmt.Sprintf("%s.%d", strings.Repeat("x", 180), i), 1, metric.Shortest, ""))
	}
	seen := map[string]bool{}
	outputs.Packets(t, "nsca", outputs.Options{NSCA: outputs.NSCAOptions{Hostname: "web1"}}, b, func(p []byte) {
		for line := range strings.Lines(string(p)) {
			service := strings.Split(line, "\t")[1]
			assert.Len(t, service, 127)
			seen[service] = true
		}
	})
	assert.Len(t, seen, 50)
}

// TestSendNSCA looks at how the program is called: with the same arguments
// each time, and with no more than it can send before the time is over.
func TestSendNSCA(t *testing.T) {
	dir := t.TempDir()
	program := shellScript(t, `printf '%s|' "$@" >>`+dir+`/args; echo >>`+dir+`/args; cat >>`+dir+`/results; printf '\n\027' >>`+dir+`/results`)
	own := outputs.NSCAOptions{Hostname: "web1", Config: "/etc/a b.cfg", Program: program}
	out := newVariant(t, variant{"nsca", "", outputs.Options{Address: "[::1]:1234", NSCA: own}})
	b := bigBatch()
	b.Samples = b.Samples[:1000]
	require.NoError(t, out.Write(t.Context(), b))
	args, err := os.ReadFile(dir + "/args")
	require.NoError(t, err)
	calls := strings.Count(string(args), "\n")
	assert.Equal(t, strings.Repeat("-H|::1|-p|1234|-c|/etc/a b.cfg|\n", calls), string(args))
	assert.Greater(t, calls, 3)
	results, err := os.ReadFile(dir + "/results")
	require.NoError(t, err)
	assert.Equal(t, 1000, strings.Count(string(results), "web1\tservers.web1_requests.node"))
}

// startNSCA returns the port of Debian's nsca, the file into which it writes
// its commands, and a configuration for send_nsca.
func startNSCA(t *testing.T) (port int, commands, config string) {
	t.Helper()
	path := testutil.Peer(t, "nsca")
	dir := t.TempDir()
	port, commands, config = testutil.FreePort(t), filepath.Join(dir, "commands"), filepath.Join(dir, "send_nsca.cfg")
	require.NoError(t, os.WriteFile(commands, nil, 0o600))
	require.NoError(t, os.WriteFile(config, []byte("password=secret\nencryption_method=3\n"), 0o600))
	server := filepath.Join(dir, "nsca.cfg")
	require.NoError(t, os.WriteFile(server, fmt.Appendf(nil, `server_address=127.0.0.1
server_port=%d
password=secret
decryption_method=3
command_file=%s
append_to_file=1
alternate_dump_file=%s
pid_file=%s
max_packet_age=30
debug=0
`, port, commands, filepath.Join(dir, "dump"), filepath.Join(dir, "pid")), 0o600))
	start(t, path, "-c", server, "-f", "--single")
	testutil.Eventually(t, startLimit, listens(port))
	return port, commands, config
}

// TestNSCA sends to Debian's nsca by its send_nsca, and reads the commands
// that Nagios would be given.
func TestNSCA(t *testing.T) {
	program := testutil.Peer(t, "send_nsca")
	port, commands, config := startNSCA(t)
	opt := outputs.Options{Address: fmt.Sprintf("127.0.0.1:%d", port), NSCA: outputs.NSCAOptions{
		Hostname: "web 1", Config: config, Program: program, Warn: thresholds[:2], Crit: thresholds[2:],
	}}
	b := sampleBatch()
	want := map[string]bool{}
	outputs.Packets(t, "nsca", opt, b, func(p []byte) {
		for line := range strings.Lines(string(p)) {
			column := strings.SplitN(strings.Trim(line, "\n\x17"), "\t", 4)
			want["PROCESS_SERVICE_CHECK_RESULT;"+strings.Join(column, ";")] = true
		}
	})
	assert.Contains(t, want, "PROCESS_SERVICE_CHECK_RESULT;web 1;servers.web1_numSent_test;2;servers.web1_numSent_test CRITICAL - 97 | servers.web1_numSent_test=97;10:50;@90:97")
	require.NoError(t, newVariant(t, variant{"nsca", "", opt}).Write(t.Context(), b))
	var got map[string]bool
	testutil.Eventually(t, startLimit, func() bool {
		text, err := os.ReadFile(commands)
		require.NoError(t, err)
		got = map[string]bool{}
		for line := range strings.Lines(string(text)) {
			_, command, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "] ")
			got[command] = true
		}
		return len(got) >= len(want)
	})
	assert.Equal(t, want, got)
}

// TestNSCARefused: Debian's send_nsca tells that nobody listens.
func TestNSCARefused(t *testing.T) {
	program := testutil.Peer(t, "send_nsca")
	config := filepath.Join(t.TempDir(), "send_nsca.cfg")
	require.NoError(t, os.WriteFile(config, []byte("encryption_method=1\n"), 0o600))
	address := fmt.Sprintf("127.0.0.1:%d", testutil.FreePort(t))
	out := newVariant(t, variant{"nsca", "", outputs.Options{Address: address, NSCA: outputs.NSCAOptions{Config: config, Program: program}}})
	err := out.Write(t.Context(), sampleBatch())
	require.ErrorContains(t, err, "send to nsca://"+address)
	assert.ErrorContains(t, err, "exit status 2")
	assert.NotErrorIs(t, err, outputs.ErrPermanent)
}
