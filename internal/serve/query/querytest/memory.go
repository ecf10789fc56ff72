// Package querytest tests functions of package query: with series in memory, and
// with cases in text files, so that nobody needs Go to add one.
//
// It promises that its Source answers as whisper does. It is for tests only. Start from Run,
// which tells the language of the cases, and Memory.
package querytest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// Memory is a query.Source of series in memory. The zero value has none.
type Memory struct {
	index  *names.Index
	series map[string]*query.Series
	Reads  []query.Fetch // what was asked, in order
}

// Add puts a series in; its values are at start, start+step, ...
func (m *Memory) Add(name string, start, step int64, values ...float64) {
	if m.index == nil {
		m.index, m.series = names.New(), map[string]*query.Series{}
	}
	canonical, ok := names.AppendCanonical(nil, []byte(name))
	if !ok {
		panic(fmt.Sprintf("not a name: %q", name))
	}
	if _, _, err := m.index.Add(canonical); err != nil {
		panic(err)
	}
	end := start + step*int64(len(values))
	m.series[string(canonical)] = query.NewSeries(string(canonical), start, end, step, values)
}

// Fetch implements query.Source.
func (m *Memory) Fetch(ctx context.Context, q query.Fetch) ([][]*query.Series, error) {
	m.Reads = append(m.Reads, q)
	out := make([][]*query.Series, len(q.Patterns))
	if m.index == nil {
		return out, nil
	}
	for i, p := range q.Patterns {
		found, err := m.find(ctx, p)
		if err != nil {
			return nil, &query.InputError{Message: err.Error()}
		}
		for _, path := range found {
			s := read(m.series[path], q)
			if p.Outline {
				s.Replace(nil) // who looks at them is found out
			}
			out[i] = append(out[i], s)
		}
	}
	return out, nil
}

func (m *Memory) find(ctx context.Context, p query.Pattern) (paths []string, err error) {
	var list []names.Match
	if p.Exprs == nil {
		list, err = m.index.Expand(ctx, p.Text, 0)
	} else {
		var exprs []names.Expr
		if exprs, err = names.ParseExprs(p.Exprs); err == nil {
			list, err = m.index.Tagged(ctx, exprs, 0)
		}
	}
	for _, match := range list {
		paths = append(paths, match.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths), err
}

// read cuts out of a series what whisper would return.
func read(s *query.Series, q query.Fetch) *query.Series {
	start, end := query.Whisper(q.From, q.Until, s.Step)
	var values []float64
	for t := start; t < end; t += s.Step {
		v := query.Null()
		if i := (t - s.Start) / s.Step; t >= s.Start && i < int64(len(s.Values)) {
			v = s.Values[i]
		}
		values = append(values, v)
	}
	out := query.NewSeries(strings.Clone(s.Name), start, end, s.Step, values)
	out.Tags = s.Tags
	return out
}
