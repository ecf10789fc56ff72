package query

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// Call is one call of a function: its arguments and the request around it. Getters take the name of a
// parameter, and panic when the function has none of that name. They are for the goroutine of the call only,
// but for Make.
type Call struct {
	From, Until int64 // the range that is evaluated, Unix seconds; not always the request's
	fn          *Function
	ev          *evaluation
	bound       [][]Value
	first       *target.Expr // the first argument
	repl        replacements
}

// Now returns the time that the request is seen from, Unix seconds.
func (c *Call) Now() int64 { return c.ev.req.Now }

// Zone returns the request's time zone.
func (c *Call) Zone() *time.Location { return c.ev.req.zone() }

// MaxDataPoints returns how many points a series the asker wants to see, 0 when it did not say.
func (c *Call) MaxDataPoints() int { return c.ev.req.MaxDataPoints }

// Context returns the request's context.
func (c *Call) Context() context.Context { return c.ev.ctx }

// XFilesFactor returns what holds where neither a series nor an argument says otherwise.
func (c *Call) XFilesFactor() float64 { return c.ev.xff }

// SetXFilesFactor changes XFilesFactor for what is evaluated later in this request.
func (c *Call) SetXFilesFactor(v float64) { c.ev.xff = v }

// Memo returns what belongs to the request and this key, for functions that go on where their last call ended;
// make makes it at first.
func (c *Call) Memo(key string, make func() any) any {
	v, ok := c.ev.memo[key]
	if !ok {
		v = make()
		c.ev.memo[key] = v
	}
	return v
}

// Make returns n values, all 0, from the request's budget, which pays for a series that has them, too. Beyond that, for less
// than no values, or when the request's context is done, it does not return: the request ends. It may be called concurrently.
func (c *Call) Make(n int) []float64 {
	c.ev.budget.take(n)
	c.ev.budget.take(seriesCost)
	return make([]float64, n)
}

// Alive does not return when the request's context is done: the request ends. It is for what takes long and makes no
// values. It may be called concurrently.
func (c *Call) Alive() { c.ev.budget.alive() }

// Pay takes bytes of the request's budget for a text that may be much longer than what it was made of; as Make it ends the
// request when there are none left, or its context is done. It may be called concurrently.
func (c *Call) Pay(bytes int) { c.ev.budget.take(bytes / 8) }

// MakeNull is Make for values that are all null.
func (c *Call) MakeNull(n int) []float64 {
	v := c.Make(n)
	for i := range v {
		v[i] = Null()
	}
	return v
}

// Errorf returns an *InputError, graphite-web's for what the asker did wrong.
func (c *Call) Errorf(format string, args ...any) error {
	return &InputError{Message: fmt.Sprintf(format, args...)}
}

// Events returns when the events of a range happened: see Options.
func (c *Call) Events(from, until int64, all bool, tags []string) ([]int64, error) {
	if c.ev.e.opt.Events == nil {
		return nil, nil
	}
	return c.ev.e.opt.Events(from, until, all, tags)
}

// Again evaluates the first argument over another range.
func (c *Call) Again(from, until int64) ([]*Series, error) {
	return c.ev.again(c.first, c.repl, span{from, until})
}

// Eval evaluates an expression over a range.
func (c *Call) Eval(expr string, from, until int64) ([]*Series, error) {
	tree, err := target.Parse(expr)
	if err != nil {
		return nil, c.Errorf("%v", err)
	}
	return c.ev.again(tree, nil, span{from, until})
}

// Invoke calls another function of the table with these arguments, as if they stood in a target. Its
// first argument is this call's when it uses Again.
func (c *Call) Invoke(name string, args ...Value) ([]*Series, error) {
	v, err := c.ev.call(name, args, nil, c.first, c.repl, span{c.From, c.Until})
	if err != nil {
		return nil, err
	}
	return v.Series, nil
}

// Value returns an argument as it is: its default when there is none.
func (c *Call) Value(name string) Value {
	for i := range c.fn.Params {
		if p := &c.fn.Params[i]; p.Name == name {
			if len(c.bound[i]) == 0 || c.bound[i][0].Kind == None {
				return valueOf(p.Default)
			}
			return c.bound[i][0]
		}
	}
	panic("BUG: " + c.fn.Name + " has no parameter " + name)
}

// Values returns all arguments of a parameter that is Multiple.
func (c *Call) Values(name string) []Value {
	for i := range c.fn.Params {
		if c.fn.Params[i].Name == name {
			return c.bound[i]
		}
	}
	panic("BUG: " + c.fn.Name + " has no parameter " + name)
}

// Has reports whether an argument has a value: it was given, or has a default.
func (c *Call) Has(name string) bool { return c.Value(name).Kind != None }

// Series returns a list of series.
func (c *Call) Series(name string) []*Series { return c.Value(name).Series }

// AllSeries returns the series of all lists of a parameter that is Multiple.
func (c *Call) AllSeries(name string) []*Series {
	values := c.Values(name)
	if len(values) == 1 {
		return values[0].Series
	}
	var all []*Series
	for _, v := range values {
		all = append(all, v.Series...)
	}
	return all
}

// ListOf returns the lists of an argument that is a list of lists.
func (c *Call) ListOf(name string) [][]*Series { return c.Value(name).Lists }

// Text returns a string.
func (c *Call) Text(name string) string { return c.Value(name).String() }

// Float returns a number, 0 when there is none.
func (c *Call) Float(name string) float64 { return c.Value(name).Number }

// Int returns a number; infinite ones are the greatest there is.
func (c *Call) Int(name string) int {
	switch v := c.Value(name).Number; {
	case v >= math.MaxInt32:
		return math.MaxInt32
	case v <= math.MinInt32:
		return math.MinInt32
	default:
		return int(v)
	}
}

// Bool returns a truth.
func (c *Call) Bool(name string) bool { return c.Value(name).Number != 0 }

// Agg returns the function that aggregates of that name.
func (c *Call) Agg(name string) (*Agg, error) { return AggByName(c.Text(name)) }

// Seconds returns a length of time, "1h" or "-1h".
func (c *Call) Seconds(name string) int64 {
	sec, _ := when.Offset(c.Text(name)) // checked already
	return sec
}

// Nodes returns the arguments of a Multiple NodeOrTag or NodeNumber.
func (c *Call) Nodes(name string) []Node {
	values := c.Values(name)
	list := make([]Node, len(values))
	for i, v := range values {
		list[i] = NodeOf(v)
	}
	return list
}
