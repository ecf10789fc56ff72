package functions_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

func TestCases(t *testing.T) { querytest.Run(t, functions.Table(), "testdata") }

func TestTableIsComplete(t *testing.T) {
	table := functions.Table()
	for _, name := range table.Names() {
		f, _ := table.Get(name)
		assert.NotEmpty(t, f.Group, name)
		assert.NotEmpty(t, f.Description, name)
		for i, p := range f.Params {
			assert.NotEmpty(t, p.Name, name)
			assert.NotEmpty(t, p.Type, "%s %s", name, p.Name)
			assert.True(t, !p.Multiple || i == len(f.Params)-1, "%s: %s is Multiple and not the last", name, p.Name)
		}
	}
}
