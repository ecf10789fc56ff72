package rules

import (
	"errors"
	"math"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/logmetrics/logmetrics/metric"
)

// maxExpression bounds an expression, in nodes.
const maxExpression = 1000

// derive registers the gauge that an expression over the interval's metrics
// gives. A division by zero, and the rate in an interval of unknown length, are
// no value; nothing is sent then.
func derive(d *derivedSpec, names nameTable, rec *metric.Recorder) error {
	name := d.key.value
	if !metric.ValidName(name) {
		return d.src.fault(d.key, 0, "%q cannot be a name: letters, digits, _ - + %% @, parts joined by single dots", name)
	}
	if use, ok := names[name]; ok {
		return d.src.fault(d.key, 0, "%q is the name of a %s", name, use.kind)
	}
	program, err := compileExpression(d.value.value, names)
	if err != nil {
		return d.expressionFault(err)
	}
	rec.Derive(name, metric.Shortest, func(v metric.View) (float64, bool) {
		out, err := expr.Run(program, environment(v, names))
		x, ok := out.(float64)
		return x, ok && err == nil
	})
	return nil
}

func (d *derivedSpec) expressionFault(err error) error {
	var fault *file.Error
	if !errors.As(err, &fault) {
		return d.src.fault(d.value, 0, "derived %s: %s", d.key.value, err)
	}
	at := 0
	for n := range d.value.value {
		if fault.From == 0 {
			break
		}
		fault.From--
		at = n + 1
	}
	return d.src.fault(d.value, at, "derived %s: %s", d.key.value, fault.Message)
}

func compileExpression(text string, names nameTable) (*vm.Program, error) {
	resolve := &resolver{names: names}
	program, err := expr.Compile(text,
		expr.Env(environment(metric.View{}, names)),
		expr.DisableAllBuiltins(), expr.EnableBuiltin("abs"), expr.EnableBuiltin("round"),
		expr.EnableBuiltin("ceil"), expr.EnableBuiltin("floor"),
		expr.MaxNodes(maxExpression), expr.AsFloat64(),
		expr.Patch(dotted{}), expr.Patch(resolve))
	if resolve.fault != nil {
		return nil, resolve.fault
	}
	return program, err
}

// functions are what an expression may call with a metric.
var functions = []string{"metric", "sum", "count", "mean", "min", "max", "last", "rate", "p"}

// environment holds the functions. They take a metric's name: the resolver
// makes a text of each name in the expression.
func environment(v metric.View, names nameTable) map[string]any {
	of := func(fn func(b metric.Bucket) float64) func(string) float64 {
		return func(name string) float64 {
			if b, _ := v.Total(name); b.Count > 0 {
				return fn(b)
			}
			return math.NaN()
		}
	}
	sum := func(name string) float64 { b, _ := v.Total(name); return b.Sum }
	return map[string]any{
		"metric": func(name string) float64 { return plainValue(v, names, name) },
		"sum":    sum,
		"count":  func(name string) float64 { b, _ := v.Total(name); return float64(b.Count) },
		"mean":   of(func(b metric.Bucket) float64 { return b.Mean() }),
		"min":    of(func(b metric.Bucket) float64 { return b.Min }),
		"max":    of(func(b metric.Bucket) float64 { return b.Max }),
		"last":   of(func(b metric.Bucket) float64 { return b.Last }),
		"rate": func(name string) float64 {
			if v.Seconds() <= 0 {
				return math.NaN()
			}
			return sum(name) / v.Seconds()
		},
		"p": func(name string, percent float64) float64 {
			return v.TotalDist(name).Quantile(min(max(percent/100, 0), 1))
		},
	}
}

// plainValue is what a metric's name alone means: a counter's sum, a gauge's
// last level, a timer's mean, a set's number of members.
func plainValue(v metric.View, names nameTable, name string) float64 {
	b, _ := v.Total(name)
	kind, _ := names.find(name)
	switch {
	case kind == metric.Counter || kind == metric.Set:
		return b.Sum
	case b.Count == 0:
		return math.NaN()
	case kind == metric.Timer:
		return b.Mean()
	}
	return b.Last
}

// dotted makes one identifier of a.b.c: metrics' names have dots.
type dotted struct{}

// Visit implements ast.Visitor; inner nodes come first.
func (dotted) Visit(node *ast.Node) {
	m, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	left, isName := m.Node.(*ast.IdentifierNode)
	right, isText := m.Property.(*ast.StringNode)
	if isName && isText {
		start := left.Location()
		*node = &ast.IdentifierNode{Value: left.Value + "." + right.Value}
		(*node).SetLocation(start)
	}
}

// resolver makes metric("a.b") of the name a.b, and count("a.b") of count(a.b).
type resolver struct {
	names nameTable
	fault *file.Error // the first name that no rule records
}

// Visit implements ast.Visitor; a call's arguments come before the call.
func (r *resolver) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if slices.Contains(functions, n.Value) {
			return
		}
		r.check(n.Value, n.Location())
		call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: "metric"}, Arguments: []ast.Node{&ast.StringNode{Value: n.Value}}}
		call.Callee.SetLocation(n.Location())
		call.Arguments[0].SetLocation(n.Location())
		ast.Patch(node, call)
	case *ast.CallNode:
		r.call(n)
	}
}

func (r *resolver) call(n *ast.CallNode) {
	if len(n.Arguments) == 0 {
		return
	}
	if inner, ok := n.Arguments[0].(*ast.CallNode); ok && callee(inner) == "metric" && len(inner.Arguments) == 1 {
		n.Arguments[0] = inner.Arguments[0]
	}
	if name, ok := n.Arguments[0].(*ast.StringNode); ok {
		r.check(name.Value, name.Location())
	}
}

func callee(n *ast.CallNode) string {
	if id, ok := n.Callee.(*ast.IdentifierNode); ok {
		return id.Value
	}
	return ""
}

func (r *resolver) check(name string, at file.Location) {
	if _, ok := r.names.find(name); !ok && r.fault == nil {
		r.fault = &file.Error{Location: at, Message: "no rule records " + name + nearNames(name, r.names.list())}
	}
}
