package functions_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

const docsHead = `# Graphite's functions

What each function of ` + "[`/render`](graphite-api.md#expressions)" + ` computes, and where that is from; ` + "`make golden`" + ` writes this page from the program.
v is a value. Nulls are left out of sums and means, and stay null, where nothing else is said. The link leads to Graphite's own description.
`

// pythons are functions that Graphite's documentation has under the name they have in Python.
var pythons = map[string]string{
	"avg": "averageSeries", "map": "mapSeries", "pct": "asPercent", "reduce": "reduceSeries", "sum": "sumSeries", "log": "logarithm", "round": "roundFunction",
	"upper": "toUpperCase", "lower": "toLowerCase", "time": "timeFunction", "xFilesFactor": "setXFilesFactor", "sin": "sinFunction", "randomWalk": "randomWalkFunction",
}

// TestDocsOfFunctions: docs/functions.md has each function with its formula and
// its source.
func TestDocsOfFunctions(t *testing.T) {
	table := functions.Table()
	byGroup := map[string][]*query.Function{}
	var groups []string
	for _, name := range table.Names() {
		f, _ := table.Get(name)
		assert.Greater(t, len(f.Description), 8, name)
		assert.True(t, strings.HasSuffix(f.Description, "."), name)
		assert.False(t, strings.HasSuffix(f.Source, "."), name)
		if byGroup[f.Group] == nil {
			groups = append(groups, f.Group)
		}
		byGroup[f.Group] = append(byGroup[f.Group], f)
	}
	slices.Sort(groups)
	var b strings.Builder
	b.WriteString(docsHead)
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| call | what it computes | source |\n|---|---|---|\n", group)
		for _, f := range byGroup[group] {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell("`"+f.Usage()+"`"), cell(f.Description), cell(source(f)))
		}
	}
	testutil.Golden(t, "../../../../docs/functions.md", []byte(b.String()))
}

// source tells where a function is from: Graphite, unless it is ours, and what that took it from.
func source(f *query.Function) string {
	if f.Module != "" {
		return f.Source
	}
	link := "[Graphite](https://graphite.readthedocs.io/en/latest/functions.html#graphite.render.functions." + cmp.Or(pythons[f.Name], f.Name) + ")"
	if f.Source == "" {
		return link
	}
	return link + "; " + f.Source
}

// cell keeps a text within its column.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
