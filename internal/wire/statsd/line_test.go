package statsd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
)

// samples prints what Parse and Next find in a line.
func samples(line string, strict bool) string {
	l := statsd.Line{Strict: strict}
	l.Parse([]byte(line))
	var b strings.Builder
	for l.Next() {
		show(&b, &l)
	}
	if l.Bad > 0 {
		fmt.Fprintf(&b, "bad %d", l.Bad)
	}
	return b.String()
}

func show(b *strings.Builder, l *statsd.Line) {
	fmt.Fprintf(b, "%s %v", l.Name, l.Type)
	if l.Type == statsd.Set {
		fmt.Fprintf(b, " %q", l.Member)
	} else {
		fmt.Fprintf(b, " %v", l.Value)
		if l.Delta && l.Type == statsd.Gauge {
			b.WriteString(" delta")
		}
		if l.Rate != 1 {
			fmt.Fprintf(b, " @%v", l.Rate)
		}
	}
	if len(l.Tags) > 0 {
		fmt.Fprintf(b, " #%s", l.Tags)
	}
	b.WriteString("; ")
}

// TestLine: what statsd's own tests call good and bad, packed values, the
// sections of DogStatsD, and gostatsd's lines.
func TestLine(t *testing.T) {
	for line, want := range map[string]string{
		"a:+10|c": "a c 10; ", "a:+10e1|c": "a c 100; ", "a:-10|c": "a c -10; ", "a:+1|ms": "a ms 1; ", "a:-0.0|ms": "a ms 0; ", "a:0|ms": "a ms 0; ",
		"a:10|g": "a g 10; ", "a:+10|g": "a g 10 delta; ", "a:-10.0|g": "a g -10 delta; ", "a:foo|s": `a s "foo"; `, "a:|s": `a s ""; `,
		"a:1|c|@2": "a c 1 @2; ", "a:1|c|@.2": "a c 1 @0.2; ", "a:1|c|@0.2": "a c 1 @0.2; ", "a:1|c|@2e-1": "a c 1 @2; ", "a:1|c|@1.0": "a c 1; ",
		"a": "bad 1", "a:1": "bad 1", "a:0,345345|ms": "bad 1", "a:|c": "bad 1", "a:|g": "bad 1", "a:-1|ms": "bad 1", "a:-1|ms\r": "bad 1",
		"a:1|c|": "bad 1", "a:1|c|b": "bad 1", "a:1|c|blah": "bad 1", "a:1|c|@": "bad 1", "a:1|c|@blah": "bad 1", "a:1|c|@.": "bad 1", "a:1|c|@.1.": "bad 1",
		"a:1|c|@.1.2.3": "bad 1", "a:1|c|@-1.0": "bad 1", "a:1|c|@0,456456": "bad 1", "a:1|c|0.1": "bad 1",
		// What crashes node's daemon, or gives it values that are none.
		"a:1|c|@+0.5": "bad 1", "a:1|c|@ 0.5": "bad 1", "a:1|c|@0": "bad 1", "a:1|c|@0x10": "bad 1", "a:1|c|@Infinity": "bad 1", "a:1|c|@1e-400": "a c 1; ",
		"a:Infinity|c": "bad 1", "a:NaN|c": "bad 1", "a:0x10|c": "bad 1", "a:1e300|c": "bad 1", "a:1|c|@0." + strings.Repeat("0", 200) + "1": "bad 1",
		"a:1|c|@0.5|extra": "a c 1 @0.5; ", "a:1|c|@0.5\r": "a c 1 @0.5; ", "a: 5 |c": "a c 5; ", "a:1| c ": "a c 1; ",
		"a:1|c:2|c:3|c": "a c 1; a c 2; a c 3; ", "a:1:2:3|h|#k:v": "a h 1 #k:v; a h 2 #k:v; a h 3 #k:v; ", "a:1|c:2": "a c 1; bad 1", "a:1:2": "bad 2",
		"a:1:x:3|ms": "a ms 1; a ms 3; bad 1", "u:2001:db8::1|s": `u s "1"; bad 3`, "a:10|C": "a C 10; ", "a:1|d": "a d 1; ", "a:1|x": "bad 1", "a:1|": "bad 1",
		"a:1|c|#env:prod|@0.5": "a c 1 @0.5 #env:prod; ", "a:1|c|#": "a c 1; ", "a|#b:1|c": "bad 1", "a:1|c|c:in-1|@0.5|#k:v": "a c 1 @0.5 #k:v; ",
		"a:1|c|T1656581409|e:it-false,cn-x|card:low": "a c 1; ", "a:1|g|c:xyz|#foo:bar|@0.1": "a g 1 @0.1 #foo:bar; ", "x:2|c|c:xyz": "x c 2; ",
		// gostatsd's.
		"def.h:10|h": "def.h h 10; ", "smp gge:1|g": "smp gge g 1; ", "p:1:2:3|ms": "p ms 1; p ms 2; p ms 3; ", "fOO|bar:bazkk": "bad 1", "x:1|q": "bad 1",
		"smp/gge:1|g": "smp/gge g 1; ", "smp,gge$:1|g": "smp,gge$ g 1; ", "a:1|g|#f,,": "a g 1 #f,,; ", "a:1|g|#": "a g 1; ", "a:1|g|#|c:x": "a g 1; ",
		"p:1:2:|ms": "p ms 1; p ms 2; bad 1", "p:|ms": "bad 1", "x:1|g||#,|c:xyz": "bad 1", // where gostatsd is content
		"x:NaN|g": "bad 1", "x:1|g|@": "bad 1", "f:2:2|c": "f c 2; f c 2; ", "myset:1": "bad 1", ":1|c": " c 1; ",
	} {
		t.Run(line, func(t *testing.T) { assert.Equal(t, want, samples(line, false)) })
	}
}

