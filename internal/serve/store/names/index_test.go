package names_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/names"
)

var seedFlag = flag.Uint64("seed", 0, "of random tests; 0: drawn")

func random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

func filled(t testing.TB, list ...string) *Index {
	t.Helper()
	x := New()
	for _, name := range list {
		_, added, err := x.Add([]byte(name))
		require.NoError(t, err)
		require.True(t, added, name)
	}
	return x
}

func TestAddGetName(t *testing.T) {
	x := filled(t, "a.b", "a", "a.b.c", "a.b;k=v", "a;k=v;l=w")
	for i, name := range []string{"a.b", "a", "a.b.c", "a.b;k=v", "a;k=v;l=w"} {
		id, ok := x.Get([]byte(name))
		assert.True(t, ok, name)
		assert.Equal(t, uint32(i), id)
		assert.Equal(t, name, x.Name(id))
		again, added, err := x.Add([]byte(name))
		require.NoError(t, err)
		assert.False(t, added)
		assert.Equal(t, id, again)
	}
	for _, name := range []string{"b", "a.c", "a.b.c.d", "a;k=v", "a;k=w", "a.b;k=v;l=w", ""} {
		_, ok := x.Get([]byte(name))
		assert.False(t, ok, name)
	}
	assert.Equal(t, 5, x.Len())
	assert.Empty(t, x.Name(5))
	assert.Empty(t, x.Name(1<<31))
}

func TestNumbersAreUsedAgainOnlyAfterLoad(t *testing.T) {
	x := New()
	require.NoError(t, x.Load(2, []byte("a")))
	require.NoError(t, x.Load(5, []byte("b;k=v")))
	require.ErrorContains(t, x.Load(5, []byte("c")), "not a number from 6")
	require.ErrorIs(t, x.Load(6, []byte("a")), ErrExists)
	require.ErrorContains(t, x.Load(6, []byte("c..d")), "canonical")
	require.ErrorContains(t, x.Load(MaxID+1, []byte("c")), "not a number")
	assert.True(t, x.Remove(2))
	assert.False(t, x.Remove(2))
	assert.False(t, x.Remove(77))
	var got []uint32
	for i := range 6 {
		id, added, err := x.Add(fmt.Appendf(nil, "n%d", i))
		require.NoError(t, err)
		require.True(t, added)
		got = append(got, id)
	}
	assert.Equal(t, []uint32{0, 1, 3, 4, 6, 7}, got)
}

func TestFullIndex(t *testing.T) {
	x := New()
	require.NoError(t, x.Load(MaxID, []byte("a.b;k=v")))
	for x.Len() < 3 {
		_, _, err := x.Add(fmt.Appendf(nil, "n%d", x.Len()))
		require.NoError(t, err, "the numbers below are free")
	}
	y := New()
	for id := range uint32(3) {
		require.NoError(t, y.Load(id, fmt.Appendf(nil, "n%d", id)))
	}
	require.NoError(t, y.Load(MaxID, []byte("last")))
	require.True(t, y.Remove(MaxID))
	assert.Equal(t, 3, y.Len())
}

func TestRename(t *testing.T) {
	x := filled(t, "a.b", "c", "d;k=v", "e;k=v", "f;k=v")
	require.ErrorIs(t, x.Rename(0, []byte("c")), ErrExists)
	require.ErrorIs(t, x.Rename(0, []byte("a.b")), ErrExists)
	require.Error(t, x.Rename(9, []byte("x")))
	require.NoError(t, x.Rename(0, []byte("a.b.c")))
	require.NoError(t, x.Rename(2, []byte("d;k=w")))
	assert.Equal(t, []string{"a", "a.b", "a.b.c", "c"}, paths(t, x, "**"))
	assert.Equal(t, []string{"e;k=v", "f;k=v"}, tagged(t, x, "k=v"))
	assert.Equal(t, []string{"d;k=w"}, tagged(t, x, "k=w"))
	require.NoError(t, x.Rename(2, []byte("plain")))
	assert.Empty(t, tagged(t, x, "k=w"))
	require.NoError(t, x.Rename(2, []byte("d;k=v")))
	assert.Equal(t, []string{"d;k=v", "e;k=v", "f;k=v"}, tagged(t, x, "k=v"))
	assert.Equal(t, 5, x.Len())
}

func paths(t testing.TB, x *Index, pattern string) (list []string) {
	t.Helper()
	found, err := x.Find(t.Context(), pattern, 0)
	require.NoError(t, err)
	for _, m := range found {
		list = append(list, m.Path)
	}
	return list
}

func tagged(t testing.TB, x *Index, list ...string) (got []string) {
	t.Helper()
	exprs, err := ParseExprs(list)
	require.NoError(t, err)
	found, err := x.Tagged(t.Context(), exprs, 0)
	require.NoError(t, err)
	for _, m := range found {
		require.Equal(t, m.Path, x.Name(m.ID))
		got = append(got, m.Path)
	}
	return got
}

// model is the same as an Index, in the simplest way.
type model map[string]uint32

