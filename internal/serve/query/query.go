// Package query evaluates Graphite's expressions over series.
//
// It promises graphite-web's answers: names, tags, steps, nulls and the order of
// additions; that a request stays within its Limits of series, points, memory and
// time, and ends with its context; and that a function that panics costs that request
// alone. It knows neither HTTP nor formats, and has no functions of its own: those
// are in package functions, as a Table. Start from Engine.
//
// A request goes through
//
//	targets ──target.Parse──▶ trees ──Source.Fetch, all patterns at once──▶ series ──Function.Call, from the leaves──▶ series
//
// A Function gets a Call: its arguments, checked against its Params, and the request. The
// series in them are its own to change and to return; their Values may be shared (see Series).
package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// Errors that callers branch on, beside *InputError and the context's.
var (
	// ErrLimit means that the request asks for more than its Limits.
	ErrLimit = errors.New("query over the limit")
	// ErrPanic means that a function broke; it is logged and counted.
	ErrPanic = errors.New("internal error")
	// ErrBusy means that other requests use the memory that this one needs: it may come again.
	ErrBusy = errors.New("the memory for queries is in use")
)

// Engine evaluates requests. Its methods may be called concurrently.
type Engine struct {
	opt    Options
	panics atomic.Int64
	used   atomic.Int64 // bytes of values, series and names, of all requests that are under way
}

// Options configure an Engine.
type Options struct {
	Functions *Table // required
	Source    Source // required
	Limits    Limits
	Log       *slog.Logger // nil: none

	// Events returns when events happened, Unix seconds, from and until included: all, or those with tags, of which
	// such as no event has do not count. nil: there are none.
	Events func(from, until int64, all bool, tags []string) ([]int64, error)
}

// New returns an engine.
func New(opt Options) *Engine {
	opt.Limits = opt.Limits.withDefaults()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{opt: opt}
}

// Functions returns the table that the engine calls.
func (e *Engine) Functions() *Table { return e.opt.Functions }

// Used returns how many bytes of values, series and names requests use, and how many they may.
func (e *Engine) Used() (bytes, most int64) { return e.used.Load(), e.opt.Limits.TotalBytes }

// Panics returns how many requests ended with ErrPanic.
func (e *Engine) Panics() int64 { return e.panics.Load() }

// Evaluate returns the series of all targets in their order. The error wraps an
// *InputError, ErrLimit, ErrPanic, the context's, or is the Source's. What it
// returns belongs to the caller, but for the Values, which must not be changed.
func (e *Engine) Evaluate(ctx context.Context, req Request) ([]*Series, error) {
	list, done, err := e.Open(ctx, req)
	done()
	return list, err
}

// Open is Evaluate for who needs the series a while, to send them to a slow client: until
// done is called their memory counts as in use. done is never nil.
func (e *Engine) Open(ctx context.Context, req Request) (list []*Series, done func(), err error) {
	ev := newEvaluation(ctx, e, req)
	defer func() {
		if r := recover(); r != nil {
			list, err = nil, e.recovered(r, req)
		}
	}()
	done = ev.budget.giveBack
	trees, err := ev.parse(req.Targets)
	if err != nil {
		return nil, done, err
	}
	list, err = ev.evaluate(trees, span{req.From, req.Until})
	if in := (*InputError)(nil); errors.As(err, &in) {
		in.Targets = req.Targets
	}
	return list, done, err
}

// recovered makes an error of what a function panicked with: an exceeded budget, or a bug.
func (e *Engine) recovered(r any, req Request) error {
	if over, ok := r.(overLimit); ok {
		return over.err
	}
	e.panics.Add(1)
	e.opt.Log.Error("a query broke", "err", fmt.Sprint(r), "targets", cut(fmt.Sprintf("%q", req.Targets)), "stack", string(debug.Stack()))
	return ErrPanic
}

// exprCost is what a part of a target takes, in values: an expression, an argument, and a parameter's value.
const exprCost = 40

// parts returns how many expressions there are in a target, or more.
func parts(text string) int {
	return 1 + strings.Count(text, ",") + strings.Count(text, "(") + strings.Count(text, "|")
}

func (ev *evaluation) parse(targets []string) ([]*target.Expr, error) {
	var trees []*target.Expr
	for _, t := range targets {
		if target.Blank(t) {
			continue
		}
		ev.budget.take(exprCost * parts(t))
		tree, err := target.Parse(t)
		if err != nil {
			return nil, &InputError{Message: err.Error(), Targets: targets}
		}
		trees = append(trees, tree)
	}
	return trees, nil
}

// cut bounds what of a request is logged.
func cut(s string) string { return s[:min(len(s), 200)] }