// TestStrictLine: what differs when lines are read as node's daemon does.
func TestStrictLine(t *testing.T) {
	for line, want := range map[string]string{
		"a:1|h": "a c 1; ", "a:1|C": "a c 1; ", "a:1|x": "a c 1; ", "a:1|": "a c 1; ", "a:1:2|c": "a c 2; bad 1", "a:1|c|c:in-1": "bad 2", "a:1|c|T1": "bad 1",
		"a:1|c|#env:prod|@0.5": "a c 1 #env:prod|@0.5; ", "a:1|c|#a|#b": "a c 1 #a; ", "a:  |c": "a c 0; ", "a:|c": "bad 1",
	} {
		t.Run(line, func(t *testing.T) { assert.Equal(t, want, samples(line, true)) })
	}
}

// TestBrubeckLine: the lines of brubeck's own tests, and what else it refuses.
func TestBrubeckLine(t *testing.T) {
	for line, want := range map[string]string{
		"x:1|c": "x c 1; ", "x:1|c|@0.1": "x c 1 @0.1; ", "x:0012|h": "x h 12; ", "x:0.232030|g": "x g 0.23203; ", "x:1234567.89|g|@0.025": "x g 1.23456789e+06 @0.025; ",
		"x:1|c|@1.": "x c 1; ", "x:|g": "x g 0; ", "x:+1|g": "x g 1 delta; ", "x:-1|g": "x g -1 delta; ", "x:-1|c": "x c -1; ", "x:-1|ms": "x ms -1; ", "x:3|C": "x C 3; ",
		"x:1e2|g": "x g 100; ", "x:1|g\x00junk": "x g 1; ",
	} {
		t.Run(line, func(t *testing.T) {
			var l statsd.Line
			var b strings.Builder
			require.True(t, l.ParseBrubeck([]byte(line)))
			show(&b, &l)
			assert.Equal(t, want, b.String())
		})
	}
	for _, line := range []string{
		"x:12.89.23|g", "x:12.89|a", "x:12.89|msdos", "x:12.89g|g", "x:12.89|", "x:12.89", "x:12.89 |g", "x", "x:1.0|g|1.0", "x:1|g|@0.1.1", "x:1|g|@0.1@", "x:1|g|@1.23",
		"x:1|g|@3.0", "x:1|g|@-1.0", "x:1|g|@0.0", "x:1|g|@0", "x:1|g|@000.0|", "", "x.:1|g", "x y:1|g", "x:1|g\r", "x:1|g|#a:b", "x:1:2|g", ":1|g", "x:1|s", "x:nan|g", "x:1|g|@",
	} {
		t.Run(line, func(t *testing.T) { assert.False(t, new(statsd.Line).ParseBrubeck([]byte(line))) })
	}
	var l statsd.Line
	require.False(t, l.ParseBrubeck([]byte("x:1|g|@000.0100.")))
	require.False(t, l.ParseBrubeck([]byte("x:1|c|@000100")))
	require.True(t, l.ParseBrubeck([]byte("x:1|c|@000.0100")))
	assert.Equal(t, 100.0, 1/l.Rate)
}

