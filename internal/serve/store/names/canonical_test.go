package names_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

func TestCanonical(t *testing.T) {
	long := strings.Repeat("n", MaxNode)
	for raw, want := range map[string]string{
		"a":                       "a",
		"servers.web1.cpu":        "servers.web1.cpu",
		"..a...b..":               "a.b",
		"a-b_c+d%e@f:g|h#i$j&k~l": "a-b_c+d%e@f:g|h#i$j&k~l",
		"a=b.c!d^e":               "a=b.c!d^e",
		"größe.naïve":             "größe.naïve",
		"a;k=v":                   "a;k=v",
		"a.b;z=1;b=2;a=3":         "a.b;a=3;b=2;z=1",
		"a;k=1;k=2":               "a;k=2",
		"a;a=1;a-b=2":             "a;a-b=2;a=1",
		"a;a=1;ab=2":              "a;a=1;ab=2",
		"a;k=v=w":                 "a;k=v=w",
		"a..b;mount=/var/log":     "a.b;mount=/var/log",
		"a;k={x}(y)[z]*?,":        "a;k={x}(y)[z]*?,",
		"a;k=x~":                  "a;k=x~",
		"a.b;name=a.b;k=v":        "a.b;k=v",
		"a;name=a":                "a",
		`a{k="v"}`:                "a;k=v",
		`a.b{z="1",b="2",}`:       "", // "}" must follow a quote, as in carbon
		`a.b{z="1",b="2"}`:        "a.b;b=2;z=1",
		`a{k="x,y=z"}`:            "a;k=x,y=z",
		long + "." + long:         long + "." + long,
		"":                        "", ".": "", "...": "", ";": "", ";k=v": "", ".;k=v": "",
		"a b": "", "a\tb": "", "a\nb": "", "a\x00": "", "a\x7f": "", "a\xff": "", "a\u0085b": "", "a\u009b": "",
		"../../etc/passwd": "", "a/b": "", `a\b`: "", "a*": "", "a?": "", "a[1]": "", "a{b}": "", "a(b)": "", "<a>": "", `"a"`: "", "'a'": "", "`a`": "", "a,b": "",
		"a;": "", "a;k": "", "a;=v": "", "a;k=": "", "a;k=v;": "", "a;k=~v": "", "a;k!=v": "", "a;k^=v": "", "a;k=a b": "", "a;k=<b>": "", "a;k=\xc3": "", "a;k/l=v": "",
		"a;name=b": "",
		`a{k=v}`:   "", `a{"}`: "", `a{k="v"`: "", `a{k="v"x="y"}`: "", `a{k="a\"b"}`: "", `{k="v"}`: "", `a;x=y{k="v"}`: "", `a{k=""}`: "", `a{="v"}`: "", `a"}`: "",
		long + "n":                            "",
		strings.Repeat("abcdefg.", 128) + "x": "",
		strings.Repeat(".", 3000) + "a":       "",
	} {
		got, ok := AppendCanonical([]byte("> "), []byte(raw))
		assert.Equal(t, want != "", ok, "%q", raw)
		assert.Equal(t, "> "+want, string(got), "%q", raw)
	}
}

func TestCanonicalLimits(t *testing.T) {
	fits := strings.Repeat("abcdefg.", 127) + "abcdefgh"
	require.Len(t, fits, MaxLen)
	_, ok := AppendCanonical(nil, []byte(fits))
	assert.True(t, ok)
	_, ok = AppendCanonical(nil, []byte(fits+"i"))
	assert.False(t, ok)
	tags := "a"
	for i := range MaxTags {
		tags += ";" + strings.Repeat("k", i+1) + "=v"
		_, ok = AppendCanonical(nil, []byte(tags))
		assert.Equal(t, len(tags) <= MaxLen, ok, i)
	}
	tags = "a"
	for range MaxTags {
		tags += ";k=v"
	}
	_, ok = AppendCanonical(nil, []byte(tags))
	assert.True(t, ok)
	_, ok = AppendCanonical(nil, []byte(tags+";k=v"))
	assert.False(t, ok, "one too many")
}

func TestTagsAndPath(t *testing.T) {
	name := []byte("a.b;k=v=w;l=/")
	got := map[string]string{}
	for k, v := range Tags(name) {
		got[string(k)] = string(v)
	}
	assert.Equal(t, map[string]string{"k": "v=w", "l": "/"}, got)
	assert.Equal(t, "a.b", string(Path(name)))
	assert.Equal(t, "a.b", string(Path([]byte("a.b"))))
}

// What we take, carbon takes too, and in the same form, but for dots that a
// file tree drops.
func TestCarbonAgrees(t *testing.T) {
	script, err := os.ReadFile(testutil.Peer(t, "carbon-cache"))
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(script), "\n")
	python := strings.TrimSpace(strings.TrimPrefix(line, "#!"))
	raws := []string{"a.b", "a;z=1;b=2", "a;k=1;k=2", "a;a=1;a-b=2;ab=3;a_b=4;aB=5", "a;k=v=w", `a{z="1",b="2"}`, `a{k="x,y=z"}`, "a;k=größe", "a;k=x~;j=/"}
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c",
		"import sys, json\nfrom carbon.util import TaggedSeries\njson.dump([TaggedSeries.format(TaggedSeries.parse(a).tags) for a in sys.argv[1:]], sys.stdout)"}, raws...)...)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf8", "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	require.NoError(t, err)
	var want []string
	require.NoError(t, json.Unmarshal(out, &want))
	for i, raw := range raws {
		got, ok := AppendCanonical(nil, []byte(raw))
		assert.True(t, ok, raw)
		assert.Equal(t, want[i], string(got), raw)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"a.b;k=v;a=1", `a{k="v",l="w"}`, "..a;name=a", "größe;k=/", "a;a=1;a-b=2;ab=3", "a..b;k..l=v..w"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, ok := AppendCanonical(nil, raw)
		if !ok {
			require.Empty(t, got)
			return
		}
		require.LessOrEqual(t, len(got), MaxLen)
		require.NotContains(t, string(Path(got)), "..")
		require.False(t, strings.ContainsAny(string(got), " \t\n\r\x00\x7f\"'`<>\\"), "%q", got)
		path := string(Path(got))
		require.False(t, strings.ContainsAny(path, "/*?[]{}(),;"), "%q", got)
		for _, node := range strings.Split(path, ".") {
			require.NotEmpty(t, node)
			require.LessOrEqual(t, len(node), MaxNode)
		}
		last := ""
		for k, v := range Tags(got) {
			pair := string(k) + "=" + string(v)
			require.Less(t, last, pair)
			last = pair
		}
		again, ok := AppendCanonical(nil, got)
		require.True(t, ok)
		require.Equal(t, string(got), string(again))

		x := New()
		id, added, err := x.Add(got)
		require.NoError(t, err)
		require.True(t, added)
		require.Equal(t, string(got), x.Name(id))
	})
}

func BenchmarkCanonical(b *testing.B) {
	for _, raw := range []string{"servers.web042.cpu.total.user", "disk.used;mount=/var;host=web042;dc=ams"} {
		b.Run(raw[:4], func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			buf, in := make([]byte, 0, MaxLen), []byte(raw)
			for b.Loop() {
				if _, ok := AppendCanonical(buf, in); !ok {
					b.Fatal(raw)
				}
			}
		})
	}
}
