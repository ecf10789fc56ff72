package query_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

var seriesParam = []query.Param{{Name: "seriesList", Type: query.SeriesList, Required: true}}

// broken are functions that go wrong.
var broken = []query.Function{
	{Name: "panics", Params: seriesParam, Call: func(*query.Call) ([]*query.Series, error) { panic("oh") }},
	{Name: "panicsInParallel", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		c.Each(c.Series("seriesList"), func(int, *query.Series) { panic("oh") })
		return nil, nil
	}},
	{Name: "eats", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		for {
			c.Make(1 << 16)
		}
	}},
	{Name: "makesLessThanNone", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		c.Make(-1)
		return nil, nil
	}},
	{Name: "nests", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		return c.Again(c.From-60, c.Until)
	}},
	{Name: "takes", Params: []query.Param{{Name: "seriesLists", Type: query.SeriesList, Multiple: true}},
		Call: func(*query.Call) ([]*query.Series, error) { return nil, nil }},
	{Name: "fails", Params: seriesParam, Call: func(*query.Call) ([]*query.Series, error) { return nil, errDisk }},
}

var errDisk = errors.New("disk")

func engine(limits query.Limits) (*query.Engine, *querytest.Memory) {
	source := &querytest.Memory{}
	source.Add("a.x", 0, 60, make([]float64, 100_000)...)
	source.Add("a.y", 0, 60, make([]float64, 100_000)...)
	return query.New(query.Options{Functions: query.NewTable(broken), Source: source, Limits: limits}), source
}

func TestWhatGoesWrongCostsOnlyItsRequest(t *testing.T) {
	e, _ := engine(query.Limits{Bytes: 16 << 20})
	for target, want := range map[string]error{
		"panics(a.x)": query.ErrPanic, "panicsInParallel(a.*)": query.ErrPanic, "eats(a.x)": query.ErrLimit, "makesLessThanNone(a.x)": query.ErrLimit, "fails(a.x)": errDisk,
		strings.Repeat("nests(", 30) + "a.x" + strings.Repeat(")", 30): query.ErrLimit,
	} {
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{target}, Until: 6_000_000})
		assert.ErrorIs(t, err, want, target)
	}
	assert.EqualValues(t, 2, e.Panics())
	got, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"a.x"}, Until: 600})
	require.NoError(t, err)
	assert.Len(t, got, 1)
}

func TestLimits(t *testing.T) {
	for what, limits := range map[string]query.Limits{
		"targets": {Targets: 1}, "series": {Series: 1}, "points": {Points: 15}, "ranges": {Fetches: 1},
	} {
		e, _ := engine(limits)
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"a.*", "nests(a.*)"}, Until: 600})
		assert.ErrorIs(t, err, query.ErrLimit, what)
	}
}

func TestRequestsShareMemory(t *testing.T) {
	e, _ := engine(query.Limits{TotalBytes: 3 << 20})
	tooMuch := func(target string) error {
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{target, "nests(a.x)", "nests(nests(a.*))"}, From: 600, Until: 6_000_000})
		return err
	}
	for _, target := range []string{"eats(a.x)", "a.*"} {
		require.ErrorIs(t, tooMuch(target), query.ErrLimit, target)
		_, done, err := e.Open(t.Context(), query.Request{Targets: []string{"a.x"}, Until: 6_000_000})
		require.NoError(t, err, "what was taken was given back")
		require.ErrorIs(t, tooMuch(target), query.ErrBusy, "%s, while another request uses some of it", target)
		done()
	}
}

// TestWhatTargetsTakeIsPaidFor: a target that named all series a thousand times took 200 bytes for each of them that no limit
// knew of; so did what is parsed, and names that a template makes long.
func TestWhatTargetsTakeIsPaidFor(t *testing.T) {
	e, _ := engine(query.Limits{Bytes: 2 << 20})
	takes := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+",", i)
		}
		return "takes(" + b.String() + "a.x)"
	}
	copies := func(n int) string { return "takes(a.*" + strings.Repeat(",a.*", n) + ")" }
	template := func(n int) string {
		return "template(" + takes(n, "$a.%d") + ",a='" + strings.Repeat("x", 5000) + "')"
	}
	for _, c := range []struct {
		what   string
		target string
		fits   bool
	}{
		{"some copies", copies(1000), true}, {"many copies", copies(3000), false},
		{"some names", takes(3000, "%d.a"), true}, {"many names", takes(8000, "%d.a"), false},
		{"some long names", template(100), true}, {"many long names", template(900), false},
	} {
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{c.target}, Until: 60})
		assert.Equal(t, !c.fits, errors.Is(err, query.ErrLimit), c.what)
		assert.Equal(t, c.fits, err == nil, c.what)
	}
}

