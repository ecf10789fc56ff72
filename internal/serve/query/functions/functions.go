// Package functions has Graphite's functions, as rows of a query.Table.
//
// It promises graphite-web's names, tags, steps and nulls for each; formulas are in the descriptions, and in
// docs/functions.md. A file has what belongs to one topic, with its rows at its top; a new file's rows are added in
// Table, and its cases in testdata, in the language that querytest.Run tells. Start from Table.
package functions

import "github.com/logmetrics/logmetrics/internal/serve/query"

// Table returns all functions.
func Table() *query.Table {
	return query.NewTable(aliases(), arithmetic(), behaviour(), changes(), clock(), combine(), deviants(), drawing(), filter(), gaps(),
		grouping(), intervals(), labels(), lines(), moving(), pairs(), percentiles(), percents(), ranking(), shift(), smooth(), special(), transform(), walks())
}

// list is the first parameter of most functions.
var list = query.Param{Name: "seriesList", Type: query.SeriesList, Required: true}

// lists is the only parameter of functions that take any number of lists.
var lists = query.Param{Name: "seriesLists", Type: query.SeriesList, Required: true, Multiple: true}

var xFilesFactor = query.Param{Name: "xFilesFactor", Type: query.Float}

// xff returns the argument xFilesFactor, else what holds for the request.
func xff(c *query.Call) float64 {
	if c.Has("xFilesFactor") {
		return c.Float("xFilesFactor")
	}
	return c.XFilesFactor()
}
