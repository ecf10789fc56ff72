package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var testKeys = []string{"parser", "logs", "output", "metric-prefix", "debug", "max-series", "job"}

func TestSettingsOfJobsGoBeforeThoseAtTheTop(t *testing.T) {
	all, err := parseSettings([]byte(`
output: statsd          # of both jobs
max-series: 20
metric-prefix: "a: b"
jobs:
  - job: mail
    parser: PostfixParser
    logs: [/var/log/mail.log, '/var/log/mail*.log']
    metric-prefix: servers.mail
  - {job: web, parser: AccessParser, logs: /w.log, debug: true, output: [stdout, graphite]}
`), testKeys)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, map[string]any{
		"output": "statsd", "max-series": "20", "metric-prefix": "servers.mail", "job": "mail", "parser": "PostfixParser",
		"logs": []any{"/var/log/mail.log", "/var/log/mail*.log"},
	}, all[0].values)
	assert.Equal(t, map[string]any{
		"output": []any{"stdout", "graphite"}, "max-series": "20", "metric-prefix": "a: b", "job": "web",
		"parser": "AccessParser", "logs": "/w.log", "debug": "true",
	}, all[1].values)
}

func TestSettingsErrorsTellThePlace(t *testing.T) {
	for in, want := range map[string]string{
		"ouput: x":                       `line 1, column 1: unknown key "ouput"; did you mean output?`,
		"debug: true\njob: {a: b}":       "line 2, column",
		"jobs:\n  - logs: x\n    jbo: y": `line 3, column 5: unknown key "jbo"; did you mean job?`,
		"jobs: []":                       "the list of jobs is empty",
		"jobs: x":                        "line 1, column 7: jobs is a list",
		"- a":                            "KEY: VALUE",
		"output:":                        "a text, a number, true or false",
		"":                               "it is empty: KEY: VALUE",
		"a: b\n---\na: b\n":              "more than one YAML document",
		"a: b: c":                        "line 1, column ",
		"debug: true\ndebug: false":      `line 2, column 1: mapping key "debug" already defined at [1:1]`,
	} {
		_, err := parseSettings([]byte(in), testKeys)
		require.Error(t, err, in)
		assert.Contains(t, err.Error(), want, in)
		assert.NotContains(t, err.Error(), "\n", in)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("output: statsd\njobs:\n  - job: a\n    logs: [x, y]\n"))
	f.Add([]byte("a: |\n  x\nb: &c d\ne: *c\n? [1]\n: !!x y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parseSettings(data, testKeys)
		if err == nil {
			assert.NotEmpty(t, all)
		}
	})
}
