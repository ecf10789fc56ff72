package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
)

// destinationsOf returns what the flags make.
func destinationsOf(t *testing.T, args ...string) []extract.Destination {
	t.Helper()
	c := &console{stdout: new(strings.Builder), stderr: new(strings.Builder)}
	run, _, _, err := c.parse(append(args, "SyslogParser", "log"), nil)
	require.NoError(t, err)
	list, err := run.destinations(c, false)
	require.NoError(t, err)
	t.Cleanup(func() { closeOutputs(list) })
	return list
}

// TestDestinationsHaveNames: each repeated host is a destination of its own,
// whose name is in the state: it must not change, and must hold no secret.
func TestDestinationsHaveNames(t *testing.T) {
	var names []string
	for _, d := range destinationsOf(t,
		"-o", "stdout,graphite,statsd,otlp,http,syslog,exec",
		"--graphite-host=a", "--graphite-host=udp://a", "--graphite-host=a", "--statsd-host=unixgram:///run/statsd",
		"--otlp-host=http://c:4318", "--otlp-host=https://c/v1/metrics?key=secret",
		"--http-url=http://h/in", "--http-url=http://h/in?a=secret", "--http-url=HTTPS://h/in?a=secret2",
		"--syslog-host=tcp://l", "--syslog-host=l", "--syslog-host=unixgram:///dev/log",
		"--exec=sh", "--exec=sh -c secret", "--exec=sh -c", "--exec=sh -c secret", "--exec=sh '-c secret'",
	) {
		names = append(names, d.Name)
	}
	assert.Equal(t, []string{
		"stdout", "graphite tcp://a", "graphite udp://a", "statsd unixgram:///run/statsd",
		"otlp http://c:4318", "otlp https://c/v1/metrics#9be6707e",
		"http http://h/in", "http http://h/in#62155c65", "http HTTPS://h/in#d559a731",
		"syslog tcp://l", "syslog udp://l", "syslog unixgram:///dev/log",
		"exec sh", "exec sh#c5b2d953", "exec sh#0c3603e1", "exec sh#a8e7cc00",
	}, names)
}
