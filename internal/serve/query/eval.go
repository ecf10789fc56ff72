package query

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// evaluation is one request under way. It belongs to one goroutine.
type evaluation struct {
	e       *Engine
	ctx     context.Context
	req     *Request
	xff     float64
	budget  budget
	memo    map[string]any
	fetched map[span]map[patternKey]*reading // by pattern
	series  int                              // that may still be read
	points  int
	depth   int // of ranges within ranges
	agains  int // how often something was evaluated again
}

func newEvaluation(ctx context.Context, e *Engine, req Request) *evaluation {
	l := e.opt.Limits
	ev := &evaluation{e: e, ctx: ctx, req: &req, xff: req.XFilesFactor, memo: map[string]any{},
		fetched: map[span]map[patternKey]*reading{}, series: l.Series, points: l.Points}
	ev.budget.ctx, ev.budget.limit = ctx, l.Bytes
	ev.budget.left.Store(l.Bytes)
	ev.budget.used, ev.budget.total = &e.used, l.TotalBytes
	return ev
}

// evaluate returns the series of all trees. What they need of the source is read at once.
func (ev *evaluation) evaluate(trees []*target.Expr, at span) ([]*Series, error) {
	if n := ev.e.opt.Limits.Targets; len(trees) > n {
		return nil, fmt.Errorf("%w: more than %d targets", ErrLimit, n)
	}
	if err := ev.prefetch(trees, nil, at); err != nil {
		return nil, err
	}
	var all []*Series
	for _, tree := range trees {
		v, err := ev.eval(tree, nil, at)
		if err != nil {
			return nil, err
		}
		if v.Kind != List && (v.Kind != Lists || len(v.Lists) > 0) {
			return nil, &InputError{Message: "the target is no list of series: " + v.Repr()}
		}
		if all = append(all, v.Series...); len(all) > ev.e.opt.Limits.Series {
			return nil, ev.tooManySeries()
		}
	}
	return all, nil
}

// maxRanges bounds how deep functions that look at another range may be in each other, maxAgains how often they do so: one in
// another doubles the work each time.
const (
	maxRanges = 20
	maxAgains = 2000
)

// again evaluates a tree over another range.
func (ev *evaluation) again(tree *target.Expr, repl replacements, at span) ([]*Series, error) {
	if tree == nil {
		return nil, errors.New("BUG: no expression to evaluate again")
	}
	if ev.depth++; ev.depth > maxRanges {
		return nil, fmt.Errorf("%w: more than %d functions over other ranges in each other", ErrLimit, maxRanges)
	}
	defer func() { ev.depth-- }()
	if ev.agains++; ev.agains > maxAgains {
		return nil, fmt.Errorf("%w: more than %d evaluations over other ranges", ErrLimit, maxAgains)
	}
	if err := ev.prefetch([]*target.Expr{tree}, repl, at); err != nil {
		return nil, err
	}
	v, err := ev.eval(tree, repl, at)
	return v.Series, err
}

// eval evaluates a tree.
func (ev *evaluation) eval(t *target.Expr, repl replacements, at span) (Value, error) {
	switch t.Kind {
	case target.Template:
		return ev.eval(t.Args[0], ev.replacements(t), at)
	case target.Path:
		return ev.path(t.Text, repl, at), nil
	case target.Call:
		return ev.evalCall(t, repl, at)
	}
	return literal(t), nil
}

func (ev *evaluation) path(path string, repl replacements, at span) Value {
	path, v, isPath := repl.in(path)
	if !isPath {
		return v
	}
	return ListValue(ev.found(Pattern{Text: path}, at))
}

// outline returns the pattern that the first argument of a call is, if no more than the outlines of its series are needed.
func (ev *evaluation) outline(t *target.Expr, repl replacements) (p Pattern, ok bool) {
	fn, known := ev.e.opt.Functions.Get(t.Text)
	if !known || !fn.Rereads || len(t.Args) == 0 {
		return p, false
	}
	switch first := t.Args[0]; {
	case first.Kind == target.Path:
		p.Text, _, ok = repl.in(first.Text)
	case first.Kind == target.Call && first.Text == "seriesByTag":
		p, ok = tagPattern(first), true
	}
	p.Outline = true
	return p, ok
}

func (ev *evaluation) evalCall(t *target.Expr, repl replacements, at span) (Value, error) {
	switch t.Text {
	case "seriesByTag":
		return ListValue(ev.found(tagPattern(t), at)), nil
	case "statistic":
		return ev.statistic(t, repl, at)
	case "template":
		return Value{}, &InputError{Message: "invalid template() syntax, only string/numeric arguments are allowed"}
	}
	if _, ok := ev.e.opt.Functions.Get(t.Text); !ok {
		return Value{}, &InputError{Message: "Received request for unknown function: " + t.Text}
	}
	args := make([]Value, len(t.Args))
	outline, isOutline := ev.outline(t, repl)
	for i, arg := range t.Args {
		if i == 0 && isOutline {
			args[i] = ListValue(ev.found(outline, at))
			continue
		}
		v, err := ev.eval(arg, repl, at)
		if err != nil {
			return Value{}, err
		}
		args[i] = v
	}
	kwargs, err := ev.keywords(t, repl, at)
	if err != nil {
		return Value{}, err
	}
	var first *target.Expr
	if len(t.Args) > 0 {
		first = t.Args[0]
	}
	return ev.callWith(t.Text, args, kwargs, first, repl, at)
}

