package conformance

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// request is a line of testdata/requests.
type request struct {
	topic  string // the file, without .txt
	line   string
	method string
	path   string
	params url.Values
	order  bool // the order of lists counts
	random bool // values do not count
}

const usualParams = "format=json & from=-10min"

// requests reads all files of a folder.
func requests(t testing.TB, dir string) []request {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []request
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, parse(strings.TrimSuffix(filepath.Base(file), ".txt"), string(text))...)
	}
	return all
}

func parse(topic, text string) []request {
	var all []request
	settings := usualParams
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			settings = usualParams
		case line == "= nothing":
			settings = ""
		case strings.HasPrefix(line, "= "):
			settings = override(usualParams, line[2:])
		default:
			all = append(all, parseLine(topic, line, settings))
		}
	}
	return all
}

// override sets parameters among others.
func override(settings, more string) string {
	set := func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return slices.ContainsFunc(strings.Split(more, " & "), func(m string) bool { return strings.HasPrefix(m, name+"=") })
	}
	parts := slices.DeleteFunc(strings.Split(settings, " & "), func(p string) bool { return p == "" || set(p) })
	return strings.Join(append(parts, more), " & ")
}

func parseLine(topic, line, settings string) request {
	r := request{topic: topic, line: line, method: http.MethodGet, path: "/render", params: url.Values{}, order: true}
	if rest, ok := strings.CutPrefix(line, "~ "); ok {
		line, r.order = rest, false
	}
	if rest, ok := strings.CutPrefix(line, "% "); ok {
		line, r.random = rest, true
	}
	if rest, ok := strings.CutPrefix(line, "POST "); ok {
		line, r.method = rest, http.MethodPost
	}
	first, more, _ := strings.Cut(line, " & ")
	if strings.HasPrefix(first, "/") {
		r.path = first
	} else {
		r.params.Set("target", first)
		more = override(settings, more)
	}
	for p := range strings.SplitSeq(more, " & ") {
		if name, value, _ := strings.Cut(p, "="); name != "" {
			r.params.Add(name, value)
		}
	}
	return r
}

// name is what a request is called in lists of differences: another parameter
// that a section sets makes it another request.
func (r request) name() string { return r.topic + ": " + r.line }

// url is the path with the query.
func (r request) url() string {
	if len(r.params) == 0 || r.method == http.MethodPost {
		return r.path
	}
	return r.path + "?" + r.params.Encode()
}

func (r request) body() string {
	if r.method == http.MethodPost {
		return r.params.Encode()
	}
	return ""
}
