package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// limit is how long a process may take for what it does at once.
const limit = 30 * time.Second

// site is a directory with logs, a configuration, and processes that follow.
type site struct {
	t   *testing.T
	dir string
	bin string
}

func newSite(t *testing.T) *site {
	t.Helper()
	return &site{t: t, dir: t.TempDir(), bin: program(t)}
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

// write makes a file; a configuration has DIR for the directory.
func (s *site) write(name, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(s.file(name), []byte(strings.ReplaceAll(text, "DIR", s.dir)), 0o644))
}

// process is the program as it runs.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *testutil.Transcript
	ended          chan struct{}
}

// start starts the program; it is killed at the test's end.
func (s *site) start(env []string, args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: exec.Command(s.bin, args...), stdout: new(testutil.Transcript), stderr: new(testutil.Transcript), ended: make(chan struct{})}
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LOGMETRICS_") }), env...)
	p.cmd.Env = append(p.cmd.Env, "LOGMETRICS_STATE_DIR="+s.file("state"), "TZ=UTC")
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	require.NoError(s.t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // its code is in the ProcessState
	}()
	s.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// exits waits for the process's end.
func (p *process) exits(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		require.FailNow(p.t, "it does not end", "%s", p.stderr)
	}
	require.Equal(p.t, code, p.cmd.ProcessState.ExitCode(), "%s: %s", p.cmd.ProcessState, p.stderr)
}

// says waits until stdout or stderr has the text.
func (p *process) says(b *testutil.Transcript, text string) {
	p.t.Helper()
	said := false
	defer func() {
		if !said {
			p.t.Logf("not said: %s\nstdout: %s\nstderr: %s", text, p.stdout, p.stderr)
		}
	}()
	testutil.Eventually(p.t, limit, func() bool { said = strings.Contains(b.String(), text); return said })
}

// get returns what the telemetry answers, "" while nobody does.
func get(t *testing.T, address, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil { // it was killed meanwhile
		return 0, ""
	}
	return resp.StatusCode, string(text)
}

// answers waits until the telemetry's answer has the code and the text.
func answers(t *testing.T, address, path string, code int, text string) {
	t.Helper()
	var gotCode int
	var got string
	as := false
	defer func() {
		if !as {
			t.Logf("%s: %d %s", path, gotCode, got)
		}
	}()
	testutil.Eventually(t, limit, func() bool {
		gotCode, got = get(t, address, path)
		as = gotCode == code && strings.Contains(got, text)
		return as
	})
}

const line = "Nov 21 03:10:01 mx kernel: hello\n"

// twoJobs is a configuration of one job that is well and one that is not.
const twoJobs = `
output: stdout
from: begin
interval: 1s
self-metrics: false
parser: SyslogParser
jobs:
  - {job: good, metric-prefix: good, logs: DIR/good.log}
  - {job: broken, metric-prefix: broken, logs: DIR/broken.log}
`

// TestDaemonWithABrokenJob: the other is not held up, and the broken one begins
// by itself when what it lacks is there.
func TestDaemonWithABrokenJob(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("c.yaml", twoJobs)
	s.write("good.log", line)
	address := testutil.FreeAddress(t)
	p := s.start(nil, "daemon", "--config="+s.file("c.yaml"), "--telemetry="+address)
	p.says(p.stdout, " good_lines 1\n")
	answers(t, address, "/readyz", 503, `job "broken": "open log \"`)
	answers(t, address, "/healthz", 200, "ok")
	answers(t, address, "/metrics", 200, `logmetrics_job_ready{job="good"} 1`)
	answers(t, address, "/metrics", 200, `logmetrics_job_ready{job="broken"} 0`)
	assert.Equal(t, 1, strings.Count(p.stderr.String(), "no such file"), "%s", p.stderr)

	s.write("broken.log", line+line)
	p.says(p.stdout, " broken_lines 2\n")
	answers(t, address, "/readyz", 200, "ok")
	answers(t, address, "/metrics", 200, `logmetrics_lines_total{job="broken"} 2`)
	answers(t, address, "/metrics", 200, `logmetrics_log_lag_bytes{job="good",log="`+s.file("good.log")+`"} 0`)
	answers(t, address, "/metrics", 200, `logmetrics_output_up{job="good",output="stdout"} 1`)
	_, page := get(t, address, "/metrics")
	assert.Contains(t, page, "logmetrics_job_starts_total{job=\"good\"} 1\n")
	p.signal(syscall.SIGTERM)
	p.exits(0)
	assert.NotContains(t, p.stdout.String(), "logmetrics.", "self-metrics: false")
}

