package functions

import (
	"errors"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var nodes = query.Param{Name: "nodes", Type: query.NodeOrTag, Multiple: true}

func grouping() []query.Function {
	return []query.Function{
		{
			Name: "groupByNode", Group: "Combine", Call: groupByNode,
			Params: []query.Param{list, {Name: "nodeNum", Type: query.NodeOrTag, Required: true}, {Name: "callback", Type: query.AggOrSeriesFunc, Loose: true, Default: "average"}},
			Description: "Series that have a part of their path, or a tag, in common become one, which is called by it: callback of their values at each " +
				"time.",
		},
		{
			Name: "groupByNodes", Group: "Combine", Call: groupByNodes,
			Params:      []query.Param{list, {Name: "callback", Type: query.AggOrSeriesFunc, Required: true, Loose: true}, nodes},
			Description: "groupByNode with several parts of the path, or tags; the new names are these, joined with dots.",
		},
		{
			Name: "groupByTags", Group: "Combine", Call: groupByTags,
			Params: []query.Param{list, {Name: "callback", Type: query.AggOrSeriesFunc, Required: true, Loose: true}, {Name: "tags", Type: query.TagName, Required: true, Multiple: true}},
			Description: "Series that have the values of these tags in common become one, callback of their values at each time, with these tags alone. It " +
				"has the name that all series have, or callback's; each its own with the tag name among them.",
		},
		{
			Name: "map", Group: "Combine", Lists: mapSeries,
			Params:      []query.Param{list, {Name: "mapNodes", Type: query.NodeOrTag, Required: true, Multiple: true}},
			Description: "Lists of series that have these parts of their paths, or tags, in common. For reduce.",
		},
		{
			Name: "mapSeries", Group: "Combine", Lists: mapSeries,
			Params:      []query.Param{list, {Name: "mapNodes", Type: query.NodeOrTag, Required: true, Multiple: true}},
			Description: "Lists of series that have these parts of their paths, or tags, in common. For reduceSeries.",
		},
		{
			Name: "reduce", Group: "Combine", Call: reduceSeries, Params: reduceParams,
			Description: "reduceFunction of the series of each list whose part reduceNode is the first, second, ... of reduceMatchers, as its first, " +
				"second, ... argument.",
		},
		{
			Name: "reduceSeries", Group: "Combine", Call: reduceSeries, Params: reduceParams,
			Description: "reduceFunction of the series of each list whose part reduceNode is the first, second, ... of reduceMatchers, as its first, " +
				"second, ... argument.",
		},
		{
			Name: "applyByNode", Group: "Combine", Call: applyByNode,
			Params: []query.Param{list, {Name: "nodeNum", Type: query.NodeNumber, Required: true}, {Name: "templateFunction", Type: query.String, Required: true},
				{Name: "newName", Type: query.String}},
			Description: "Evaluates templateFunction once for each beginning of a path up to part nodeNum, which stands there for %, as it does in newName.",
		},
	}
}

var reduceParams = []query.Param{
	{Name: "seriesLists", Type: query.SeriesLists, Required: true},
	{Name: "reduceFunction", Type: query.String, Required: true},
	{Name: "reduceNode", Type: query.NodeNumber, Required: true},
	{Name: "reduceMatchers", Type: query.String, Required: true, Multiple: true},
}

// seriesGroup is series that have a key in common.
type seriesGroup struct {
	key    string
	series []*query.Series
}

type seriesGroups []seriesGroup

// grouped returns groups in the order of their first series.
func grouped(all []*query.Series, key func(*query.Series) string) seriesGroups {
	var groups seriesGroups
	places := map[string]int{}
	for _, s := range all {
		k := key(s)
		i, ok := places[k]
		if !ok {
			i = len(groups)
			places[k], groups = i, append(groups, seriesGroup{key: k})
		}
		groups[i].series = append(groups[i].series, s)
	}
	return groups
}

// each returns what fn makes of all groups.
func (g seriesGroups) each(fn func(seriesGroup) ([]*query.Series, error)) ([]*query.Series, error) {
	out := make([]*query.Series, 0, len(g))
	for _, one := range g {
		made, err := fn(one)
		if err != nil {
			return nil, err
		}
		out = append(out, made...)
	}
	return out, nil
}

// callback makes one series of each group: by another function of the table, else by what aggregates.
func (g seriesGroups) callback(c *query.Call, name string) ([]*query.Series, error) {
	if how, ok := plainly(name); ok {
		return g.combine(c, how)
	}
	return g.each(func(one seriesGroup) ([]*query.Series, error) {
		made, err := c.Invoke(name, query.ListValue(one.series))
		if err == nil && len(made) == 0 {
			err = c.Errorf("%s makes no series", name)
		}
		if err != nil {
			return nil, err
		}
		return made[:1], nil
	})
}

// combine aggregates each group, several at once.
func (g seriesGroups) combine(c *query.Call, how string) ([]*query.Series, error) {
	out, errs, values := make([]*query.Series, len(g)), make([]error, len(g)), 0
	for _, one := range g {
		for _, s := range one.series {
			values += len(s.Values)
		}
	}
	c.Split(len(g), values, func(from, to int) {
		for i := from; i < to; i++ {
			made, err := combined(c, g[i].series, how, c.XFilesFactor())
			if errs[i] = err; err == nil {
				out[i] = made[0]
			}
		}
	})
	return out, errors.Join(errs...)
}

func groupByNode(c *query.Call) ([]*query.Series, error) {
	return groupBy(c, []query.Node{query.NodeOf(c.Value("nodeNum"))})
}

func groupByNodes(c *query.Call) ([]*query.Series, error) { return groupBy(c, c.Nodes("nodes")) }

func groupBy(c *query.Call, nodes []query.Node) ([]*query.Series, error) {
	groups := grouped(c.Series("seriesList"), func(s *query.Series) string { return query.AggKey(s, nodes) })
	made, err := groups.callback(c, c.Text("callback"))
	if err != nil {
		return nil, err
	}
	for i, s := range made {
		s.Name = groups[i].key
	}
	return made, nil
}

func groupByTags(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	var tags []string
	for _, v := range c.Values("tags") {
		tags = append(tags, v.Text)
	}
	groups := grouped(all, tagKey(all, tags, c.Text("callback")))
	for _, g := range groups {
		for _, tag := range tags {
			if g.series[0].Tags.Get(tag) == "" {
				return nil, c.Errorf("a series has no tag %s", query.Repr(tag))
			}
		}
	}
	made, err := groups.callback(c, c.Text("callback"))
	if err != nil {
		return nil, err
	}
	for i, s := range made {
		key := groups[i].key
		s.Name, s.PathExpression, s.Tags = key, key, query.ParseTags(key)
	}
	return made, nil
}

// tagKey returns what gives series their new names, "name;tag=value".
func tagKey(all []*query.Series, tags []string, callback string) func(*query.Series) string {
	byName := slices.Contains(tags, "name")
	name := callback
	if names := grouped(all, func(s *query.Series) string { return s.Tags.Get("name") }); len(names) == 1 {
		name = names[0].key
	}
	return func(s *query.Series) string {
		var parts []string
		for _, tag := range tags {
			if tag != "name" {
				parts = append(parts, tag+"="+s.Tags.Get(tag))
			}
		}
		slices.Sort(parts)
		if byName {
			return strings.Join(append([]string{s.Tags.Get("name")}, parts...), ";")
		}
		return strings.Join(append([]string{name}, parts...), ";")
	}
}

func mapSeries(c *query.Call) ([][]*query.Series, error) {
	nodes := c.Nodes("mapNodes")
	var out [][]*query.Series
	for _, g := range grouped(c.Series("seriesList"), func(s *query.Series) string { return query.AggKey(s, nodes) }) {
		out = append(out, g.series)
	}
	return out, nil
}

// reduction is the arguments of one call that reduceSeries makes.
type reduction struct {
	name string
	args []*query.Series // nil where nothing matches
}

func reduceSeries(c *query.Call) ([]*query.Series, error) {
	reductions, err := reductionsOf(c)
	if err != nil {
		return nil, err
	}
	var out []*query.Series
	for _, r := range reductions {
		args := make([]query.Value, len(r.args))
		for i, s := range r.args {
			if s == nil {
				return nil, c.Errorf("%s has no series %s", r.name, c.Values("reduceMatchers")[i].Repr())
			}
			args[i] = query.ListValue([]*query.Series{s})
		}
		made, err := c.Invoke(c.Text("reduceFunction"), args...)
		if err != nil {
			return nil, err
		}
		if len(made) == 0 {
			return nil, c.Errorf("%s makes no series", c.Text("reduceFunction"))
		}
		made[0].Name = r.name
		out = append(out, made[0])
	}
	return out, nil
}

func reductionsOf(c *query.Call) (list []*reduction, err error) {
	matchers, byName := c.Values("reduceMatchers"), map[string]*reduction{}
	for _, s := range slices.Concat(c.ListOf("seriesLists")...) {
		parts := strings.Split(s.Name, ".")
		n := c.Int("reduceNode")
		if n < 0 {
			n += len(parts)
		}
		if n < 0 || n >= len(parts) {
			return nil, c.Errorf("%s has no part %d", s.Name, c.Int("reduceNode"))
		}
		i := slices.IndexFunc(matchers, func(v query.Value) bool { return v.Text == parts[n] })
		if i < 0 {
			continue
		}
		name := strings.Join(parts[:n], ".") + ".reduce." + c.Text("reduceFunction")
		r := byName[name]
		if r == nil {
			r = &reduction{name, make([]*query.Series, len(matchers))}
			byName[name], list = r, append(list, r)
		}
		r.args[i] = s
	}
	return list, nil
}

func applyByNode(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	var prefixes []string
	for _, s := range all {
		parts := strings.Split(s.Name, ".")
		prefixes = append(prefixes, strings.Join(sliced(parts, c.Int("nodeNum")+1), "."))
	}
	slices.Sort(prefixes)
	var out []*query.Series
	for _, prefix := range slices.Compact(prefixes) {
		made, err := c.Eval(strings.ReplaceAll(c.Text("templateFunction"), "%", prefix), c.From, c.Until)
		if err != nil {
			return nil, err
		}
		for _, s := range made {
			if c.Has("newName") && c.Text("newName") != "" {
				s.Name = strings.ReplaceAll(c.Text("newName"), "%", prefix)
			}
			last := all[len(all)-1]
			s.PathExpression, s.Start, s.End = prefix, last.Start, last.End
		}
		out = append(out, made...)
	}
	return out, nil
}

// sliced returns the first n of a list, with n < 0 all but so many, as Python's list[:n].
func sliced[T any](list []T, n int) []T {
	if n < 0 {
		n += len(list)
	}
	return list[:max(0, min(n, len(list)))]
}
