package functions

import (
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var filter = []query.Function{
	{
		Name: "grep", Group: "Filter Series", Call: matching(true),
		Params:      []query.Param{list, {Name: "pattern", Type: query.String, Required: true}},
		Description: "The series in whose name a regular expression matches.",
	},
	{
		Name: "exclude", Group: "Filter Series", Call: matching(false),
		Params:      []query.Param{list, {Name: "pattern", Type: query.String, Required: true}},
		Description: "The series in whose name a regular expression does not match.",
	},
}

func matching(keep bool) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) {
		p, err := newPattern(c, c.Text("pattern"))
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(c.Series("seriesList"), func(s *query.Series) bool { return p.search(s.Name) != keep }), nil
	}
}
