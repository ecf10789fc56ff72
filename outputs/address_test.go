package outputs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/outputs"
)

var ports = map[string]int{"tcp": 2003, "udp": 2003, "pickle": 2004, outputs.Unixgram: 0}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "tcp://127.0.0.1:2003",
		"graphite.example.org":         "tcp://graphite.example.org:2003",
		"h:1234":                       "tcp://h:1234",
		":1234":                        "tcp://127.0.0.1:1234",
		"::1":                          "tcp://[::1]:2003",
		"[::1]":                        "tcp://[::1]:2003",
		"[fe80::1%eth0]:5":             "tcp://[fe80::1%eth0]:5",
		"pickle://h":                   "pickle://h:2004",
		"PICKLE://h:5":                 "pickle://h:5",
		"udp://10.0.0.1:8125":          "udp://10.0.0.1:8125",
		"tcp://[::1]:2003":             "tcp://[::1]:2003",
		"unixgram:///run/statsd.sock":  "unixgram:///run/statsd.sock",
		"unixgram://@abstract, spaced": "unixgram://@abstract, spaced",
	} {
		a, err := outputs.ParseAddress(in, "tcp", ports)
		require.NoError(t, err, in)
		assert.Equal(t, want, a.String(), in)
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for in, reason := range map[string]string{
		"http://h:1":  `address "http://h:1": no protocol "http"; there are: pickle, tcp, udp, unixgram`,
		"h:0":         `address "h:0": port "0" is not a number from 1 to 65535`,
		"h:65536":     `address "h:65536": port "65536" is not a number from 1 to 65535`,
		"h:x":         `address "h:x": port "x" is not a number from 1 to 65535`,
		"h:":          `address "h:": the port is missing after the ':'`,
		"a:b:c":       `address "a:b:c": not HOST:PORT; an IPv6 address stands in brackets, as [::1]:8125`,
		"a b:1":       `address "a b:1": "a b" is no host name`,
		"h/x:1":       `address "h/x:1": "h/x" is no host name`,
		"unixgram://": `address "unixgram://": the path of the socket is missing`,
	} {
		_, err := outputs.ParseAddress(in, "tcp", ports)
		assert.EqualError(t, err, reason)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, f := range outputs.Table() {
		_, err := f.New(outputs.Options{Separator: "a\nb"})
		assert.ErrorContains(t, err, f.Name+": separator", f.Name)
		_, err = f.New(outputs.Options{TagStyle: "xml"})
		assert.ErrorContains(t, err, f.Name+`: no tag style "xml"; there are: none`, f.Name)
	}
	f, ok := outputs.Find("GRAPHITE")
	require.True(t, ok)
	_, err := f.New(outputs.Options{Protocol: "unixgram"})
	assert.ErrorContains(t, err, `graphite: address "": no protocol "unixgram"`)
}
