package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// reading is what was read for a pattern.
type reading struct {
	list []*Series
	uses int // how often it is still to be handed out
}

// prefetch reads what the trees need over a range and was not read before.
func (ev *evaluation) prefetch(trees []*target.Expr, repl replacements, at span) error {
	have := ev.fetched[at]
	if have == nil {
		if len(ev.fetched) >= ev.e.opt.Limits.Fetches {
			return fmt.Errorf("%w: more than %d ranges", ErrLimit, ev.e.opt.Limits.Fetches)
		}
		have = map[patternKey]*reading{}
		ev.fetched[at] = have
	}
	var missing []Pattern
	for _, tree := range trees {
		ev.patterns(tree, repl, func(p Pattern) {
			if have[p.key()] == nil {
				ev.budget.take(len(p.Text) / 8) // a template makes longer ones
				have[p.key()] = &reading{}
				missing = append(missing, p)
			}
			have[p.key()].uses++
		})
	}
	if len(missing) == 0 {
		return nil
	}
	return ev.fetch(missing, have, at)
}

func (ev *evaluation) fetch(missing []Pattern, have map[patternKey]*reading, at span) error {
	left := (ev.budget.total - ev.budget.used.Load()) / 8 // others may take of it meanwhile: hold says
	q := Fetch{Patterns: missing, From: at.from, Until: at.until, Now: ev.req.Now, MaxSeries: ev.series, Want: ev.req.MaxDataPoints, MaxPoints: int(max(min(int64(ev.points), left), 0))}
	lists, err := ev.e.opt.Source.Fetch(ev.ctx, q)
	if err != nil {
		if errors.Is(err, ErrLimit) && left < int64(ev.points) {
			return ev.budget.full()
		}
		return err
	}
	for i, list := range lists {
		ev.series -= len(list)
		for _, s := range list {
			ev.points -= len(s.Values)
			ev.budget.hold(len(s.Values) + seriesCost)
		}
		have[missing[i].key()].list = list
	}
	if ev.series < 0 || ev.points < 0 {
		return fmt.Errorf("%w: more than %d series or %d points", ErrLimit, ev.e.opt.Limits.Series, ev.e.opt.Limits.Points)
	}
	return nil
}

// found returns what was read for a pattern, each time as other series. They share their Values, but for those that the targets name
// only once: these are written in place, and are forgotten here.
func (ev *evaluation) found(p Pattern, at span) []*Series {
	r := ev.fetched[at][p.key()]
	r.uses--
	last := r.uses == 0 && ev.depth == 0 // deeper, the same range is read by functions further out
	if last {
		delete(ev.fetched[at], p.key())
	}
	ev.budget.take(len(r.list) * seriesCost)
	copies := make([]Series, len(r.list))
	out := make([]*Series, len(r.list))
	for i, s := range r.list {
		s.shared = s.shared || !last
		copies[i] = *s
		copies[i].PathExpression = p.Text
		copies[i].XFilesFactor = ev.xff
		out[i] = &copies[i]
	}
	return out
}

// patterns calls fn for each that a tree reads.
func (ev *evaluation) patterns(t *target.Expr, repl replacements, fn func(Pattern)) {
	switch t.Kind {
	case target.Template:
		ev.patterns(t.Args[0], ev.replacements(t), fn)
	case target.Path:
		if path, _, isPath := repl.in(t.Text); isPath {
			fn(Pattern{Text: path})
		}
	case target.Call:
		if t.Text == "seriesByTag" {
			fn(tagPattern(t))
			return
		}
		if t.Text == "statistic" {
			if p, err := statisticPattern(t, repl); err == nil {
				fn(p)
			}
			return
		}
		args := t.Args
		if p, ok := ev.outline(t, repl); ok {
			fn(p)
			args = args[1:]
		}
		for _, arg := range args {
			ev.patterns(arg, repl, fn)
		}
		for _, kw := range t.Keywords {
			ev.patterns(kw.Value, repl, fn)
		}
	}
}

// tagPattern makes a pattern of a call of seriesByTag.
func tagPattern(t *target.Expr) Pattern {
	p := Pattern{Text: t.Raw, Exprs: []string{}}
	for _, arg := range t.Args {
		p.Exprs = append(p.Exprs, literal(arg).Text)
	}
	return p
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
