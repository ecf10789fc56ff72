package functions

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// letters are the positions of characters, from 0, from the end with negative ones.
var letters = query.Param{Name: "pos", Type: query.Integer, Multiple: true}

func aliases() []query.Function {
	return []query.Function{
		{
			Name: "alias", Group: "Alias", Call: alias,
			Params:      []query.Param{list, {Name: "newName", Type: query.String, Required: true}},
			Description: "Calls all series newName.",
		},
		{
			Name: "aliasByNode", Group: "Alias", Call: aliasByNode,
			Params: []query.Param{list, {Name: "nodes", Type: query.NodeOrTag, Required: true, MayLack: true, Multiple: true}},
			Description: "Calls each series by parts of its path, joined with dots. Parts are counted from 0, from the end with negative numbers; " +
				"a string is the name of a tag.",
		},
		{
			Name: "aliasSub", Group: "Alias", Call: aliasSub,
			Params: []query.Param{list, {Name: "search", Type: query.String, Required: true}, {Name: "replace", Type: query.String, Required: true}},
			Description: `Replaces what matches a regular expression in the name of each series; \1 in the replacement is the first group. ` +
				"Expressions are Go's, which take linear time and have no look-around.",
		},
		{
			Name: "lower", Group: "Alias", Call: recasing(strings.ToLower), Params: []query.Param{list, letters},
			Description: "Writes the name of each series in small letters; with positions only the characters there.",
		},
		{
			Name: "upper", Group: "Alias", Call: recasing(strings.ToUpper), Params: []query.Param{list, letters},
			Description: "Writes the name of each series in capital letters; with positions only the characters there.",
		},
	}
}

func alias(c *query.Call) ([]*query.Series, error) {
	all, name := c.Series("seriesList"), c.Text("newName")
	for _, s := range all {
		s.Name = name
	}
	return all, nil
}

func aliasByNode(c *query.Call) ([]*query.Series, error) {
	all, nodes := c.Series("seriesList"), c.Nodes("nodes")
	for _, s := range all {
		s.Name = query.AggKey(s, nodes)
	}
	return all, nil
}

func aliasSub(c *query.Call) ([]*query.Series, error) {
	search, err := newPattern(c, c.Text("search"))
	if err != nil {
		return nil, err
	}
	replace, err := search.replacement(c, c.Text("replace"))
	if err != nil {
		return nil, err
	}
	all := c.Series("seriesList")
	for _, s := range all {
		s.Name = search.sub(s.Name, replace)
	}
	return all, nil
}

// recasing makes a function that changes the case of names, or of characters at some positions in them.
func recasing(change func(string) string) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) {
		all, positions := c.Series("seriesList"), c.Values("pos")
		for _, s := range all {
			if len(positions) == 0 {
				s.Name = change(s.Name)
				continue
			}
			name := []rune(s.Name)
			for _, v := range positions {
				at := int(v.Number)
				if at < 0 {
					at += len(name)
				}
				if at >= 0 && at < len(name) {
					name[at] = []rune(change(string(name[at])))[0]
				}
			}
			s.Name = string(name)
		}
		return all, nil
	}
}
