package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// InputError is an error of who asks. Its text is graphite-web's, as far as that says what is wrong.
type InputError struct {
	Message  string
	Targets  []string // of the request
	Function string   // the call, as Python shows it; "": none
}

func (e *InputError) Error() string {
	text := "Invalid parameters (" + e.Message + ")"
	if len(e.Targets) > 0 {
		text += `; targets: "` + strings.Join(e.Targets, ", ") + `"`
	}
	if e.Function != "" {
		text += `; func: "` + e.Function + `"`
	}
	return text
}

func refused(format string, args ...any) error {
	return &InputError{Message: fmt.Sprintf(format, args...)}
}

type keyword struct {
	name  string
	value Value
}

// bind checks arguments against a function's parameters, and returns them by parameter: of one
// that is Multiple all, of another one or none.
func (t *Table) bind(f *Function, args []Value, kwargs []keyword) (bound [][]Value, err error) {
	bound = make([][]Value, len(f.Params))
	last := len(f.Params) - 1
	if len(args)+len(kwargs) > len(f.Params) && (last < 0 || !f.Params[last].Multiple) {
		return nil, refused("Too many parameters specified for function \"%s\"", f.Name)
	}
	for i, arg := range args {
		k := min(i, last)
		v, err := t.check(f, &f.Params[k], arg)
		if err != nil {
			return nil, err
		}
		bound[k] = append(bound[k], v)
	}
	if err := t.bindKeywords(f, bound, len(args), kwargs); err != nil {
		return nil, err
	}
	for k, p := range f.Params {
		if p.Required && !p.MayLack && len(bound[k]) == 0 && (!p.Multiple || p.Type != SeriesList) { // no lists at all are no series
			return nil, refused("Missing required parameter \"%s\" for function \"%s\"", p.Name, f.Name)
		}
	}
	return bound, nil
}

func (t *Table) bindKeywords(f *Function, bound [][]Value, positional int, kwargs []keyword) error {
	var unexpected []string
	for _, kw := range kwargs {
		k := slices.IndexFunc(f.Params, func(p Param) bool { return p.Name == kw.name })
		if k < positional {
			unexpected = append(unexpected, kw.name)
			continue
		}
		v, err := t.check(f, &f.Params[k], kw.value)
		if err != nil {
			return err
		}
		bound[k] = []Value{v}
	}
	if unexpected != nil {
		return refused("Unexpected key word arguments: %s", strings.Join(unexpected, ", "))
	}
	return nil
}

// check returns the value as the parameter's type has it.
func (t *Table) check(f *Function, p *Param, v Value) (Value, error) {
	if v.Kind == None && (p.Default != nil || !p.Required) {
		return v, nil
	}
	if len(p.Options) > 0 && !p.Loose && !slices.Contains(p.Options, v.String()) {
		return v, refused("Invalid option specified for function \"%s\" parameter \"%s\": %s", f.Name, p.Name, v.Repr())
	}
	out, ok := t.convert(p.Type, v)
	switch {
	case !ok && p.Loose:
		return v, nil
	case !ok:
		return v, refused("Invalid \"%s\" value specified for function \"%s\" parameter \"%s\": %s", p.Type, f.Name, p.Name, v.Repr())
	}
	return out, nil
}

func (t *Table) convert(p ParamType, v Value) (Value, bool) {
	switch p {
	case SeriesList, OneSeries:
		return v, v.Kind == List
	case SeriesLists:
		return v, v.Kind == Lists || v.Kind == List && len(v.Series) == 0
	case Boolean:
		return toBool(v)
	case Float:
		return toFloat(v)
	case Integer, NodeNumber:
		return toInt(v)
	case IntOrInf:
		if i, ok := toInt(v); ok {
			return i, true
		}
		f, ok := toFloat(v)
		return f, ok && f.Number > maxFloat
	case Interval:
		_, err := when.Offset(v.Text)
		return v, v.Kind == Text && err == nil
	case IntOrInterval:
		return toWindow(v)
	case NodeOrTag:
		return v, v.Kind == Text || v.Kind == Int || v.Kind == Real
	case AggFunc:
		_, err := AggByName(v.Text)
		return v, v.Kind == Text && err == nil
	case AggOrSeriesFunc:
		return v, v.Kind == Text && t.aggregates(v.Text)
	case String, TagName:
		return TextValue(v.String()), v.Kind != List && v.Kind != Lists
	}
	return v, true // Any, Date
}

const maxFloat = 1.7976931348623157e308

// toWindow accepts a number of points, or a length of time.
func toWindow(v Value) (Value, bool) {
	if v.Kind == Text {
		_, err := when.Offset(v.Text)
		return v, err == nil
	}
	if v.Kind != Int && v.Kind != Real && v.Kind != Bool {
		return v, false
	}
	return v, v.Number == v.Number && v.Number < maxFloat && v.Number > -maxFloat
}

func (t *Table) aggregates(name string) bool {
	if f, ok := t.Get(name); ok && f.Aggregator {
		return true
	}
	_, err := AggByName(name)
	return err == nil
}

func toBool(v Value) (Value, bool) {
	switch v.Kind {
	case Text:
		lower := strings.ToLower(v.Text)
		return boolValue(lower == "true"), lower == "true" || lower == "false"
	case Int, Real:
		return boolValue(v.Number != 0), v.Number == 0 || v.Number == 1
	case Bool:
		return v, true
	case List:
		return boolValue(len(v.Series) > 0), true
	}
	return boolValue(false), v.Kind == None
}

func toFloat(v Value) (Value, bool) {
	switch v.Kind {
	case Text:
		f, ok := ParsePythonFloat(v.Text)
		return Value{Kind: Real, Number: f}, ok
	case Int, Real, Bool:
		return Value{Kind: Real, Number: v.Number}, true
	}
	return v, false
}

func toInt(v Value) (Value, bool) {
	switch v.Kind {
	case Text:
		i, err := strconv.ParseInt(strings.TrimSpace(v.Text), 10, 53)
		return Value{Kind: Int, Number: float64(i)}, err == nil
	case Int, Bool:
		return Value{Kind: Int, Number: v.Number}, whole(v.Number)
	}
	return v, false
}