// TestDaemonReload: a configuration with a mistake changes nothing; a good one
// takes effect, with SIGHUP and with --watch-config, and leaves alone what is
// in both.
func TestDaemonReload(t *testing.T) {
	t.Parallel()
	for _, watch := range []bool{false, true} {
		t.Run(fmt.Sprint("watch=", watch), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write("good.log", line)
			s.write("broken.log", line)
			s.write("c.yaml", twoJobs)
			address := testutil.FreeAddress(t)
			args := []string{"daemon", "--config=" + s.file("c.yaml"), "--telemetry=" + address}
			if watch {
				args = append(args, "--watch-config")
			}
			p := s.start(nil, args...)
			answers(t, address, "/readyz", 200, "ok")
			change := func(text string) {
				s.write("c.yaml", text)
				if !watch {
					p.signal(syscall.SIGHUP)
				}
			}
			change(strings.Replace(twoJobs, "from: begin", "form: begin", 1))
			answers(t, address, "/metrics", 200, "logmetrics_config_reload_success 0\n")
			p.says(p.stderr, `line 3, column 1: unknown key "form"; did you mean from?`)
			_, page := get(t, address, "/metrics")
			taken := regexp.MustCompile("logmetrics_config_last_reload_timestamp_seconds [0-9].*").FindString(page)
			assert.Contains(t, page, `logmetrics_job_starts_total{job="broken"} 1`)

			change(strings.Replace(twoJobs, "metric-prefix: broken", "metric-prefix: mended", 1))
			answers(t, address, "/metrics", 200, "logmetrics_config_reload_success 1\n")
			p.says(p.stderr, "the configuration is taken jobs=2 undisturbed=1 ended=1 started=1")
			_, page = get(t, address, "/metrics")
			assert.Contains(t, page, `logmetrics_job_starts_total{job="good"} 1`)
			assert.NotContains(t, page, taken)
			p.says(p.stdout, " mended_lines 0\n")
			change(strings.Replace(twoJobs, "  - {job: broken", "#", 1))
			p.says(p.stderr, "the configuration is taken jobs=1 undisturbed=1 ended=1 started=0")
			p.signal(syscall.SIGINT)
			p.exits(0)
		})
	}
}

// TestRulesThatChangeAreTaken: a file that a parser's options name is part of
// the configuration.
func TestRulesThatChangeAreTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("app.log", "a\n")
	s.write("rules.yaml", "rules: [{match: a, metrics: [{counter: old}]}]\n")
	s.write("c.yaml", "{parser: RegexParser, logs: DIR/app.log, output: stdout, from: begin, interval: 1s, parser-options: --rules=DIR/rules.yaml}")
	p := s.start(nil, "daemon", "--config", s.file("c.yaml"), "--watch-config")
	p.says(p.stdout, " old 1\n")
	s.write("rules.yaml", "rules: [{match: a, metrics: [{counter: new}]}]\n")
	p.says(p.stderr, "the configuration is taken jobs=1 undisturbed=0 ended=1 started=1")
	p.says(p.stdout, " new 0\n")
	s.write("rules.yaml", "rules: [{match: a, metrics: [{cuonter: new}]}]\n")
	p.says(p.stderr, "the configuration is not taken")
}

// TestDaemonRefuses: what is wrong is said before anything runs.
func TestDaemonRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	const head = "output: stdout\nparser: SyslogParser\nlogs: DIR/good.log\n"
	for _, c := range []struct {
		text, says string
	}{
		{"outptu: x\n", `c.yaml: line 1, column 1: unknown key "outptu"; did you mean output?`},
		{head + "jobs: [\n", `line 4, column 7: sequence end token ']' not found`},
		{head + "jobs:\n  - {job: a, workers: many}\n", `line 5, column 14: --workers: expected a valid 64 bit int but got "many"`},
		{head + "from: middle\n", `line 4, column 1: --from must be one of "end","begin"`},
		{head + "interval: [1s, 2s]\n", `line 4, column 1: --interval: one value is expected, not a list`},
		{head + "from: {a: 1}\n", `line 4, column 7: a text, a number, true or false is expected`},
		{head + "interval: 1500ms\n", "--interval=1.5s: it must be whole seconds"},
		{head + "dry-run: true\n", "--dry-run shows one pass"},
		{head + "parser-options: --nonsense\n", "nonsense"},
		{head + "jobs:\n  - job: a\n  - job: a\n", `two jobs are called "a"`},
		{head + "jobs:\n  - metric-prefix: a\n  - metric-prefix: a\n", "have the same state, SyslogParser-good.log-"},
		{head + "jobs:\n  - job: a\n    telemetry: 9144\n", `line 6, column 5: telemetry stands at the top, not in a job`},
		{head + "jobs:\n  - job: a\n  - job: b\n    parser: Nothing\n", `job b: unknown parser "Nothing"`},
	} {
		s.write("c.yaml", c.text)
		for _, check := range []string{"--check-config", "--watch-config"} {
			p := s.start(nil, "daemon", "--config", s.file("c.yaml"), check)
			p.exits(2)
			assert.Contains(t, p.stderr.String(), c.says)
			assert.NotContains(t, strings.TrimSuffix(p.stderr.String(), "\nlogmetrics: see logmetrics parsers SyslogParser\n"), "\nlogmetrics:", "one line")
		}
	}
	p := s.start(nil, "daemon", "--config", s.file("none.yaml"), "--check-config")
	p.exits(2)
	p = s.start(nil, "daemon")
	p.exits(2)
	assert.Contains(t, p.stderr.String(), "--config")
	assert.NoDirExists(t, s.file("state"))

	s.write("c.yaml", head)
	p = s.start(nil, "daemon", "--config", s.file("c.yaml"), "--check-config")
	p.exits(0)
	assert.Empty(t, p.stderr.String()+p.stdout.String())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	p = s.start(nil, "daemon", "--config", s.file("c.yaml"), "--telemetry", taken.Addr().String())
	p.exits(1)
	assert.Contains(t, p.stderr.String(), "--telemetry: open telemetry: listen tcp "+taken.Addr().String()+": bind: address already in use")
	assert.NoDirExists(t, s.file("state"))
}