func TestSeriesCountUntilTheyAreSent(t *testing.T) {
	e, _ := engine(query.Limits{TotalBytes: 1 << 20})
	all := query.Request{Targets: []string{"a.x"}, Until: 6_000_000}
	list, done, err := e.Open(t.Context(), all)
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = e.Evaluate(t.Context(), all)
	require.ErrorIs(t, err, query.ErrBusy)
	used, most := e.Used()
	assert.InDelta(t, 800_000, used, 2000)
	assert.EqualValues(t, 1<<20, most)
	done()
	_, err = e.Evaluate(t.Context(), all)
	require.NoError(t, err)
	used, _ = e.Used()
	assert.Zero(t, used)
}

func TestEvaluateEndsWithItsContext(t *testing.T) {
	e, _ := engine(query.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Evaluate(ctx, query.Request{Targets: []string{"eats(a.x)"}, Until: 600})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAllPatternsAreReadAtOnceAndOnce(t *testing.T) {
	e, source := engine(query.Limits{})
	_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"nests(a.x)", "a.x", "a.y", " "}, From: 600, Until: 1200})
	require.NoError(t, err)
	require.Len(t, source.Reads, 2)
	assert.Equal(t, []query.Pattern{{Text: "a.x"}, {Text: "a.y"}}, source.Reads[0].Patterns)
	assert.EqualValues(t, 540, source.Reads[1].From)
}

func TestErrorsSayWhatWasAskedFor(t *testing.T) {
	e, _ := engine(query.Limits{})
	_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"fails(a.x, 'it''s', 1.5, true, None, k=inf)"}, Until: 60})
	assert.EqualError(t, err, `Invalid parameters (Too many parameters specified for function "fails"); targets: "fails(a.x, 'it''s', 1.5, true, None, k=inf)"; `+
		`func: "fails([TimeSeries(name=a.x, start=60, end=120, step=60)], "it''s", 1.5, True, None, k=inf)"`)
	for _, target := range []string{")", "  (x", "'s'"} {
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{target}, Until: 60})
		assert.ErrorContains(t, err, "not an expression", target)
	}
}

func TestValuesAreSharedUntilTheyAreWrittenTo(t *testing.T) {
	var seen []*query.Series
	write := query.Function{Name: "write", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		all := c.Series("seriesList")
		seen = append(seen, all...)
		for _, s := range all {
			copied := s.Copy()
			s.Own(c)[0] = 7
			assert.EqualValues(t, 0, copied.Values[0])
			assert.Same(t, &s.Values[0], &s.Own(c)[0], "what is owned is not copied again")
		}
		return all, nil
	}}
	source := &querytest.Memory{}
	source.Add("a", 0, 60, 0, 0, 0)
	e := query.New(query.Options{Functions: query.NewTable([]query.Function{write}), Source: source})
	got, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"a", "write(a)", "a"}, Until: 120})
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 0}, got[0].Values)
	assert.Equal(t, []float64{7, 0}, got[1].Values)
	assert.Equal(t, []float64{0, 0}, got[2].Values)
	assert.Same(t, &got[0].Values[0], &got[2].Values[0])
}

func TestWhatIsNamedOnceIsWrittenInPlace(t *testing.T) {
	var source *querytest.Memory
	write := query.Function{Name: "write", Params: seriesParam, Call: func(c *query.Call) ([]*query.Series, error) {
		all := c.Series("seriesList")
		for _, s := range all {
			before := s.Values
			to := s.Room(c, len(before))
			to[0] = 7
			s.Replace(to)
			assert.Same(t, &s.Values[0], &s.Room(c, 1)[0], "it is its own now")
			assert.NotSame(t, &s.Values[0], &s.Room(c, len(before)+1)[0], "it is too short")
			before[1]++ // seen by all who have it
		}
		return all, nil
	}}
	for _, c := range []struct {
		targets []string
		want    [][]float64
	}{
		{[]string{"write(a)"}, [][]float64{{7, 1}}},
		{[]string{"write(write(a))"}, [][]float64{{7, 2}}},
		{[]string{"write(a)", "a"}, [][]float64{{7, 0}, {0, 1}}},
		{[]string{"write(a)", "write(b)"}, [][]float64{{7, 1}, {7, 1}}},
	} {
		source = &querytest.Memory{}
		source.Add("a", 0, 60, 0, 0, 0)
		source.Add("b", 0, 60, 0, 0, 0)
		got, err := query.New(query.Options{Functions: query.NewTable([]query.Function{write}), Source: source}).Evaluate(t.Context(), query.Request{Targets: c.targets, Until: 120})
		require.NoError(t, err)
		for i, want := range c.want {
			assert.Equal(t, want, got[i].Values, "%d of %q", i, c.targets)
		}
	}
}
