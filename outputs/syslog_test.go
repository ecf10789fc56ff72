package outputs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/outputs"
)

const rsyslogConf = `module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="%[1]d")
input(type="imtcp" address="127.0.0.1" port="%[1]d")
input(type="imuxsock" socket="%[2]s")
template(name="parsed" type="string" string="%%syslogfacility-text%%|%%syslogseverity-text%%|%%timereported:::date-unixtimestamp%%|%%hostname%%|%%app-name%%|%%procid%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
action(type="omfile" file="%[3]s" template="parsed" asyncWriting="off" flushOnTXEnd="on")
`

// startRsyslog returns the port of Debian's rsyslogd for TCP and UDP, the path
// of its socket, and the file of what it understood.
func startRsyslog(t *testing.T) (port int, socket, file string) {
	t.Helper()
	path := testutil.Peer(t, "rsyslogd")
	dir := t.TempDir()
	port, socket, file = testutil.FreePort(t), filepath.Join(dir, "log"), filepath.Join(dir, "messages")
	conf := filepath.Join(dir, "rsyslog.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, rsyslogConf, port, socket, file), 0o644))
	start(t, path, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	testutil.Eventually(t, startLimit, listens(port))
	return port, socket, file
}

// TestRsyslog sends by each protocol to Debian's rsyslogd, and reads what it
// has understood.
func TestRsyslog(t *testing.T) {
	port, socket, file := startRsyslog(t)
	for _, address := range []string{fmt.Sprintf("udp://127.0.0.1:%d", port), fmt.Sprintf("tcp://127.0.0.1:%d", port), "unixgram://" + socket} {
		protocol, _, _ := strings.Cut(address, "://")
		t.Run(protocol, func(t *testing.T) {
			b := sampleBatch()
			b.Prefix = "by." + protocol
			opt := outputs.Options{Address: address, Syslog: outputs.SyslogOptions{Facility: "daemon", Hostname: "web1"}}
			require.NoError(t, newVariant(t, variant{"syslog", protocol, opt}).Write(t.Context(), b))
			head := "daemon|info|1760000000|web1|logmetrics|-|metric|-|name="
			if protocol == outputs.Unixgram {
				head = " stamp=1760000000 name=" // time and host are the server's
			}
			got := understood(t, file, head+b.Prefix, len(b.Samples))
			if protocol == outputs.Unixgram {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Contains(t, string(text), "|logmetrics|-|-|-|"+head+b.Prefix)
			}
			for _, want := range []string{
				"numSent.test kind=counter value=97", "change.test kind=gauge value=-5.25", "clients.test kind=set value=4",
				"idle.timer.test kind=timer count=0", "requests.test kind=counter value=7 tag.code=200 tag.method=GET",
				"time.test kind=timer count=1 sum=0.25 mean=0.25 lower=0.25 upper=0.25 std=0 median=0.25 p90=0.25 p95=0.25 p99=0.25 tag.path=_a_b",
			} {
				assert.Contains(t, got, head+b.Prefix+"."+want)
			}
		})
	}
}

// understood waits for n lines of a file that hold head, and returns them from there.
func understood(t *testing.T, file, head string, n int) (lines []string) {
	t.Helper()
	testutil.Eventually(t, startLimit, func() bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false // not made yet
		}
		lines = nil
		for line := range strings.Lines(string(text)) {
			if at := strings.Index(line, head); at >= 0 {
				lines = append(lines, strings.TrimSuffix(line[at:], "\n"))
			}
		}
		return len(lines) >= n
	})
	require.Len(t, lines, n)
	return lines
}

func TestSyslogRefusesOptions(t *testing.T) {
	f, ok := outputs.Find("syslog")
	require.True(t, ok)
	for want, opt := range map[string]outputs.Options{
		`no facility "local8"; there are: kern, user,`: {Syslog: outputs.SyslogOptions{Facility: "local8"}},
		`no protocol "relp"`:                           {Address: "relp://127.0.0.1"},
	} {
		_, err := f.New(opt)
		assert.ErrorContains(t, err, want)
	}
}
