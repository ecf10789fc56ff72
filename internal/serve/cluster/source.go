package cluster

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// patternsAtOnce is how many patterns the nodes are asked for at the same time.
const patternsAtOnce = 8

// Source returns a source that has what own has, and what the nodes have.
func (n *Nodes) Source(own query.Source) query.Source { return &source{n, own} }

type source struct {
	nodes *Nodes
	own   query.Source
}

// Fetch implements query.Source.
func (s *source) Fetch(ctx context.Context, q query.Fetch) ([][]*query.Series, error) {
	if alone(ctx) || q.From >= q.Until {
		return s.own.Fetch(ctx, q)
	}
	others := make([][]*query.Series, len(q.Patterns))
	count := newCounter(q)
	var own [][]*query.Series
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		own, err = s.own.Fetch(ctx, q)
		return err
	})
	g.Go(func() error {
		return s.fetchOthers(ctx, q, others, count)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range own {
		own[i] = Merge(own[i], others[i])
	}
	return own, nil
}

func (s *source) fetchOthers(ctx context.Context, q query.Fetch, others [][]*query.Series, count *counter) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(patternsAtOnce)
	for i, p := range q.Patterns {
		g.Go(func() error {
			others[i] = s.nodes.fetch(ctx, p, q, count)
			if count.series.Load() < 0 || count.points.Load() < 0 {
				return fmt.Errorf("%w: more than %d series or %d points", query.ErrLimit, q.MaxSeries, q.MaxPoints)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// counter is how much may still come.
type counter struct{ series, points atomic.Int64 }

func newCounter(q query.Fetch) *counter {
	c := &counter{}
	c.series.Store(int64(q.MaxSeries))
	c.points.Store(int64(q.MaxPoints))
	return c
}

// fetch asks the nodes for a pattern.
func (n *Nodes) fetch(ctx context.Context, p query.Pattern, q query.Fetch, count *counter) []*query.Series {
	found := make([][]*query.Series, len(n.list))
	form := url.Values{
		"format": {"raw"}, "noCache": {"1"}, "target": {targetOf(p)},
		"from": {strconv.FormatInt(q.From, 10)}, "until": {strconv.FormatInt(q.Until, 10)}, "now": {strconv.FormatInt(q.Now, 10)},
	}
	n.each(ctx, "/render/", form, func(i int, body io.Reader) (err error) {
		found[i], err = readRaw(body, count)
		return err
	})
	list := slices.Concat(found...)
	for i, s := range list {
		if name, ok := plainName(s.Name, p); ok {
			list[i] = query.NewSeries(name, s.Start, s.End, s.Step, s.Values)
		}
		list[i].PathExpression = p.Text
	}
	return list
}

// targetOf returns what a node is asked for. graphite-web knows no statistic(): it
// has no part in such an answer.
func targetOf(p query.Pattern) string {
	text := p.Text
	if len(p.Exprs) == 0 {
		text = written(text)
	}
	if p.Statistic == "" {
		return text
	}
	return "statistic(" + text + `,"` + p.Statistic + `")`
}

// written returns a path as it stands in a target: with a backslash before what would end it there.
func written(path string) string {
	if !strings.ContainsAny(path, `(),'"|\`) {
		return path
	}
	var out []byte
	within := 0 // braces
	for _, c := range []byte(path) {
		switch {
		case c == '{':
			within++
		case c == '}':
			within--
		case c == ',' && within <= 0, strings.IndexByte(`()'"|\`, c) >= 0:
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

// plainName takes off what a node that was asked for a statistic put around a
// series' name.
func plainName(name string, p query.Pattern) (string, bool) {
	if p.Statistic == "" {
		return name, false
	}
	name, begins := strings.CutPrefix(name, "statistic(")
	name, ends := strings.CutSuffix(name, `,"`+p.Statistic+`")`)
	return name, begins && ends
}

// Merge returns the series of two lists, sorted by name, each name once: of two of
// the same step one has what the other has not; of two steps the finer one stays.
func Merge(own, others []*query.Series) []*query.Series {
	if len(others) == 0 {
		return own
	}
	all := slices.Concat(own, others) // own ones first, whose values count
	slices.SortStableFunc(all, func(a, b *query.Series) int { return strings.Compare(a.Name, b.Name) })
	out := all[:0]
	for _, s := range all {
		if last := len(out) - 1; last >= 0 && out[last].Name == s.Name {
			out[last] = mergeTwo(out[last], s)
			continue
		}
		out = append(out, s)
	}
	return out
}

func mergeTwo(a, b *query.Series) *query.Series {
	switch {
	case a.Step != b.Step || (a.Start-b.Start)%a.Step != 0:
		if b.Step < a.Step {
			return b
		}
		return a
	case a.Start == b.Start && len(a.Values) == len(b.Values) && !slices.ContainsFunc(a.Values, query.IsNull):
		return a
	}
	start := min(a.Start, b.Start)
	end := max(a.Start+int64(len(a.Values))*a.Step, b.Start+int64(len(b.Values))*b.Step)
	values := make([]float64, (end-start)/a.Step)
	for i := range values {
		values[i] = query.Null()
	}
	copy(values[(b.Start-start)/a.Step:], b.Values)
	for i, v := range a.Values {
		if !query.IsNull(v) {
			values[(a.Start-start)/a.Step+int64(i)] = v
		}
	}
	s := a.Copy()
	s.Start, s.End = start, end
	s.Replace(values)
	return s
}
