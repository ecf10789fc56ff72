package query

import (
	"fmt"
	"slices"
	"strings"
)

// Function is a row of the table of functions.
type Function struct {
	Name        string
	Group       string // Alias, Calculate, Combine, Filter Data, Filter Series, Graph, Sorting, Special, Transform
	Module      string // "": graphite.render.functions
	Description string // for people; with the formula
	Source      string // where the formula is from; "": Graphite's own documentation of the function
	Signature   string // as Python shows it, "(seriesList, n)"; "": from Params
	Params      []Param
	Aggregator  bool // its name may be given to functions that take one that aggregates, as "sumSeries"
	Rereads     bool // its values are those of Again: of its first argument it looks at the outlines of series only

	// Call computes. Arguments are checked and complete. An error that the asker caused is an
	// *InputError, from Call.Errorf.
	Call func(c *Call) ([]*Series, error)
	// Lists is there instead of Call in functions that return several lists.
	Lists func(c *Call) ([][]*Series, error)
}

// Param is a parameter of a function, in their order.
type Param struct {
	Name        string
	Type        ParamType
	Required    bool
	MayLack     bool     // Required is but what is told: calls without it are answered
	Loose       bool     // Type and Options are but what is told: another argument is taken as it is
	Multiple    bool     // the last one: any number of arguments
	Default     any      // string, float64, int, bool; nil: none
	Options     []string // all that it may be; "True", "False" and "None" are Python's
	Suggestions []any    // for people
}

// ParamType says what an argument must be.
type ParamType string

// The types of graphite-web.
const (
	SeriesList      ParamType = "seriesList"
	SeriesLists     ParamType = "seriesLists" // of a function with Lists
	OneSeries       ParamType = "series"
	Boolean         ParamType = "boolean"
	Date            ParamType = "date"
	Float           ParamType = "float"
	Integer         ParamType = "integer"
	IntOrInf        ParamType = "intOrInf"
	Interval        ParamType = "interval" // "5min", "-1h"
	IntOrInterval   ParamType = "intOrInterval"
	NodeNumber      ParamType = "node"
	NodeOrTag       ParamType = "nodeOrTag"
	String          ParamType = "string"
	TagName         ParamType = "tag"
	Any             ParamType = "any"
	AggFunc         ParamType = "aggFunc"
	AggOrSeriesFunc ParamType = "aggOrSeriesFunc"
)

// Table is the functions by name. It does not change once made.
type Table struct{ byName map[string]*Function }

// NewTable returns a table of functions. It panics when one has no name or nothing to call, or is there twice.
func NewTable(groups ...[]Function) *Table {
	t := &Table{byName: map[string]*Function{}}
	for _, group := range groups {
		for i := range group {
			f := &group[i]
			if f.Name == "" || (f.Call == nil) == (f.Lists == nil) || t.byName[f.Name] != nil {
				panic(fmt.Sprintf("BUG: function %q is incomplete or there twice", f.Name))
			}
			t.byName[f.Name] = f
		}
	}
	return t
}

// Get returns a function by its name.
func (t *Table) Get(name string) (*Function, bool) {
	f, ok := t.byName[name]
	return f, ok
}

// Names returns the names, sorted.
func (t *Table) Names() []string {
	list := make([]string, 0, len(t.byName))
	for name := range t.byName {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Aggregators returns the names of functions that aggregate, sorted.
func (t *Table) Aggregators() []string {
	return slices.DeleteFunc(t.Names(), func(name string) bool { return !t.byName[name].Aggregator })
}

// Documentation is what people are told: what the function computes, and where that is from.
func (f *Function) Documentation() string {
	if f.Source == "" {
		return f.Description
	}
	return f.Description + " Source: " + f.Source + "."
}

// Usage returns the call as Python would declare it: "scale(seriesList, factor)".
func (f *Function) Usage() string {
	if f.Signature != "" {
		return f.Name + f.Signature
	}
	args := make([]string, len(f.Params))
	for i, p := range f.Params {
		switch {
		case p.Multiple:
			args[i] = "*" + p.Name
		case p.Required:
			args[i] = p.Name
		default:
			args[i] = p.Name + "=" + valueOf(p.Default).Repr()
		}
	}
	return f.Name + "(" + strings.Join(args, ", ") + ")"
}

// Options returns all that an argument may be, sorted; nil when that is not said.
func (t *Table) Options(p *Param) []string {
	list := slices.Clone(p.Options)
	switch p.Type {
	case AggOrSeriesFunc:
		list = append(list, t.Aggregators()...)
		fallthrough
	case AggFunc:
		list = append(list, AggNames()...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
