package testutil

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is a program of others.
type peer struct {
	find    func() (path string, err error)
	install string // the command that installs it
}

var peers = map[string]peer{
	"carbon-cache":     {command("carbon-cache"), "tools/peers.sh (apt-get install graphite-carbon)"},
	"whisper-fetch":    {command("whisper-fetch"), "tools/peers.sh (apt-get install graphite-carbon)"},
	"influxd":          {command("influxd"), "tools/peers.sh (apt-get install influxdb)"},
	"statsd":           {module("statsd", "stats.js"), "tools/peers.sh (npm install statsd)"},
	"node":             {command("node"), "apt-get install nodejs"},
	"nsca":             {command("/usr/sbin/nsca"), "tools/peers.sh (apt-get install nsca)"},
	"send_nsca":        {command("/usr/sbin/send_nsca"), "tools/peers.sh (apt-get install nsca-client)"},
	"gmond":            {command("/usr/sbin/gmond"), "tools/peers.sh (apt-get install ganglia-monitor)"},
	"gmetric":          {command("/usr/bin/gmetric"), "tools/peers.sh (apt-get install ganglia-monitor)"},
	"bzip2":            {command("bzip2"), "tools/peers.sh (apt-get install bzip2)"},
	"gzip":             {command("gzip"), "apt-get install gzip"},
	"xz":               {command("xz"), "tools/peers.sh (apt-get install xz-utils)"},
	"zstd":             {command("zstd"), "tools/peers.sh (apt-get install zstd)"},
	"graphite-web":     {file("/usr/lib/python3/dist-packages/graphite/wsgi.py"), "tools/peers.sh (apt-get install graphite-web)"},
	"awk":              {command("awk"), "apt-get install mawk"},
	"bash":             {command("bash"), "apt-get install bash"},
	"grep":             {command("grep"), "apt-get install grep"},
	"python3":          {command("python3"), "apt-get install python3"},
	"collectd":         {command("/usr/sbin/collectd"), "tools/peers.sh (apt-get install collectd-core)"},
	"nginx":            {command("/usr/sbin/nginx"), "tools/peers.sh (apt-get install nginx-light)"},
	"axe-core":         {module("axe-core", "axe.min.js"), "tools/peers.sh (npm install axe-core)"},
	"chromium":         {command("chromium"), "tools/peers.sh (apt-get install chromium)"},
	"carbon-c-relay":   {command("carbon-c-relay"), "tools/peers.sh (apt-get install carbon-c-relay)"},
	"rsyslogd":         {command("rsyslogd"), "tools/peers.sh (apt-get install rsyslog)"},
	"sed":              {command("sed"), "apt-get install sed"},
	"setsid":           {command("setsid"), "apt-get install util-linux"},
	"wc":               {command("wc"), "apt-get install coreutils"},
	"logrotate":        {command("logrotate"), "tools/peers.sh (apt-get install logrotate)"},
	"systemd-analyze":  {command("systemd-analyze"), "tools/peers.sh (apt-get install systemd)"},
	"systemd-sysusers": {command("systemd-sysusers"), "tools/peers.sh (apt-get install systemd)"},
	"logger":           {command("logger"), "tools/peers.sh (apt-get install bsdutils)"},
	"journalctl":       {command("journalctl"), "tools/peers.sh (apt-get install systemd)"},
	"systemd-journal-remote": {file("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote"),
		"tools/peers.sh (apt-get install systemd-journal-remote)"},
	"prometheus":    {command("prometheus"), "tools/peers.sh (apt-get install prometheus)"},
	"promtool":      {command("promtool"), "tools/peers.sh (apt-get install prometheus)"},
	"node-exporter": {command("prometheus-node-exporter"), "tools/peers.sh (apt-get install prometheus-node-exporter)"},
}

// Peer returns the path of a program that a test needs. When it is not
// installed the test is skipped with the command that installs it, which is
// also appended to the file named by $LOGMETRICS_PEERS_MISSING; with
// LOGMETRICS_PEERS=require the test fails instead.
func Peer(t testing.TB, name string) string {
	t.Helper()
	p, ok := peers[name]
	require.True(t, ok, "BUG: unknown peer %q", name)
	path, err := p.find()
	if err == nil {
		return path
	}
	message := fmt.Sprintf("%s is not installed; this installs it: %s", name, p.install)
	if os.Getenv("LOGMETRICS_PEERS") == "require" {
		require.FailNow(t, message)
	}
	NotRun(t, message)
	return ""
}

// NotRun skips a test for want of what no installation brings (a right, a
// system, a log that is not passed on). why says what would make it run; make
// test prints it at its end.
func NotRun(t testing.TB, why string) {
	t.Helper()
	if list := os.Getenv("LOGMETRICS_PEERS_MISSING"); list != "" {
		name, _, part := strings.Cut(t.Name(), "/")
		if part {
			name += ", in part,"
		}
		appendLine(t, list, name+" not run: "+why)
	}
	t.Skip("not run: " + why)
}

func command(name string) func() (string, error) {
	return func() (string, error) { return exec.LookPath(name) }
}

// file finds a program that is not in $PATH.
func file(paths ...string) func() (string, error) {
	return func() (path string, err error) {
		for _, path = range paths {
			if _, err = os.Stat(path); err == nil {
				return path, nil
			}
		}
		return "", err
	}
}

// module finds a file of a package of npm where tools/peers.sh puts it.
func module(name, script string) func() (string, error) {
	return func() (string, error) {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		path := filepath.Join(cache, "logmetrics-test", "node_modules", name, script)
		_, err = os.Stat(path)
		return path, err
	}
}

func appendLine(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = f.WriteString(text + "\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