// find is Find with regular expressions over all paths.
func (m model) find(pattern string) (list []string) {
	nodes := map[string]bool{}
	for name := range m {
		if strings.Contains(name, ";") {
			continue
		}
		parts := strings.Split(name, ".")
		for i := range parts {
			nodes[strings.Join(parts[:i+1], ".")] = true
		}
	}
	re := regexp.MustCompile("^" + translate(pattern) + "$")
	for path := range nodes {
		if re.MatchString(path) {
			list = append(list, path)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return slices.Compare(strings.Split(a, "."), strings.Split(b, ".")) })
	return list
}

func translate(pattern string) string {
	r := strings.NewReplacer(".**.", `\.(?:[^.]+\.)*`, "**.", `(?:[^.]+\.)*`, ".**", `(?:\.[^.]+)+`, "**", `.*`,
		".", `\.`, "*", "[^.]*", "?", "[^.]", "{", "(?:", "}", ")", ",", "|", "[!", "[^.")
	return r.Replace(pattern)
}

func (m model) tagged(is func(tags map[string]string) bool) (list []string) {
	for name := range m {
		tags := map[string]string{"name": string(Path([]byte(name)))}
		for k, v := range Tags([]byte(name)) {
			tags[string(k)] = string(v)
		}
		if is(tags) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func randomName(r *rand.Rand) string {
	word := func() string {
		words := []string{"a", "b", "ab", "abc", "b1", "b2", "c-d", "é", "x"}
		return words[r.IntN(len(words))]
	}
	parts := make([]string, 1+r.IntN(4))
	for i := range parts {
		parts[i] = word()
	}
	name := strings.Join(parts, ".")
	if r.IntN(3) > 0 {
		return name
	}
	for range 1 + r.IntN(3) {
		name += ";" + string('k'+rune(r.IntN(3))) + "=" + word()
	}
	canonical, _ := AppendCanonical(nil, []byte(name))
	return string(canonical)
}

var (
	modelPatterns = []string{"*", "a", "a.*", "*.*", "a.b*.*", "{a,b}.x", "[a-b]*.?", "*.{a,b{1,2},c*}.*", "**", "a.**", "**.x", "a.**.x", "[!a]*", "*.*.*.*", "a?c", "*b*", "**.b.**.x", "??"}
	modelExprs    = []struct {
		exprs []string
		is    func(tags map[string]string) bool
	}{
		{[]string{"k=a"}, func(t map[string]string) bool { return t["k"] == "a" }},
		{[]string{"k=a", "l!=b"}, func(t map[string]string) bool { return t["k"] == "a" && t["l"] != "b" }},
		{[]string{"k=~a|b", "l="}, func(t map[string]string) bool {
			return t["k"] != "" && strings.ContainsAny(t["k"][:1], "ab") && t["l"] == ""
		}},
		{[]string{"k!=", "l!=~^b"}, func(t map[string]string) bool { return t["k"] != "" && !strings.HasPrefix(t["l"], "b") }},
		{[]string{"name=~a"}, func(t map[string]string) bool { return strings.HasPrefix(t["name"], "a") }},
		{[]string{"name=a.b", "k=~.*"}, func(t map[string]string) bool { return t["name"] == "a.b" }},
		{[]string{"name!=a", "k!=~a.+", "m=~(b|)$"}, nil}, // only negatives
		{[]string{"m!=~$", "k=~(|x)$"}, func(t map[string]string) bool { return t["m"] != "" && (t["k"] == "" || t["k"] == "x") }},
	}
)

func checkModel(t *testing.T, r *rand.Rand, x *Index, m model) {
	t.Helper()
	require.Equal(t, len(m), x.Len())
	for name, id := range m {
		got, ok := x.Get([]byte(name))
		require.True(t, ok, name)
		require.Equal(t, id, got, name)
		require.Equal(t, name, x.Name(id))
	}
	pattern := modelPatterns[r.IntN(len(modelPatterns))]
	require.Equal(t, m.find(pattern), paths(t, x, pattern), pattern)
	leaves, err := x.Expand(t.Context(), pattern, 0)
	require.NoError(t, err)
	for _, l := range leaves {
		require.Equal(t, m[l.Path], l.ID)
	}
	e := modelExprs[r.IntN(len(modelExprs))]
	if e.is == nil {
		exprs, err := ParseExprs(e.exprs)
		require.NoError(t, err)
		_, err = x.Tagged(t.Context(), exprs, 0)
		if e.exprs[0] != "name!=a" {
			require.ErrorIs(t, err, ErrPattern)
		}
		return
	}
	require.Equal(t, m.tagged(e.is), tagged(t, x, e.exprs...), e.exprs)
	checkComplete(t, x, m)
}

func checkComplete(t *testing.T, x *Index, m model) {
	t.Helper()
	counts := map[string]map[string]int{}
	for name := range m {
		for k, v := range Tags([]byte(name)) {
			if counts[string(k)] == nil {
				counts[string(k)] = map[string]int{}
			}
			counts[string(k)][string(v)]++
		}
		if counts["name"] == nil {
			counts["name"] = map[string]int{}
		}
		counts["name"][string(Path([]byte(name)))]++
	}
	keys, err := x.Keys(t.Context(), TagQuery{})
	require.NoError(t, err)
	require.Equal(t, slices.Sorted(maps.Keys(counts)), keys)
	for _, k := range keys {
		values, err := x.Values(t.Context(), k, TagQuery{})
		require.NoError(t, err)
		got := map[string]int{}
		for i, v := range values {
			got[v.Value] = v.Count
			require.True(t, i == 0 || values[i-1].Value < v.Value)
		}
		require.Equal(t, counts[k], got, k)
	}
}

// Whatever is added, removed and renamed: all searches find what a search
// through a plain map finds.
func TestModel(t *testing.T) {
	r := random(t)
	x, m := New(), model{}
	for step := range 6000 {
		name := randomName(r)
		switch id, known := m[name]; {
		case r.IntN(4) > 0 && len(m) < 200 || len(m) == 0:
			got, added, err := x.Add([]byte(name))
			require.NoError(t, err)
			require.Equal(t, !known, added)
			if !known {
				m[name] = got
			}
		case known && r.IntN(2) == 0:
			require.True(t, x.Remove(id))
			delete(m, name)
		case known:
			to := randomName(r)
			_, taken := m[to]
			err := x.Rename(id, []byte(to))
			require.Equal(t, taken, err != nil, "%s -> %s", name, to)
			if !taken {
				delete(m, name)
				m[to] = id
			}
		case r.IntN(2) == 0 && step%50 == 0: // all that start alike
			for name, id := range m {
				if strings.HasPrefix(name, "a") {
					require.True(t, x.Remove(id))
					delete(m, name)
				}
			}
		}
		if step%7 == 0 {
			checkModel(t, r, x, m)
		}
	}
	var all []string
	for id, name := range x.All() {
		require.Equal(t, m[string(name)], id)
		all = append(all, string(name))
	}
	assert.Len(t, all, len(m))
	for _, id := range m {
		require.True(t, x.Remove(id))
	}
	assert.Zero(t, x.Len())
	assert.Empty(t, paths(t, x, "**"))
	keys, err := x.Keys(t.Context(), TagQuery{})
	require.NoError(t, err)
	assert.Empty(t, keys)
}

// Readers beside a writer see only names that were there at some time, and
// those that stay always.
func TestReadersBesideTheWriter(t *testing.T) {
	r := random(t)
	x := New()
	stays := map[string]uint32{}
	for i := range 300 {
		name := fmt.Sprintf("stay.n%d.x%d", i%20, i)
		if i%3 == 0 {
			name += ";k=v" + fmt.Sprint(i%5)
		}
		id, _, err := x.Add([]byte(name))
		require.NoError(t, err)
		stays[name] = id
	}
	plain := 0
	for name := range stays {
		if !strings.Contains(name, ";") {
			plain++
		}
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				readOnce(t, x, stays, plain)
			}
		})
	}
	gone := []uint32{}
	for i := range 20000 {
		name := fmt.Appendf(nil, "stay.n%d.y%d.z%d", r.IntN(20), r.IntN(50), i)
		if i%2 == 0 {
			name = fmt.Appendf(nil, "t%d;k=v%d;l=%d", r.IntN(30), r.IntN(5), i)
		}
		id, _, err := x.Add(name)
		require.NoError(t, err)
		if gone = append(gone, id); len(gone) > 100 {
			at := r.IntN(len(gone))
			if i%10 == 0 {
				require.NoError(t, x.Rename(gone[at], fmt.Appendf(nil, "renamed.n%d;k=v%d", i, i%5)))
				continue
			}
			require.True(t, x.Remove(gone[at]))
			gone = slices.Delete(gone, at, at+1)
		}
	}
	close(done)
	readers.Wait()
	assert.Equal(t, len(stays)+len(gone), x.Len())
}

