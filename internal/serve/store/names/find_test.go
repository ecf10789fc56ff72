package names_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/names"
)

func TestFindTellsLeavesAndBranches(t *testing.T) {
	x := filled(t, "a.b", "a.b.c", "a.d.e", "f", "g.h;k=v")
	found, err := x.Find(t.Context(), "a.*", 0)
	require.NoError(t, err)
	assert.Equal(t, []Match{{Path: "a.b", ID: 0, Leaf: true, Branch: true}, {Path: "a.d", Branch: true}}, found)
	found, err = x.Expand(t.Context(), "*", 0)
	require.NoError(t, err)
	assert.Equal(t, []Match{{Path: "f", ID: 3, Leaf: true}}, found)
	found, err = x.Find(t.Context(), "g.h;k=v", 0)
	require.NoError(t, err)
	assert.Equal(t, []Match{{Path: "g.h;k=v", ID: 4, Leaf: true}}, found)
	assert.Empty(t, paths(t, x, "g"), "names with tags are not in the tree")
	assert.Empty(t, paths(t, x, "g.h;k=w"))
	assert.Empty(t, paths(t, x, ";"))
}

// As graphite-web's finder, which uses Python's fnmatch.
func TestPatterns(t *testing.T) {
	x := filled(t, "a-b", "a]b", "ab", "abc", "a!c", "acb", "b^", "x-z", "é1", "éé", "s.a.b.c", "s.ab.b", "s.b")
	for pattern, want := range map[string]string{
		"a[-x]b": "a-b", "a[x-]b": "a-b", "a[]]b": "a]b", "a[!]]b": "a-b acb", "a[!a-z]b": "a-b a]b", "[^a]*": "a!c a-b a]b ab abc acb", "b[^]": "b^",
		"a[b": "", "a[z-a]b": "", "?1": "é1", "[é]*": "é1 éé", "é?": "é1 éé", "??": "ab b^ é1 éé", "a*b*c": "abc", "*": "a!c a-b a]b ab abc acb b^ s x-z é1 éé",
		"{ab,x-z}": "ab x-z", "a{b,c}{,b,c}": "ab abc acb", "{a{b,cb},x*}": "ab acb x-z", "{ab}": "ab", "a{b": "", "ab}": "", "{ab,ab,a?}": "ab",
		`a\b`: "ab", "ab.": "", ".ab": "", "": "", "s.*": "s.a s.ab s.b", "s.{a,b}.b": "s.a.b", "s.**": "s.a s.a.b s.a.b.c s.ab s.ab.b s.b", "**.b": "s.a.b s.ab.b s.b",
		"s.**.b": "s.a.b s.ab.b s.b", "s.**.**.c": "s.a.b.c", "{**,ab}.c": "s.a.b.c", "s.a**": "s.a s.ab", "s**": "s", "{s.a,x}": "",
	} {
		assert.Equal(t, want, strings.Join(paths(t, x, pattern), " "), "%q", pattern)
	}
}

func TestFindIsBounded(t *testing.T) {
	x := New()
	for i := range 3000 {
		_, _, err := x.Add(fmt.Appendf(nil, "a.n%d", i))
		require.NoError(t, err)
	}
	found, err := x.Find(t.Context(), "a.*", 10)
	require.ErrorIs(t, err, ErrTooMany)
	assert.Len(t, found, 10)
	_, err = x.Find(t.Context(), "a.*", 3000)
	require.NoError(t, err)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = x.Find(ended, "a.*", 0)
	require.ErrorIs(t, err, context.Canceled)
	exprs, err := ParseExprs([]string{"name=~a"})
	require.NoError(t, err)
	_, err = x.Tagged(ended, exprs, 0)
	require.ErrorIs(t, err, context.Canceled)
	_, err = x.Tagged(t.Context(), exprs, 10)
	require.ErrorIs(t, err, ErrTooMany)

	start := time.Now()
	for _, pattern := range []string{
		strings.Repeat("{a,b}", 40), strings.Repeat("{", 100000) + strings.Repeat("}", 100000), strings.Repeat("{a,", 20000) + strings.Repeat("}", 20000),
		strings.Repeat("a.", 100), strings.Repeat("x", 1<<20), "{" + strings.Repeat("a,", 20000) + "}",
	} {
		_, err = x.Find(t.Context(), pattern, 0)
		require.ErrorIs(t, err, ErrPattern, "%.20q", pattern)
	}
	for _, pattern := range []string{strings.Repeat("**.", 60) + "x", "a." + strings.Repeat("*a", 1000), "a." + strings.Repeat("*?", 1000) + "[!", strings.Repeat("**.n*.", 30) + "x"} {
		_, err = x.Find(t.Context(), pattern, 0)
		require.NoError(t, err)
	}
	assert.Less(t, time.Since(start), 5*time.Second)
}

