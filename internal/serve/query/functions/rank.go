package functions

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var (
	howMany = query.Param{Name: "n", Type: query.Integer, Required: true}
	byFunc  = query.Param{Name: "func", Type: query.AggFunc, Default: "average"}
)

func ranking() []query.Function {
	return []query.Function{
		{
			Name: "highest", Group: "Filter Series", Call: ranked(true), Params: []query.Param{list, ranks, byFunc}, Signature: "(seriesList, n=1, func='average')",
			Description: "The n series of which func of all values is greatest, from the greatest on. Null is under all numbers.",
		},
		{
			Name: "lowest", Group: "Filter Series", Call: ranked(false), Params: []query.Param{list, ranks, byFunc}, Signature: "(seriesList, n=1, func='average')",
			Description: "The n series of which func of all values is least, from the least on. Null is under all numbers.",
		},
		rankedBy("highestAverage", "average", true), rankedBy("highestCurrent", "current", true), rankedBy("highestMax", "max", true),
		rankedBy("lowestAverage", "average", false), rankedBy("lowestCurrent", "current", false),
		{
			Name: "limit", Group: "Filter Series", Call: limit, Params: []query.Param{list, howMany},
			Description: "The first n series.",
		},
		{
			Name: "sortBy", Group: "Sorting", Call: sortBy,
			Params:      []query.Param{list, byFunc, {Name: "reverse", Type: query.Boolean, Default: false}},
			Description: "The series by func of all values, rising, or with reverse falling. Null is under all numbers.",
		},
		{
			Name: "sortByTotal", Group: "Sorting", Params: []query.Param{list}, Description: "The series by the sum of their values, falling.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				return sorted(c, c.Series("seriesList"), query.Sum, true), nil
			},
		},
		{
			Name: "sortByMaxima", Group: "Sorting", Params: []query.Param{list}, Description: "The series by their greatest value, falling.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				return sorted(c, c.Series("seriesList"), query.Max, true), nil
			},
		},
		{
			Name: "sortByMinima", Group: "Sorting", Call: sortByMinima, Params: []query.Param{list},
			Description: "The series that have a value over 0, by their least value, rising.",
		},
		{
			Name: "sortByName", Group: "Sorting", Call: sortByName,
			Params:      []query.Param{list, {Name: "natural", Type: query.Boolean, Default: false}, {Name: "reverse", Type: query.Boolean, Default: false}},
			Description: "The series by name. With natural, digits in names are numbers: web2 comes before web10.",
		},
	}
}

// ranks is howMany as highest and lowest have it, with a default that graphite-web's declaration does not tell.
var ranks = query.Param{Name: "n", Type: query.Integer, Required: true, MayLack: true}

// ranked makes a function that says how many, and by what.
func ranked(highest bool) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) {
		agg, err := c.Agg("func")
		if err != nil {
			return nil, err
		}
		n := 1
		if c.Has("n") {
			n = c.Int("n")
		}
		return sliced(sorted(c, c.Series("seriesList"), agg.Of, highest), n), nil
	}
}

func rankedBy(name, how string, highest bool) query.Function {
	end := "least"
	if highest {
		end = "greatest"
	}
	return query.Function{Name: name, Group: "Filter Series", Params: []query.Param{list, howMany},
		Description: "The n series whose " + how + " of all values is " + end + ", from the " + end + " on.",
		Call: func(c *query.Call) ([]*query.Series, error) {
			agg, err := query.AggByName(how)
			if err != nil {
				return nil, err
			}
			return sliced(sorted(c, c.Series("seriesList"), agg.Of, highest), c.Int("n")), nil
		}}
}

func limit(c *query.Call) ([]*query.Series, error) {
	return sliced(c.Series("seriesList"), c.Int("n")), nil
}

func sortBy(c *query.Call) ([]*query.Series, error) {
	agg, err := c.Agg("func")
	if err != nil {
		return nil, err
	}
	return sorted(c, c.Series("seriesList"), agg.Of, c.Bool("reverse")), nil
}

func sortByMinima(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	greatest := aggregates(c, all, query.Max)
	var out []*query.Series
	for i, s := range all {
		if greatest[i] > 0 {
			out = append(out, s)
		}
	}
	return sorted(c, out, query.Min, false), nil
}

// sorted returns series by fn of their values, those of which it is the same in their order.
func sorted(c *query.Call, all []*query.Series, fn func([]float64) float64, falling bool) []*query.Series {
	values := aggregates(c, all, fn)
	for i, v := range values {
		if query.IsNull(v) {
			values[i] = math.Inf(-1)
		}
	}
	return inOrder(all, falling, func(a, b int) bool { return values[a] < values[b] })
}

// inOrder returns series in an order of their places, those that are the same in their order.
func inOrder(all []*query.Series, falling bool, less func(a, b int) bool) []*query.Series {
	places := make([]int, len(all))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		if falling {
			a, b = b, a
		}
		switch {
		case less(a, b):
			return -1
		case less(b, a):
			return 1
		}
		return 0
	})
	out := make([]*query.Series, len(all))
	for i, p := range places {
		out[i] = all[p]
	}
	return out
}

var digits = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`\d+`) }}

func sortByName(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	keys := make([]string, len(all))
	for i, s := range all {
		c.Alive()
		keys[i] = s.Name
		if c.Bool("natural") {
			keys[i] = digits.Get().ReplaceAllStringFunc(s.Name, tenDigits)
		}
	}
	return inOrder(all, c.Bool("reverse"), func(a, b int) bool { return keys[a] < keys[b] }), nil
}

// tenDigits returns a number with so many zeros in front that ten of them are in order as texts.
func tenDigits(number string) string {
	number = strings.TrimLeft(number, "0")
	return strings.Repeat("0", max(0, 10-len(number))) + number
}