// TestFollowThatCannotStart ends as a run from cron does.
func TestFollowThatCannotStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	follow := func(args ...string) *process {
		return s.start(nil, append([]string{"--follow", "--job=j", "--from=begin", "--interval=1s", "-o", "stdout"}, args...)...)
	}
	p := follow("SyslogParser", s.file("none.log"))
	p.exits(1)
	assert.Equal(t, "logmetrics: there is no log "+s.file("none.log")+"\n", p.stderr.String())
	p = follow("SylogParser", s.file("good.log"))
	p.exits(2)
	p = follow("--dry-run", "SyslogParser", s.file("good.log"))
	p.exits(2)

	first := follow("-p", "first", "SyslogParser", s.file("good.log"))
	first.says(first.stdout, " first_lines 1\n")
	first.says(first.stdout, " first_logmetrics.lines ")
	p = follow("SyslogParser", s.file("good.log"))
	p.exits(4)
	assert.Contains(t, p.stderr.String(), "held by another run")
	first.signal(syscall.SIGTERM)
	first.exits(0)
	p = follow("--no-self-metrics", "-p", "second", "SyslogParser", s.file("good.log"))
	p.says(p.stdout, " second_lines 0\n")
	p.signal(os.Interrupt)
	p.exits(0)
	assert.NotContains(t, p.stdout.String(), "logmetrics.")
}

// manager is a service manager's side of sd_notify(3).
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
	told []string
}

func newManager(t *testing.T, dir string) *manager {
	t.Helper()
	m := &manager{t: t, path: filepath.Join(dir, "notify")}
	var err error
	m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { m.conn.Close() })
	return m
}

// isTold waits until a message begins with text, and returns the message.
func (m *manager) isTold(text string) string {
	m.t.Helper()
	require.NoError(m.t, m.conn.SetReadDeadline(time.Now().Add(limit)))
	buf := make([]byte, 4096)
	for {
		n, err := m.conn.Read(buf)
		require.NoError(m.t, err, "not told %s, but %q", text, m.told)
		m.told = append(m.told, string(buf[:n]))
		if strings.HasPrefix(string(buf[:n]), text) {
			return string(buf[:n])
		}
	}
}

