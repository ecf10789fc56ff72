package functions

import (
	"cmp"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var percentParams = []query.Param{list, {Name: "total", Type: query.Any}, nodes}

func percents() []query.Function {
	return []query.Function{
		{Name: "asPercent", Group: "Combine", Call: asPercent, Aggregator: true, Params: percentParams, Description: percentDescription},
		{Name: "pct", Group: "Combine", Call: asPercent, Aggregator: true, Params: percentParams, Description: percentDescription},
	}
}

const percentDescription = "100 * value / total. total is a number, one series, as many series as there are in the list (by their names in order), or, " +
	"without it, the sum of all series at each time. With nodes each series is seen with those that have these parts of their path, or tags, in common."

func asPercent(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	grid, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	total := c.Value("total")
	if len(c.Values("nodes")) > 0 {
		return percentByNodes(c, all, total, grid)
	}
	switch total.Kind {
	case query.None:
		sum := c.Aggregate(all, sumOf(), 0)
		return percentOf(c, all, sum, "sumSeries("+query.PathExpressions(all)+")"), nil
	case query.List:
		return percentOfSeries(c, all, total.Series)
	case query.Int, query.Real:
		values := c.Make(len(all[0].Values)) // not its points: graphite-web fills up with nulls where steps differ
		for i := range values {
			values[i] = total.Number
		}
		return percentOf(c, all, values, total.String()), nil
	}
	return nil, c.Errorf("total is neither a number nor series: %s", total.Repr())
}

func percentOfSeries(c *query.Call, all, total []*query.Series) ([]*query.Series, error) {
	switch len(total) {
	case len(all):
		byName := func(a, b *query.Series) int { return cmp.Compare(a.Name, b.Name) }
		all, total = slices.Clone(all), slices.Clone(total)
		slices.SortStableFunc(all, byName)
		slices.SortStableFunc(total, byName)
		out := make([]*query.Series, len(all))
		for i, s := range all {
			var err error
			if out[i], err = percentOfOne(c, s, total[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case 1:
		if _, err := query.Normalize(append(slices.Clone(all), total[0])); err != nil {
			return nil, err
		}
		return percentOf(c, all, total[0].Points(), total[0].Name), nil
	}
	return nil, c.Errorf("asPercent second argument must be missing, a single digit, reference exactly 1 series or reference the same number of series as the " +
		"first argument")
}

func percentOfOne(c *query.Call, s, total *query.Series) (*query.Series, error) {
	return quotientOf(c, "asPercent("+s.Name+","+total.Name+")", s, total, 100)
}

// percentOf returns series in percent of the same values.
func percentOf(c *query.Call, all []*query.Series, total []float64, text string) []*query.Series {
	return c.Map(all, func(s *query.Series) *query.Series {
		points := s.Points()
		to := s.Room(c, max(len(points), len(total)))
		out := query.NewSeries("asPercent("+s.Name+","+text+")", s.Start, s.End, s.Step, quotients(to, points, total, 100))
		out.XFilesFactor = c.XFilesFactor()
		return out
	})
}

// percentByNodes returns each series in percent of the total that has its nodes. A total without series, and series without a total,
// are there with nulls.
func percentByNodes(c *query.Call, all []*query.Series, total query.Value, grid query.Grid) ([]*query.Series, error) {
	nodes := c.Nodes("nodes")
	key := func(s *query.Series) string { return query.AggKey(s, nodes) }
	groups := grouped(all, key)
	var totalGroups seriesGroups
	switch total.Kind {
	case query.None:
		totalGroups = groups
	case query.List:
		totalGroups = grouped(total.Series, key)
	default:
		return nil, c.Errorf("total must be None or a seriesList")
	}
	totals := map[string]*query.Series{}
	for _, g := range totalGroups {
		var err error
		if totals[g.key], err = totalOf(c, g.series, &grid); err != nil {
			return nil, err
		}
	}
	parts := map[string][]*query.Series{}
	for _, g := range groups {
		parts[g.key] = g.series
	}
	for _, g := range totalGroups {
		if _, ok := parts[g.key]; !ok {
			groups = append(groups, seriesGroup{key: g.key})
		}
	}
	return groups.each(func(g seriesGroup) ([]*query.Series, error) { return percentOfGroup(c, g, totals[g.key], &grid) })
}

// totalOf returns the sum of series, of one that itself; grid becomes the sum's.
func totalOf(c *query.Call, all []*query.Series, grid *query.Grid) (*query.Series, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	g, err := query.Normalize(all)
	if err != nil {
		return nil, err
	}
	*grid = g
	s := query.NewSeries("sumSeries("+query.PathExpressions(all)+")", g.Start, g.End, g.Step, c.Aggregate(all, sumOf(), 0))
	s.XFilesFactor = c.XFilesFactor()
	return s, nil
}

// percentOfGroup returns the series of a group in percent of a total; what lacks its counterpart is null, on the grid of what was
// looked at before it.
func percentOfGroup(c *query.Call, g seriesGroup, total *query.Series, grid *query.Grid) ([]*query.Series, error) {
	missing := func(name string, points int) *query.Series {
		s := query.NewSeries(name, grid.Start, grid.End, grid.Step, c.MakeNull(points))
		s.XFilesFactor = c.XFilesFactor()
		return s
	}
	if len(g.series) == 0 {
		return []*query.Series{missing("asPercent(MISSING,"+total.Name+")", len(total.Points()))}, nil
	}
	out := make([]*query.Series, len(g.series))
	for i, s := range g.series {
		if total == nil {
			out[i] = missing("asPercent("+s.Name+",MISSING)", len(s.Points()))
			continue
		}
		made, err := percentOfOne(c, s, total)
		if err != nil {
			return nil, err
		}
		out[i], *grid = made, query.Grid{Start: made.Start, End: made.End, Step: made.Step}
	}
	return out, nil
}

// sumOf returns what adds values up.
func sumOf() *query.Agg {
	agg, err := query.AggByName("sum")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return agg
}