func readOnce(t *testing.T, x *Index, stays map[string]uint32, plain int) {
	for name, id := range stays {
		got, ok := x.Get([]byte(name))
		if !ok || got != id || x.Name(id) != name {
			t.Errorf("%s is gone", name)
			return
		}
		break
	}
	found, err := x.Expand(context.Background(), "stay.*.x*", 0)
	if err != nil || len(found) != plain {
		t.Errorf("found %d of %d: %v", len(found), plain, err)
	}
	exprs, _ := ParseExprs([]string{"k=~v", "name=~stay"})
	list, err := x.Tagged(context.Background(), exprs, 0)
	if err != nil || len(list) != len(stays)-plain {
		t.Errorf("found %d of %d by tag: %v", len(list), len(stays)-plain, err)
	}
	for _, m := range list {
		if id, ok := stays[m.Path]; !ok || id != m.ID {
			t.Errorf("%s is not what was asked for", m.Path)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	x := filled(t, "servers.web042.cpu.total.user", "a;k=v;l=w")
	raw, buf := []byte("a;l=w;k=v"), make([]byte, 0, MaxLen)
	plain := []byte("servers.web042.cpu.total.user")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		name, _ := AppendCanonical(buf, raw)
		_, ok1 := x.Get(name)
		id, ok2 := x.Get(plain)
		if !ok1 || !ok2 || len(x.AppendName(buf, id)) == 0 {
			panic("not found")
		}
	}))
}
