package statsd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
)

func TestAppend(t *testing.T) {
	name := []byte("a.b")
	assert.Equal(t, "a.b:3|c\n", string(statsd.AppendNumber(nil, name, 3, metric.Shortest, statsd.Counter, 1, nil)))
	assert.Equal(t, "a.b:1.5|ms|@0.0000001|#k:v\n", string(statsd.AppendNumber(nil, name, 1.5, metric.Shortest, statsd.Timer, 1e-7, []byte("k:v"))))
	assert.Equal(t, "a.b:97.0|g\n", string(statsd.AppendGauge(nil, name, 97, metric.PyFloat, nil)))
	assert.Equal(t, "a.b:0|g\na.b:-5|g\n", string(statsd.AppendGauge(nil, name, -5, metric.Shortest, nil)))
	assert.Equal(t, "a.b:x|s|#k:v\n", string(statsd.AppendSet(nil, name, []byte("x"), []byte("k:v"))))
}

func TestAppendMember(t *testing.T) {
	seen := map[string]string{}
	for _, m := range []string{
		"", "%", "10.0.0.1", "2001:db8::1", "2001:db8:1", "a b", "a_b", "a|c\nx:1|c", "é", "%20", " ", "#", strings.Repeat("x", 200),
		strings.Repeat("x", 201), strings.Repeat(":", 67), strings.Repeat(":", 1<<20),
	} {
		text := string(statsd.AppendMember(nil, m))
		assert.LessOrEqual(t, len(text), 203)
		assert.NotContains(t, seen, text, "%q", m)
		assert.False(t, strings.ContainsAny(text, ":|#\n @,"), text)
		seen[text] = m
	}
	assert.Equal(t, "10.0.0.1", seen["10.0.0.1"])
	assert.Equal(t, "2001:db8::1", seen["2001%3Adb8%3A%3A1"])
}

func text(rows []statsd.Row, bad int) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%s %v", r.Name, r.Type)
		if r.Type == statsd.Set {
			fmt.Fprintf(&b, " %q", r.Member)
		} else {
			fmt.Fprintf(&b, " %v", r.Value)
		}
		if r.Delta {
			b.WriteString(" delta")
		}
		if r.Rate != 1 {
			fmt.Fprintf(&b, " @%v", r.Rate)
		}
		if r.Tags != nil {
			fmt.Fprintf(&b, " #%s", r.Tags)
		}
		b.WriteString("; ")
	}
	if bad > 0 {
		fmt.Fprintf(&b, "bad %d", bad)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"gorets:1|c":               "gorets c 1; ",
		"gorets:1|c|@0.1\n":        "gorets c 1 @0.1; ",
		"glork:320|ms\r\n\nb:1|g":  "glork ms 320; b g 1; ",
		"gaugor:-10|g":             "gaugor g -10 delta; ",
		"gaugor:+10|g":             "gaugor g 10 delta; ",
		"uniques:765|s":            `uniques s "765"; `,
		"a:1|c:2|c:3|c":            "a c 1; a c 2; a c 3; ",
		"a:1:2:3|h|#k:v":           "a h 1 #k:v; a h 2 #k:v; a h 3 #k:v; ",
		"a:1|c:2:3|ms|@.5":         "a c 1; a ms 2 @0.5; a ms 3 @0.5; ",
		"a:10|C":                   "a C 10; ",
		"a:1|g|c:in-1|#x:y|T1":     "a g 1 #x:y; ",
		"a:1|c|#x:y|@0.5":          "a c 1 #x:y; ", // as node's: what follows the tags is no rate
		"a:1|c|#":                  "a c 1; ",
		"a:1|c|#\r|":               "a c 1; ",        // it did not survive being written again
		"a:-0:0|C":                 "a C 0; a C 0; ", // it did not survive being written again
		"a:1|c|@0.5|extra":         "a c 1 @0.5; ",
		"a:2|c:x|c":                "a c 2; bad 1",
		"a:1":                      "bad 1",
		"a:1:2":                    "bad 2",
		"a:1|c:2":                  "a c 1; bad 1",
		"a":                        "bad 1",
		":1|c":                     "bad 1",
		"a:1|x\nb:1|c":             "b c 1; bad 1",
		"a:|c\na:nan|c\na:0x1|c":   "bad 3",
		"a:-1|ms":                  "bad 1",
		"a:1|c|@0\na:1|c|@2\na:|s": `a s ""; bad 2`,
		"a:1|c|@\na:1|c|@-1":       "bad 2",
		"":                         "",
	} {
		assert.Equal(t, want, text(statsd.Parse(nil, []byte(in))), "%q", in)
	}
}

func packet() []byte {
	var b []byte
	for i := range 20 {
		b = statsd.AppendNumber(b, fmt.Appendf(nil, "servers.web%d.requests", i), float64(i), metric.Shortest, statsd.Counter, 1, nil)
	}
	return b
}

func TestParseDoesNotAllocate(t *testing.T) {
	in := packet()
	rows, bad := statsd.Parse(nil, in)
	require.Len(t, rows, 20)
	require.Zero(t, bad)
	assert.Zero(t, testing.AllocsPerRun(10, func() { rows, _ = statsd.Parse(rows[:0], in) }))
}

func BenchmarkParse(b *testing.B) {
	in := packet()
	var rows []statsd.Row
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		rows, _ = statsd.Parse(rows[:0], in)
	}
}

// A member is in the set or not, whatever share of the members was sent.
func TestSetsHaveNoRate(t *testing.T) {
	rows, bad := statsd.Parse(nil, []byte("users:ann|s|@0.1\nusers:bob|s|@2"))
	require.Equal(t, 1, bad)
	require.Equal(t, []statsd.Row{{Name: []byte("users"), Member: []byte("ann"), Type: statsd.Set, Rate: 1}}, rows)
}

// FuzzWireStatsd checks that what was parsed is written and parsed again as the same.
func FuzzWireStatsd(f *testing.F) {
	f.Add([]byte("0:|s|@.1"))
	f.Add([]byte("a:1|c|@0.1\nb:-5|g|#k:v\r\nc:1:2|ms:x|s\n:|"))
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, _ := statsd.Parse(nil, in)
		var out []byte
		for _, r := range rows {
			switch {
			case r.Type == statsd.Set:
				out = statsd.AppendSet(out, r.Name, r.Member, r.Tags)
			default:
				if r.Delta && r.Value >= 0 {
					continue // we never send changes
				}
				out = statsd.AppendNumber(out, r.Name, r.Value, metric.Shortest, r.Type, r.Rate, r.Tags)
			}
		}
		again, bad := statsd.Parse(nil, out)
		require.Zero(t, bad, "%q", out)
		rows = deleteDeltas(rows)
		require.Equal(t, text(rows, 0), text(again, 0), "%q", out)
	})
}

func deleteDeltas(rows []statsd.Row) (kept []statsd.Row) {
	for _, r := range rows {
		if !r.Delta || r.Value < 0 {
			kept = append(kept, r)
		}
	}
	return kept
}
