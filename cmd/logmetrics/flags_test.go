package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promised are the flags that users' crontabs and files hold: each stays, under
// its name and letter, with its default.
var promised = map[string]struct {
	short    rune
	standard string
}{
	"metric-prefix": {'p', ""}, "metric-suffix": {'x', ""}, "output": {'o', ""}, "stdout-separator": {0, ""},
	"state-dir": {'s', ""}, "parser-options": {0, ""}, "parser-help": {0, ""}, "dry-run": {'d', ""}, "debug": {'D', ""},
	"log-dir": {'l', ""}, "tailer": {'t', ""}, "locker": {0, ""}, "logtail": {0, ""}, "log-conf": {0, ""},
	"statsd-host": {0, ""}, "statsd-protocol": {0, ""}, "statsd-type": {0, "auto"}, "statsd-packet-size": {0, "1432"}, "statsd-tags": {0, "none"},
	"graphite-host": {0, ""}, "graphite-protocol": {0, ""},
	"influx-host": {0, ""}, "influx-database": {0, ""}, "influx-bucket": {0, ""}, "influx-metric-name": {0, ""}, "influx-extra-tags": {0, ""},
	"prometheus-listen": {0, ""}, "prometheus-textfile": {0, ""}, "prometheus-remote-write": {0, ""},
	"nsca-host": {0, ""}, "nsca-service-hostname": {0, ""}, "gmetric-options": {0, "-d 180 -c /etc/ganglia/gmond.conf"}, "otlp-host": {0, ""},
	"follow": {'f', ""}, "interval": {0, "10s"}, "from": {0, "end"}, "time": {0, "now"}, "timezone": {0, "Local"}, "grace": {0, "60s"},
	"max-series": {0, "10000"}, "workers": {0, ""}, "job": {0, ""}, "spool-size": {0, "64MiB"}, "delivery-timeout": {0, "20s"},
	"config": {0, ""}, "telemetry": {0, ""}, "self-metrics": {0, ""},
}

func runFlags(t *testing.T) map[string]*kong.Flag {
	t.Helper()
	app, err := new(console).newApp(newCLI(), nil)
	require.NoError(t, err)
	flags := make(map[string]*kong.Flag)
	for _, f := range flagsOf(app.Model.DefaultCmd) {
		flags[f.Name] = f
	}
	return flags
}

func TestPromisedFlags(t *testing.T) {
	flags := runFlags(t)
	for name, want := range promised {
		f := flags[name]
		if assert.NotNil(t, f, name) {
			assert.Equal(t, want.short, f.Short, name)
			assert.Equal(t, want.standard, f.Default, name)
		}
	}
}

// TestHelpIsGrouped: each flag of run stands under a heading, and the help of
// the program has all of them under the headings in their order.
func TestHelpIsGrouped(t *testing.T) {
	for name, f := range runFlags(t) {
		if name != "help" {
			assert.True(t, f.Group != nil && slices.ContainsFunc(groups(), func(g kong.Group) bool { return g.Key == f.Group.Key }), name)
		}
	}
	for _, args := range [][]string{{"--help"}, {"run", "--help"}} {
		c, stdout, _ := newConsole()
		require.Equal(t, exitOK, c.main(t.Context(), args))
		at := 0
		for _, g := range groups() {
			next := strings.Index(stdout.String(), "\n"+g.Title+"\n")
			assert.Greater(t, next, at, "%v: %s", args, g.Title)
			at = next
		}
		for name := range runFlags(t) {
			assert.Regexp(t, `(?m)^ .*[-\]]`+name+`[ =\n]`, stdout, args)
		}
	}
}

// TestRunAlone: what is read without the flags that the line has no use for is
// what is read with all.
func TestRunAlone(t *testing.T) {
	c := new(console)
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	settings := func(run *runCmd) (m map[string]any) {
		text, err := json.Marshal(run)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &m))
		return m
	}
	for _, f := range app.Model.DefaultCmd.Flags {
		value := "7"
		switch {
		case f.Enum != "":
			value = f.EnumSlice()[len(f.EnumSlice())-1]
		case f.Target.Type() == reflect.TypeFor[time.Duration]():
			value = "7s"
		}
		args := []string{"--" + f.Name + "=" + value, "PostfixParser", "/var/log/mail.log"}
		if f.IsBool() {
			args[0] = "--" + f.Name
		}
		all := newCLI()
		_, _, want := c.parseInto(all, args, nil)
		run, _, _, err := c.parse(args, nil)
		if want != nil {
			require.EqualError(t, err, want.Error(), args)
			continue
		}
		require.NoError(t, err, args)
		whole := settings(&all.Run)
		for name, v := range settings(run) {
			if v != nil { // else it is not described
				assert.Equal(t, whole[name], v, "%s: %s", args, name)
			}
		}
	}
}