// keywords returns the values of a call's keywords: of those of one name the last counts, in the first's place.
func (ev *evaluation) keywords(t *target.Expr, repl replacements, at span) ([]keyword, error) {
	if len(t.Keywords) == 0 {
		return nil, nil
	}
	list, places := make([]keyword, 0, len(t.Keywords)), make(map[string]int, len(t.Keywords))
	for _, kw := range t.Keywords {
		v, err := ev.eval(kw.Value, repl, at)
		if err != nil {
			return nil, err
		}
		i, again := places[kw.Name]
		if !again {
			i, list = len(list), append(list, keyword{name: kw.Name})
			places[kw.Name] = i
		}
		list[i].value = v
	}
	return list, nil
}

// callWith calls, and says in an error of the asker's which call it was.
func (ev *evaluation) callWith(name string, args []Value, kwargs []keyword, first *target.Expr, repl replacements, at span) (Value, error) {
	v, err := ev.call(name, args, kwargs, first, repl, at)
	if in := (*InputError)(nil); errors.As(err, &in) && in.Function == "" {
		in.Function = callText(name, args, kwargs)
	}
	return v, err
}

// call calls a function with arguments.
func (ev *evaluation) call(name string, args []Value, kwargs []keyword, first *target.Expr, repl replacements, at span) (Value, error) {
	if err := ev.ctx.Err(); err != nil {
		return Value{}, err
	}
	fn, ok := ev.e.opt.Functions.Get(name)
	if !ok {
		return Value{}, &InputError{Message: "Received request for unknown function: " + name}
	}
	bound, err := ev.e.opt.Functions.bind(fn, args, kwargs)
	if err != nil {
		return Value{}, err
	}
	c := &Call{From: at.from, Until: at.until, fn: fn, ev: ev, bound: bound, first: first, repl: repl}
	if fn.Lists != nil {
		lists, err := fn.Lists(c)
		return Value{Kind: Lists, Lists: lists}, err
	}
	list, err := fn.Call(c)
	if errors.Is(err, ErrEmpty) {
		return ListValue(nil), nil
	}
	if err == nil {
		err = ev.bounded(list)
	}
	return ListValue(list), err
}

// maxName bounds a series' name, in bytes: as much as a target may have.
const maxName = 1 << 20

// bounded looks at what a function returned. Names are paid for as values are: some functions make longer ones of long ones.
func (ev *evaluation) bounded(list []*Series) error {
	if len(list) > ev.e.opt.Limits.Series {
		return ev.tooManySeries()
	}
	bytes := 0
	for _, s := range list {
		if len(s.Name) > maxName {
			return fmt.Errorf("%w: a name of more than %d bytes", ErrLimit, maxName)
		}
		bytes += len(s.Name)
	}
	ev.budget.take(bytes / 8)
	return nil
}

func (ev *evaluation) tooManySeries() error {
	return fmt.Errorf("%w: more than %d series", ErrLimit, ev.e.opt.Limits.Series)
}

// maxCallText bounds what an error shows of a call's arguments, in bytes; the last one that it shows is whole.
const maxCallText = 4 << 10

// callText shows a call as graphite-web does.
func callText(name string, args []Value, kwargs []keyword) string {
	var parts []string
	size := 0
	show := func(text string) {
		parts = append(parts, text)
		size += len(text)
	}
	for i := 0; i < len(args) && size < maxCallText; i++ {
		show(args[i].Repr())
	}
	for i := 0; i < len(kwargs) && size < maxCallText; i++ {
		show(kwargs[i].name + "=" + kwargs[i].value.Repr())
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

func literal(t *target.Expr) Value {
	switch t.Kind {
	case target.Text:
		return TextValue(t.Text)
	case target.Int:
		return Value{Kind: Int, Number: t.Number}
	case target.Real:
		return Value{Kind: Real, Number: t.Number}
	case target.Bool:
		return boolValue(t.Number != 0)
	}
	return Value{}
}

// replacements are the values of a template's names.
type replacements []keyword

// replacements returns those of a template: what the request says counts more than what the template does.
func (ev *evaluation) replacements(t *target.Expr) replacements {
	var r replacements
	set := func(name string, v Value) {
		for i := range r {
			if r[i].name == name {
				r[i].value = v
				return
			}
		}
		r = append(r, keyword{name, v})
	}
	for _, kw := range t.Keywords {
		set(kw.Name, literal(kw.Value))
	}
	for i, arg := range t.Args[1:] {
		set(strconv.Itoa(i+1), literal(arg))
	}
	for _, name := range sortedKeys(ev.req.Template) {
		set(name, TextValue(ev.req.Template[name]))
	}
	return r
}

var numeral = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`^-?[\d.]+$`) }}

// in returns path with the names in it replaced; a path that is but a name is its value instead.
func (r replacements) in(path string) (string, Value, bool) {
	for _, kw := range r {
		if path != "$"+kw.name {
			path = strings.ReplaceAll(path, "$"+kw.name, kw.value.String())
			continue
		}
		if kw.value.Kind == Text && numeral.Get().MatchString(kw.value.Text) {
			if f, ok := ParsePythonFloat(kw.value.Text); ok {
				return "", Value{Kind: Real, Number: f}, false
			}
		}
		return "", kw.value, false
	}
	return path, Value{}, true
}