// TestNotice: gostatsd's events, good and bad, and service checks.
func TestNotice(t *testing.T) {
	for line, want := range map[string]statsd.Notice{
		"_e{1,1}:a|b": statsd.Event, `_e{6,18}:ab|| c|hello,\nmy friend!`: statsd.Event, "_e{1,1}:a|b|p:low|#t:x": statsd.Event, "_e{1,1}:a|b\r": statsd.Event,
		"_x{1,1}:a|b": statsd.NoNotice, "_e{2,1}:a|b": statsd.BadNotice, "_e{1,2}:a|b": statsd.BadNotice, "_e{1,1}:ab": statsd.BadNotice, "_e{1,1}ab": statsd.BadNotice,
		"_e{,1}:a|b": statsd.BadNotice, "_e{1,}:a|b": statsd.BadNotice, "_e{1}:a|b": statsd.BadNotice, "_e{}:a|b": statsd.BadNotice, "_e1,2}:a|b": statsd.NoNotice,
		"_e{99999999999999999999,1}:a|b": statsd.BadNotice, "_e{1,99999999999999999999}:a|b": statsd.BadNotice, "_e{1,1}:a|bc": statsd.BadNotice,
		"_sc|name|0": statsd.ServiceCheck, "_sc|name|3|h:x|m:what": statsd.ServiceCheck, "_sc|name|4": statsd.BadNotice, "_sc||0": statsd.BadNotice, "_sc|name": statsd.BadNotice,
		"_sc|name|00": statsd.BadNotice, "a:1|c": statsd.NoNotice,
	} {
		assert.Equal(t, want, statsd.NoticeOf([]byte(line)), line)
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct{ name, tags, key, clean, sorted string }{
		{"a b/c", "", "a b/c", "a_b-c", "a_b-c"},
		{"smp,gge$", "", "smp,gge$", "smpgge", "smpgge"},
		{"a \t\v b", "", "a \t\v b", "a_b", "a_b"},
		{"café\x00$", "", "café\x00$", "caf", "caf"},
		{"a", "k:v", "a;k=v", "a;k=v", "a;k=v"},
		{"a", "b:1,a:2:3;4;5", "a;b=1;a=2:3_4;5", "a;b=1;a=23_4;5", "a;5=true;a=23_4;b=1"},
		{"a", "f,,", "a;f;;", "a;f;;", "a;f=true"},
		{"a;z=1", "k:v,z:2", "a;z=1;k=v;z=2", "a;z=1;k=v;z=2", "a;k=v;z=2"},
		{"a", "é:x", "a;é=x", "a;=x", "a"},
		{"", "k:v", ";k=v", ";k=v", ";k=v"},
	} {
		key := statsd.AppendKey(nil, []byte(c.name), []byte(c.tags))
		assert.Equal(t, c.key, string(key))
		clean := statsd.AppendCleanKey(nil, key)
		assert.Equal(t, c.clean, string(clean))
		assert.Equal(t, c.sorted, string(statsd.SortTags(clean)))
	}
}

// FuzzLine checks that Plain reads what Parse reads, and that all comes to an end.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"a:1|c\n", "a:1.5|ms|@0.1|#k:v\n", "a:+1|g", "a:1:2|h|#x:y|@2|c:in-1", "u:1|s\r\n", "a|#b:1|c", "a:-1|ms", "a:1|c|@1e-1"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, strict bool) {
		l := statsd.Line{Strict: strict}
		n := l.Plain(in)
		var b strings.Builder
		show(&b, &l)
		line, _, _ := strings.Cut(string(in), "\n")
		general := samples(line, strict)
		if n == 0 || strings.Contains(string(l.Name), "\n") || strings.Contains(string(l.Name), "|#") {
			return
		}
		require.Equal(t, general, b.String())
		if i := len(line) + 1; i <= len(in) {
			require.Equal(t, i, n)
		} else {
			require.Len(t, in, n)
		}
	})
}