func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := newManager(t, s.dir)
	s.write("good.log", line)
	s.write("c.yaml", twoJobs)
	p := s.start([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=800000"}, "daemon", "--config", s.file("c.yaml"))
	m.isTold("READY=1")
	assert.Contains(t, strings.Join(m.told, "\n"), "STATUS=1 of 2 jobs ready; broken: open log")
	m.isTold("WATCHDOG=1")
	m.isTold("WATCHDOG=1")

	before := len(m.told)
	p.signal(syscall.SIGHUP)
	assert.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=\d+\n$`, m.isTold("RELOADING=1"))
	m.isTold("READY=1")
	assert.Greater(t, len(m.told), before)

	s.write("broken.log", line)
	m.isTold("STATUS=2 of 2 jobs ready")
	p.signal(syscall.SIGTERM)
	m.isTold("STOPPING=1")
	p.exits(0)
}

// TestAJobThatHangsStopsTheWatchdog: the process is well, one of its jobs is not.
func TestAJobThatHangsStopsTheWatchdog(t *testing.T) {
	dir := t.TempDir()
	m := newManager(t, dir)
	t.Setenv("NOTIFY_SOCKET", m.path)
	t.Setenv("WATCHDOG_USEC", "1000")
	c, _, stderr := newConsole()
	log, _ := c.logger(true, "")
	d := newSystemd(log)
	r := exampleReport()
	require.True(t, d.tell(conditionOf(r)))
	assert.Equal(t, "READY=1", m.isTold("READY=1"))
	m.isTold("WATCHDOG=1")
	r.Jobs[0].Hung, r.Jobs[0].Why = true, "it has not gone round for 1m1s\nREADY=1 \xff"
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for ctx.Err() == nil {
		d.tell(conditionOf(r))
	}
	d.stopping()
	m.told = nil
	m.isTold("STOPPING=1")
	assert.Equal(t, []string{`STATUS=0 of 1 jobs ready; j: it has not gone round for 1m1s\nREADY=1 \xff`, "STOPPING=1"}, m.told)
	assert.Empty(t, stderr.String())
}

// TestASecondSignalEndsAtOnce: the first waits for an output that takes its time.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	l, err := net.Listen("tcp", "127.0.0.1:0") // whoever connects is not read from
	require.NoError(t, err)
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	p := s.start(nil, "-f", "--from=begin", "--interval=1s", "-o", "graphite", "--graphite-host", l.Addr().String(), "SyslogParser", s.file("good.log"))
	select {
	case c := <-accepted:
		defer c.Close()
	case <-time.After(limit):
		require.FailNow(t, "no connection", "%s", p.stderr)
	}
	testutil.Eventually(t, 3*time.Second, func() bool { // less than a last batch may take
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
}

func exampleReport() telemetry.Report {
	return telemetry.Report{Jobs: []telemetry.Job{{Name: "j", Running: true, Began: true, Ready: true, Starts: 1}}}
}

// TestDaemonWhoseJobCannotStart: its lock is another's. It is tried again, and
// begins when that one has ended; the other job does not notice.
func TestDaemonWhoseJobCannotStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("c.yaml", twoJobs)
	s.write("good.log", line)
	s.write("broken.log", line)
	holder := s.start(nil, "-f", "--job=broken", "-o", "stdout", "SyslogParser", s.file("broken.log"))
	testutil.Eventually(t, limit, func() bool { _, err := os.Stat(s.file("state/broken.state")); return err == nil })
	address := testutil.FreeAddress(t)
	p := s.start(nil, "daemon", "--config="+s.file("c.yaml"), "--telemetry="+address)
	p.says(p.stdout, " good_lines 1\n")
	answers(t, address, "/readyz", 503, `held by another run, process `)
	answers(t, address, "/healthz", 200, "ok")
	answers(t, address, "/metrics", 200, `logmetrics_job_up{job="broken"} 0`)
	p.says(p.stderr, "a job failed; it is started again, the others go on job=broken pause=1s")
	holder.signal(syscall.SIGTERM)
	holder.exits(0)
	answers(t, address, "/readyz", 200, "ok")
	_, page := get(t, address, "/metrics")
	assert.Regexp(t, `logmetrics_job_starts_total\{job="broken"\} ([2-9]|\d\d)\n`, page)
	assert.Contains(t, page, "logmetrics_job_starts_total{job=\"good\"} 1\n")
}

// TestJobsShareAScrapedAddress: one listener for all, which stays through a
// reload; a port that another program has is the job's error.
func TestJobsShareAScrapedAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	s.write("broken.log", line+line)
	address := testutil.FreeAddress(t)
	config := strings.Replace(twoJobs, "output: stdout", "output: prometheus\nprometheus-listen: "+address, 1)
	s.write("c.yaml", config)
	p := s.start(nil, "daemon", "--config", s.file("c.yaml"))
	answers(t, address, "/metrics", 200, "good_lines_total 1\n")
	answers(t, address, "/metrics", 200, "broken_lines_total 2\n")
	s.write("c.yaml", strings.Replace(config, "metric-prefix: broken", "metric-prefix: mended", 1))
	p.signal(syscall.SIGHUP)
	answers(t, address, "/metrics", 200, "mended_lines_total ")
	answers(t, address, "/metrics", 200, "good_lines_total 1\n")
	other := s.start(nil, "-f", "-o", "prometheus", "--prometheus-listen", address, "SyslogParser", s.file("good.log"))
	other.exits(1)
	assert.Contains(t, other.stderr.String(), "address already in use")
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// TestFollowEndsWithStandardInput: nothing can follow.
func TestFollowEndsWithStandardInput(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cmd := exec.CommandContext(t.Context(), s.bin, "-f", "-s", s.file("state"), "-o", "stdout", "--from=begin", "SyslogParser", "-")
	cmd.Stdin = strings.NewReader(line + line)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), " lines 2\n")
}
