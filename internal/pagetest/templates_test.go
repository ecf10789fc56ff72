package pagetest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// extract has a log of testdata read into the server, as a run from cron does.
func (s *server) extract(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"--state-dir=" + t.TempDir(), "--from=begin"}, args...)
	out, err := exec.CommandContext(t.Context(), program(t, "logmetrics"), args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestTemplatesShowWhatParsersSend: for each real log the dashboard that is there
// by itself has data in each of its graphs.
func TestTemplatesShowWhatParsersSend(t *testing.T) {
	t.Parallel()
	s := startWith(t, serve.Options{HTTP: "127.0.0.1:0", Carbon: "127.0.0.1:0", StatsD: []serve.StatsD{{Address: "127.0.0.1:0"}}, Node: aggregate.NodeConfig{FlushInterval: 1000, DeleteIdleStats: true}})
	const logs = root + "testdata/parsers/"
	outputs := map[string][]string{
		"gathered": {"-o", "gatherer", "--gatherer-host=" + s.url},
		"carbon":   {"-o", "graphite", "--graphite-host=" + s.carbon},
		"statsd":   {"-o", "statsd", "--statsd-host=" + s.statsd},
	}
	for via, output := range outputs {
		for _, run := range [][]string{
			{"postfix", "PostfixParser", logs + "postfix/real-rfc3164.log"},
			{"access", "AccessParser", logs + "access/real-apache-vhost-combined.log"},
			{"squid", "SquidParser", logs + "squid/basic.log"},
			{"log4j", "Log4jParser", logs + "log4j/real-log4j1-pattern.log"},
		} {
			s.extract(t, append(output, append([]string{"-p", via + "." + run[0]}, run[1:]...)...)...)
		}
	}
	host(t, s)
	testutil.Eventually(t, 30*time.Second, func() bool { // what the server writes each ten seconds
		r, err := http.Get(s.url + "/metrics/find?query=logmetrics.serve.store.series")
		require.NoError(t, err)
		b, err := io.ReadAll(r.Body)
		require.NoError(t, errors.Join(err, r.Body.Close()))
		return len(b) > len("[]")
	})
	p := sit(t, s)
	p.size(1280, 1180)
	p.open("/")
	for _, b := range []struct {
		title, name, jobs, graph string
		series                   []string
	}{
		{"Postfix", "postfix", "carbon.postfix gathered.postfix stats.statsd.postfix stats_counts.statsd.postfix", "Delay, s", []string{"mean"}},
		{"Web server", "access", "carbon.access carbon.squid gathered.access gathered.squid stats.statsd.access stats.statsd.squid stats_counts.statsd.access stats_counts.statsd.squid", "Answers", []string{"http_2xx", "http_5xx"}},
		{"Squid", "squid", "carbon.squid gathered.squid stats.statsd.squid stats_counts.statsd.squid", "Time, s", []string{"mean"}},
		{"Java programs", "log4j", "carbon.log4j gathered.log4j stats.statsd.log4j stats_counts.statsd.log4j", "Events", []string{"WARN", "ERROR"}},
		{"Hosts", "host", "collectd.host", "Load", []string{"shortterm"}},
		{"logmetrics itself", "self", "logmetrics", "Points taken", []string{"carbon", "gatherer"}},
	} {
		p.keys("d")
		p.press(b.title)
		p.param("dashboard", "template:"+b.name)
		jobs := `select[aria-label="$job"]`
		p.sees(fmt.Sprintf(`[...document.querySelector('%s')?.options ?? []].map(o => o.value).join(" ") === %q`, jobs, b.jobs))
		for job := range strings.FieldsSeq(b.jobs) {
			if strings.HasPrefix(job, "stats.") || b.name == "access" && strings.HasSuffix(job, ".squid") {
				continue // rates of what the counts are of; and what another dashboard is for
			}
			p.choose("$job", job)
			p.param("var-job", job)
			p.drawn()
			p.legend(b.graph, b.series...)
			assert.Equal(t, "", value[string](p, empties), "%s, %s", b.title, job)
		}
		p.shot("template-" + b.name)
	}
	p.calm()
}

// empties names the graphs of a dashboard that show nothing, or a series of now
// without values.
const empties = `[...document.querySelectorAll(".cell")].filter(c => {
	const rows = [...c.querySelectorAll(".legend tbody tr")].filter(r => !/ before$/.test(r.querySelector(".name").innerText));
	return !rows.length || c.querySelector(".fault") || rows.some(r => ![...r.querySelectorAll("td")].some(d => /\d/.test(d.innerText)));
}).map(c => c.querySelector("h2").innerText).join(", ")`

// host has a real collectd tell the server of this machine.
func host(t *testing.T, s *server) {
	t.Helper()
	collectd := testutil.Peer(t, "collectd")
	dir := t.TempDir()
	conf := filepath.Join(dir, "collectd.conf")
	text := strings.NewReplacer("DIR", dir, "PORT", s.carbon[strings.LastIndexByte(s.carbon, ':')+1:]).Replace(collectdConf)
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o600))
	testutil.Start(t, collectd, "-f", "-C", conf)
}

const collectdConf = `Hostname "host"
FQDNLookup false
Interval 1
BaseDir "DIR"
PIDFile "DIR/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
LoadPlugin load
LoadPlugin memory
LoadPlugin cpu
LoadPlugin interface
<LoadPlugin write_graphite>
	FlushInterval 1
</LoadPlugin>
<Plugin logfile>
	File stderr
</Plugin>
<Plugin write_graphite>
	<Node "us">
		Host "127.0.0.1"
		Port "PORT"
		Prefix "collectd."
	</Node>
</Plugin>
`
