package graphiteapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStringsAsPythonHasThem(t *testing.T) {
	const s = "a\"b\\c\n\r\t\b\f\x01\x7f é 😀 <&>/"
	assert.Equal(t, `"a\"b\\c\n\r\t\b\f\u0001\u007f \u00e9 \ud83d\ude00 <&>/"`, string(appendString(nil, s, true)))
	assert.Equal(t, `"a\"b\\c\n\r\t\b\f\u0001`+"\x7f é 😀 <&>/\"", string(appendString(nil, s, false)))
}

func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\x00é😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		for _, ascii := range []bool{false, true} {
			var back string
			require.NoError(t, json.Unmarshal(appendString(nil, s, ascii), &back))
			assert.Equal(t, s, back)
		}
	})
}

// replied returns the answer that fill writes to a request with a query.
func replied(t *testing.T, query, accept string, fill func(j *reply)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/?"+query, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	p, err := readParams(r)
	require.NoError(t, err)
	j, err := newReply(w, r, p)
	require.NoError(t, err)
	j.unicode(r)
	fill(j)
	require.NoError(t, j.end())
	return w
}

func TestReply(t *testing.T) {
	list := func(j *reply) { j.strings([]string{"ä", "b"}) }
	for _, c := range []struct{ query, accept, kind, want string }{
		{"", "", "application/json", `["\u00e4", "b"]`},
		{"", "*/*", "application/json;charset=utf-8", `["ä", "b"]`},
		{"jsonp=a.b$_1", "*/*", "text/javascript;charset=utf-8", `a.b$_1(["ä", "b"])`},
		{"pretty=1", "", "application/json", "[\n  \"\\u00e4\",\n  \"b\"\n]"},
		{"pretty=1&jsonp=f", "", "text/javascript", "f([\n  \"\\u00e4\",\n  \"b\"\n])"},
	} {
		w := replied(t, c.query, c.accept, list)
		assert.Equal(t, c.kind, w.Header().Get("Content-Type"))
		assert.Equal(t, c.want, w.Body.String())
	}
}

// TestLongReply: it goes out in pieces.
func TestLongReply(t *testing.T) {
	list := strings.Split(strings.Repeat("abcdefg,", 100_000), ",")
	for _, query := range []string{"", "pretty=1"} {
		w := replied(t, query, "", func(j *reply) {
			j.strings(list)
			assert.Equal(t, query == "", len(j.buf) < spillAt)
		})
		var back []string
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &back))
		assert.Equal(t, list, back)
	}
}

func TestCallbacks(t *testing.T) {
	for _, bad := range []string{"1", "a(b", "a;b", "<script>", strings.Repeat("a", 65), " "} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		_, err := newReply(httptest.NewRecorder(), r, params{"jsonp": {bad}})
		assert.Equal(t, 400, faultOf(err).code, bad)
	}
}
