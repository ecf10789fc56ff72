package graphite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/graphite"
	"github.com/logmetrics/logmetrics/metric"
)

func TestAppendLine(t *testing.T) {
	b := graphite.AppendLine(nil, []byte("a.b"), 97, metric.PyFloat, 1760000000)
	b = graphite.AppendLine(b, []byte("r;code=200"), 1e-7, metric.Shortest, -1)
	assert.Equal(t, "a.b 97.0 1760000000\nr;code=200 1e-07 -1\n", string(b))
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"a 1 2\n":                "a=1@2 ",
		"a 1 2":                  "a=1@2 ",
		"a 1 2\r\n\r\n\nb 3 4\n": "a=1@2 b=3@4 ",
		" \ta  1.5\t -1 \n":      "a=1.5@-1 ",
		"a 1 2.9\n":              "a=1@2 ",
		"a 1\n":                  "fields 1",
		"a 1 2 3\nb 1 2\n":       "b=1@2 fields 1",
		"a\n \nb 1 2\n":          "b=1@2 fields 1",
		"a NaN 2\nb -Infinity 2\nb inf 2\nb 1e400 2\nb 1e101 2\nb 0x1 2\nb 1.2.3 2\nb . 2\n": "value 3nan 1infinite 4",
		"a 1 -2\na 1 1e300\na 1 nan\n": "time 3",
		"a -0 2\nb -.5 3\nc 5. 4\nd 123456789012345 5\ne 1234567890123456 6\nf -1e3 7\n": "a=0@2 b=-0.5@3 c=5@4 d=1.23456789012345e+14@5 e=1.234567890123456e+15@6 f=-1000@7 ",
		"a 1 000000000000002\nb 1 00000000000000002\nc +1 +2\n":                          "a=1@2 b=1@2 c=1@2 ",
		"caf\xe9\xff.x 1 2\n":     "caf\xe9\xff.x=1@2 ",
		"a  1 2\nabcdefgh\ti 1\n": "a=1@2 value 1",
		"\x00 1 2\n":              "\x00=1@2 ",
		"":                        "",
	} {
		rows, bad := graphite.Parse(nil, []byte(in))
		var got strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&got, "%s=%v@%d ", r.Name, r.Value, r.Time)
		}
		for why, n := range bad.Counts {
			if n > 0 {
				fmt.Fprintf(&got, "%s %d", graphite.Reasons[why], n)
			}
		}
		assert.Equal(t, want, got.String(), "%q", in)
	}
}

func TestTags(t *testing.T) {
	path, tags := graphite.CutTags([]byte("a.b;k=v;l=w=x"))
	assert.Equal(t, "a.b", string(path))
	k, v, rest, ok := graphite.NextTag(tags)
	assert.Equal(t, []any{"k", "v", true}, []any{string(k), string(v), ok})
	k, v, rest, ok = graphite.NextTag(rest)
	assert.Equal(t, []any{"l", "w=x", true, ""}, []any{string(k), string(v), ok, string(rest)})
	for _, bad := range []string{"", "k", "=v", "k=", "k=~v", "k!=v", "^k=v"} {
		_, _, _, ok := graphite.NextTag([]byte(bad))
		assert.False(t, ok, bad)
	}
}

func block() []byte {
	var b []byte
	for i := range 500 {
		b = graphite.AppendLine(b, fmt.Appendf(nil, "servers.web%d.requests.count", i), float64(i)/8, metric.Shortest, 1760000000)
	}
	return b
}

func TestParseDoesNotAllocate(t *testing.T) {
	in := block()
	rows, bad := graphite.Parse(nil, in)
	require.Len(t, rows, 500)
	require.Zero(t, bad)
	assert.Zero(t, testing.AllocsPerRun(10, func() { rows, _ = graphite.Parse(rows[:0], in) }))
}

func BenchmarkParse(b *testing.B) {
	in := block()
	var rows []graphite.Row
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		rows, _ = graphite.Parse(rows[:0], in)
	}
}

// FuzzWireGraphite checks that what was parsed is written and parsed again as
// the same, and that no line gives more than one row.
func FuzzWireGraphite(f *testing.F) {
	f.Add([]byte("a.b 1 2\nc;k=v 1e-7 -1\r\nbad\n  x\t.5 1.5"))
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, bad := graphite.Parse(nil, in)
		n := len(rows)
		for _, c := range bad.Counts {
			n += c
		}
		require.LessOrEqual(t, n, strings.Count(string(in), "\n")+1)
		var out []byte
		for _, r := range rows {
			out = graphite.AppendLine(out, r.Name, r.Value, metric.Shortest, r.Time)
		}
		again, bad := graphite.Parse(nil, out)
		require.Zero(t, bad)
		require.Equal(t, rows, again)
	})
}
