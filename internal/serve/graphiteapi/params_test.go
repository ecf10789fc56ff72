package graphiteapi

import (
	"bytes"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParams(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, url, kind, body string
		want                          params
	}{
		{"query", "GET", "/?a=1&b=x+y&a=%32", "", "", params{"a": {"1", "2"}, "b": {"x y"}}},
		{"the body comes after the query", "POST", "/?a=1", form, "a=2", params{"a": {"1", "2"}}},
		{"a pattern as it is", "POST", "/", form, "query=servers.{a,b}.*", params{"query": {"servers.{a,b}.*"}}},
		{"with its end of line", "POST", "/", form, "query=a.*\r\n", params{"query": {"a.*"}}},
		{"tags as they are", "POST", "/", form, "query=disk;host=a;k=b=c", params{"query": {"disk;host=a;k=b=c"}}},
		{"no kind", "POST", "/", "", "a=1", params{"a": {"1"}}},
		{"a kind that cannot be read", "POST", "/", "/;", "a=1", params{"a": {"1"}}},
		{"JSON is no form", "POST", "/?b=1", "application/json", `a=1`, params{"b": {"1"}}},
		{"a percent sign", "GET", "/?a=5%&b=%zz&c=%4", "", "", params{"a": {"5%"}, "b": {"%zz"}, "c": {"%4"}}},
		{"no value, no name", "GET", "/?a&&=1&b=", "", "", params{"a": {""}, "": {"1"}, "b": {""}}},
		{"not UTF-8", "GET", "/?a=%ff", "", "", params{"a": {"\uFFFD"}}},
		{"the body of a GET", "GET", "/?a=1", form, "a=2", params{"a": {"1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, "/", strings.NewReader(c.body))
			r.URL.RawQuery = strings.TrimPrefix(c.url[1:], "?")
			r.Header.Set("Content-Type", c.kind)
			got, err := readParams(r)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// TestParamsInParts: so graphite-web posts to other nodes.
func TestParamsInParts(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("query", "a.{b,c}"))
	require.NoError(t, form.WriteField("target", "x"))
	require.NoError(t, form.WriteField("target", "y"))
	_, err := form.CreateFormFile("target", "file")
	require.NoError(t, err)
	require.NoError(t, form.Close())
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/?local=1", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	got, err := readParams(r)
	require.NoError(t, err)
	assert.Equal(t, params{"local": {"1"}, "query": {"a.{b,c}"}, "target": {"x", "y"}}, got)

	for _, broken := range []string{"", "--", "--b\r\n", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(broken))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		_, err := readParams(r)
		if err != nil {
			assert.Equal(t, 400, faultOf(err).code, broken)
		}
	}
}

func TestTooManyParams(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(strings.Repeat("a&", maxParams+1)))
	_, err := readParams(r)
	assert.ErrorIs(t, err, tooManyParams())
}

func TestParamsByName(t *testing.T) {
	p := params{"n": {"1", " 7 "}, "bad": {"x'"}, "expr[]": {"a", "b"}, "empty": {""}}
	n, err := p.number("n", 3)
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	n, err = p.number("none", 3)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	_, err = p.number("bad", 0)
	assert.EqualError(t, err, `Invalid parameters (Invalid int value 'x\'' for param bad: invalid literal for int() with base 10: 'x\'')`)
	assert.Equal(t, []string{"a", "b"}, p.list("expr"))
	assert.True(t, p.has("empty"))
	assert.Empty(t, p.get("none"))
}