// TestLargeExpressions: what thousands of hosts need is read, what fills the memory is not.
func TestLargeExpressions(t *testing.T) {
	var hosts []string
	for i := range 3000 {
		hosts = append(hosts, fmt.Sprintf("web%d.example", i*7919))
	}
	repeats := strings.Repeat("((a{30}b){30})", 20)
	_, err := ParseExprs([]string{"name=~^(" + strings.Join(hosts, "|") + ")$", "dc=~(a|b).*", "x!=~" + strings.Repeat("[a-z]{8}", 100)})
	require.NoError(t, err)
	for _, list := range [][]string{
		{"k=~" + strings.Repeat("((a{30}b){30})", 200)}, {"k=~" + repeats, "l=~" + repeats, "m=~" + repeats, "n=~" + repeats}, {"k=~" + strings.Repeat(`\pL*`, 1000)},
		{"k=~" + strings.Repeat("a", 1<<17)}, {"k=~" + strings.Repeat("a", 1<<15), "k!=~" + strings.Repeat("b", 1<<15)},
	} {
		_, err := ParseExprs(list)
		require.ErrorIs(t, err, ErrPattern)
		assert.Less(t, len(err.Error()), 300)
	}
	_, err = CompileFilter(repeats + repeats + repeats + repeats)
	require.Error(t, err)
}

// TestSlowExpressions end with their context, whatever time a match takes.
func TestSlowExpressions(t *testing.T) {
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprintf("m;k=%s%d", strings.Repeat("a", 250), i), fmt.Sprintf("%s%d", strings.Repeat("b", 250), i))
	}
	x := filled(t, list...)
	slow := strings.Repeat(".{0,900}", 30) + "y"
	takes, err := CompileFilter(slow)
	require.NoError(t, err)
	ended := func(search func(context.Context) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, search(ctx), context.DeadlineExceeded)
		assert.Less(t, time.Since(start), 20*time.Second)
	}
	for _, key := range []string{"k", "name"} {
		exprs, err := ParseExprs([]string{key + "=~" + slow})
		require.NoError(t, err)
		ended(func(ctx context.Context) error { _, err := x.Tagged(ctx, exprs, 0); return err })
		ended(func(ctx context.Context) error { _, err := x.Values(ctx, key, TagQuery{Filter: takes}); return err })
	}
}

func TestExpressions(t *testing.T) {
	for _, s := range []string{"", "k", "=v", "k~v", "k!v", "!=v", "k;l=v", "k=v;w", "k=~(", "k=~(?=a)"} {
		_, err := ParseExprs([]string{s})
		assert.ErrorIs(t, err, ErrPattern, s)
	}
	x := filled(t, "a;k=v1", "a;k=v2;l=w", "b.c", "a;k==~x")
	assert.Equal(t, []string{"a;k=v1", "a;k=v2;l=w"}, tagged(t, x, "k=~v"), "anchored at the start only")
	assert.Equal(t, []string{"a;k=v2;l=w"}, tagged(t, x, "k=~^v2"))
	assert.Empty(t, tagged(t, x, "k=~2"))
	assert.Equal(t, []string{"b.c"}, tagged(t, x, "name=b.c"))
	assert.Empty(t, tagged(t, x, "name=b"))

	_, err := x.Tagged(t.Context(), nil, 0)
	require.ErrorIs(t, err, ErrPattern)
}

func TestCompletion(t *testing.T) {
	x := filled(t, "disk;dc=ams;host=w1", "disk;dc=ams;host=w2", "disk;dc=fra;host=x1", "cpu;dc=fra;zone=z", "plain.a", "plain.b")
	keys := func(q TagQuery, list ...string) []string {
		exprs, err := ParseExprs(list)
		require.NoError(t, err)
		q.Exprs = exprs
		got, err := x.Keys(t.Context(), q)
		require.NoError(t, err)
		return got
	}
	values := func(key string, q TagQuery, list ...string) string {
		exprs, err := ParseExprs(list)
		require.NoError(t, err)
		q.Exprs = exprs
		got, err := x.Values(t.Context(), key, q)
		require.NoError(t, err)
		return strings.Trim(fmt.Sprint(got), "[]")
	}
	assert.Equal(t, []string{"dc", "host", "name", "zone"}, keys(TagQuery{}))
	assert.Equal(t, []string{"dc", "host"}, keys(TagQuery{Limit: 2}))
	assert.Equal(t, []string{"host"}, keys(TagQuery{Prefix: "h"}))
	assert.Equal(t, []string{"host", "name"}, keys(TagQuery{}, "dc=ams"))
	assert.Equal(t, "{ams 2} {fra 2}", values("dc", TagQuery{}))
	assert.Equal(t, "{ams 2}", values("dc", TagQuery{Limit: 1}))
	assert.Equal(t, "{fra 1}", values("dc", TagQuery{}, "zone=z"))
	assert.Equal(t, "{w1 1} {w2 1}", values("host", TagQuery{Prefix: "w"}, "dc=ams"))
	assert.Equal(t, "{x1 1}", values("host", TagQuery{Filter: func(b []byte) bool { return b[0] == 'x' }}))
	assert.Equal(t, "{cpu 1} {disk 3} {plain.a 1} {plain.b 1}", values("name", TagQuery{}))
	assert.Equal(t, "{cpu 1} {disk 1}", values("name", TagQuery{}, "dc=fra"))
	assert.Equal(t, "{cpu 1} {disk 3}", values("name", TagQuery{Limit: 2}))
	assert.Empty(t, values("none", TagQuery{}))
}
