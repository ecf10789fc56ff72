package parsers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/logformat"
	"github.com/logmetrics/logmetrics/metric"
)

// accessBy counts requests by what --by names, as further series requests with
// a tag for each key; to an output without tags they are requests.GET.200. They
// add up to the series without tags, which stays for those who have it in graphs.
type accessBy struct {
	keys      []string // sorted
	vhostLine bool     // no format: a line may be vhost_combined
	family    *metric.Family
	values    [3][]byte // scratch
}

var accessKeys = []string{"method", "status", "vhost"}

// The values of tags that a line does not have.
var (
	tagNone      = []byte("none")
	tagMalformed = []byte("malformed")
)

// newAccessBy reads the option --by; nil when it is empty.
func newAccessBy(option string, vhostLine bool) (*accessBy, error) {
	if option == "" {
		return nil, nil
	}
	keys := strings.Split(option, ",")
	slices.Sort(keys)
	for _, key := range keys {
		if !slices.Contains(accessKeys, key) {
			return nil, fmt.Errorf("--by: %q is none of %s", key, strings.Join(accessKeys, ", "))
		}
	}
	return &accessBy{keys: slices.Compact(keys), vhostLine: vhostLine}, nil
}

// fields returns what the scanner must look for.
func (a *accessBy) fields() (want []logformat.AccessField) {
	if a.has("method") {
		want = append(want, logformat.Method, logformat.Request)
	}
	if a.has("vhost") {
		want = append(want, logformat.Host)
	}
	return want
}

func (a *accessBy) has(key string) bool { return a != nil && slices.Contains(a.keys, key) }

// requireFields checks that the format has what is to be counted.
func requireFields(s *logformat.Access, a *accessBy) error {
	switch {
	case !s.Has(logformat.Status):
		return fmt.Errorf("log format %q has no status ($status, %%>s)", s)
	case a.has("method") && !s.Has(logformat.Method) && !s.Has(logformat.Request):
		return fmt.Errorf("--by=method: log format %q has no method ($request, $request_method, %%r, %%m)", s)
	case a.has("vhost") && !a.vhostLine && !s.Has(logformat.Host):
		return fmt.Errorf("--by=vhost: log format %q has no host ($server_name, $host, %%v, %%V)", s)
	}
	return nil
}

func (a *accessBy) register(rec *metric.Recorder) {
	a.family = rec.Family("requests", metric.Counter, a.keys...)
}

// count counts a request that the parser has counted.
func (a *accessBy) count(line []byte, f *logformat.AccessFields, rec *metric.Recorder) {
	for i, key := range a.keys {
		switch key {
		case "status":
			a.values[i] = f[logformat.Status]
		case "method":
			a.values[i] = method(f)
		case "vhost":
			a.values[i] = a.vhost(line, f)
		}
	}
	rec.Inc(a.family.ID(a.values[:len(a.keys)]...), 1)
}

// method returns the request's method.
func method(f *logformat.AccessFields) []byte {
	if m := f[logformat.Method]; len(m) > 0 {
		return m
	}
	if n := methodLen(f[logformat.Request]); n > 0 {
		return f[logformat.Request][:n]
	}
	return tagMalformed
}

// vhost returns the host that the line names. Without a format it is the first
// word of "host:port client - user [time]"; in a line that is not
// vhost_combined the second word is the identd's name, which no server asks
// for any more: '-'.
func (a *accessBy) vhost(line []byte, f *logformat.AccessFields) []byte {
	host := f[logformat.Host]
	if a.vhostLine {
		word, rest := firstWord(line)
		client, _ := firstWord(rest)
		if string(client) == "-" {
			return tagNone
		}
		host = word
	}
	if host = withoutPort(host); len(host) == 0 || string(host) == "-" {
		return tagNone
	}
	return host
}

// withoutPort cuts ":80" from a host.
func withoutPort(host []byte) []byte {
	n := len(host)
	for n > 0 && isDigit(host[n-1]) {
		n--
	}
	if n > 0 && n < len(host) && host[n-1] == ':' {
		return host[:n-1]
	}
	return host
}
