package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// saysOne holds stderr to one line that has the text.
func (p *process) saysOne(text string) {
	p.t.Helper()
	said := p.stderr.String()
	assert.Contains(p.t, said, text)
	assert.Equal(p.t, 1, strings.Count(said, "\n"), "one line: %s", said)
}

// TestJournalctlMissing: a run says so and fails; of a daemon the other jobs go on.
func TestJournalctlMissing(t *testing.T) {
	t.Parallel()
	const missing = "journalctl, a program of systemd, is not installed"
	s := newSite(t)
	p := s.start([]string{"PATH="}, "--job=once", "-o", "stdout", "PostfixParser", "journal:facility=mail")
	p.exits(1)
	p.saysOne(missing)
	assert.Empty(t, p.stdout.String())

	s.write("good.log", line)
	s.write("c.yaml", strings.Replace(twoJobs, "DIR/broken.log", "'journal:'", 1))
	address := testutil.FreeAddress(t)
	p = s.start([]string{"PATH="}, "daemon", "--config="+s.file("c.yaml"), "--telemetry="+address)
	p.says(p.stdout, " good_lines 1\n")
	answers(t, address, "/readyz", 503, `job "broken": "read the journal: `+missing)
	answers(t, address, "/metrics", 200, `logmetrics_job_ready{job="good"} 1`)
	p.signal(syscall.SIGTERM)
	p.exits(0)
	p.saysOne(missing)
}

// TestProgramOfAnOutputMissing: it is wrong usage, found before anything is read.
func TestProgramOfAnOutputMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	s.write("c.yaml", strings.Replace(twoJobs, "output: stdout", "output: exec\nexec: nowhere", 1))
	for _, args := range [][]string{
		{"-o", "exec", "--exec=nowhere", "SyslogParser", s.file("good.log")},
		{"-f", "-o", "exec", "--exec=nowhere", "SyslogParser", s.file("good.log")},
		{"daemon", "--config", s.file("c.yaml")},
	} {
		p := s.start(nil, args...)
		p.exits(2)
		p.saysOne(`exec: find program: exec: "nowhere": executable file not found in $PATH`)
	}
	assert.NoDirExists(t, s.file("state"))
}

// TestPortInUse: of a single job it ends the program before anything is read; of
// a daemon's job it is said, and the other job goes on.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("good.log", line)
	s.write("broken.log", line)
	address := testutil.FreeAddress(t)
	holder := s.start(nil, "-f", "--job=holder", "-o", "stdout", "--telemetry", address, "SyslogParser", s.file("good.log"))
	answers(t, address, "/readyz", 200, "ok")
	for flag, args := range map[string][]string{
		"telemetry": {"-o", "stdout", "--telemetry", address},
		"scrapes":   {"-o", "prometheus", "--prometheus-listen", address},
	} {
		p := s.start(nil, append(args, "-f", "--job=j", "SyslogParser", s.file("good.log"))...)
		p.exits(1)
		p.saysOne(flag + ": listen tcp " + address + ": bind: address already in use")
	}
	assert.NoFileExists(t, s.file("state/j.state"))

	s.write("c.yaml", strings.Replace(twoJobs, "{job: broken,", "{job: broken, output: prometheus, prometheus-listen: '"+address+"',", 1))
	p := s.start(nil, "daemon", "--config", s.file("c.yaml"))
	p.says(p.stdout, " good_lines 1\n")
	p.says(p.stderr, "a job failed; it is started again, the others go on job=broken")
	holder.signal(syscall.SIGTERM)
	holder.exits(0)
	answers(t, address, "/metrics", 200, "broken_lines_total 1\n")
	p.signal(syscall.SIGTERM)
	p.exits(0)
}
