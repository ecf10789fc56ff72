package functions

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func labels() []query.Function {
	return []query.Function{
		{
			Name: "aliasByTags", Group: "Alias", Call: aliasByTags,
			Params:      []query.Param{list, {Name: "tags", Type: query.NodeOrTag, Required: true, Multiple: true}},
			Description: "Calls each series by the values of these tags, or parts of its path, joined with dots.",
		},
		{
			Name: "aliasByMetric", Group: "Alias", Params: []query.Param{list}, Description: "Calls each series by the last part of its path.",
			Call: func(c *query.Call) ([]*query.Series, error) { return cutNames(c.Series("seriesList"), -1, 0), nil },
		},
		{
			Name: "substr", Group: "Special", Params: []query.Param{list, {Name: "start", Type: query.NodeNumber, Default: 0}, {Name: "stop", Type: query.NodeNumber, Default: 0}},
			Description: "Calls each series by the parts start to stop-1 of its path; with stop 0 to the last. Negative ones count from the end.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				return cutNames(c.Series("seriesList"), c.Int("start"), c.Int("stop")), nil
			},
		},
		{
			Name: "aliasQuery", Group: "Alias", Call: aliasQuery,
			Params: []query.Param{list, {Name: "search", Type: query.String, Required: true}, {Name: "replace", Type: query.String, Required: true},
				{Name: "newName", Type: query.String, Required: true}},
			Description: "Calls each series newName with the last value of another in it, where it says %d, %f, %.2f, %g or %s. The other one is found by its name with " +
				"what matches a regular expression replaced, as in aliasSub.",
		},
		{
			Name: "legendValue", Group: "Alias", Call: legendValue,
			Params: []query.Param{list, {Name: "valuesTypes", Type: query.String, Multiple: true, Loose: true, Options: legendValues()}}, Signature: "(seriesList, *valueTypes)",
			Description: "Adds values to the name: average, min, max, last, ... of the series; behind them si or binary for short numbers, as 1.50k.",
		},
		{
			Name: "cactiStyle", Group: "Special", Call: cactiStyle,
			Params:      []query.Param{list, {Name: "system", Type: query.String, Options: []string{"si", "binary"}}, {Name: "units", Type: query.String}},
			Description: "Adds the last, greatest and least value to the name, in columns. system is si or binary for short numbers, units stands behind them.",
		},
	}
}

// legendValues are all that legendValue takes.
func legendValues() []string {
	all := []string{"binary", "si"}
	for _, name := range query.AggNames() {
		all = append(all, name, name+"Series")
	}
	slices.Sort(all)
	return all
}

func aliasByTags(c *query.Call) ([]*query.Series, error) {
	all, nodes := c.Series("seriesList"), c.Nodes("tags")
	for _, s := range all {
		s.Name = query.AggKey(s, nodes)
	}
	return all, nil
}

// cutNames leaves the parts from start to stop of each name's innermost argument, up to a comma.
func cutNames(all []*query.Series, start, stop int) []*query.Series {
	for _, s := range all {
		left, right := strings.LastIndexByte(s.Name, '(')+1, strings.IndexByte(s.Name, ')')
		if right < 0 {
			right = len(s.Name)
		}
		parts := strings.Split(s.Name[left:max(left, right)], ".")
		to := stop
		if stop == 0 {
			to = len(parts)
		}
		parts = sliced(parts, to)
		from := start
		if from < 0 {
			from += len(strings.Split(s.Name[left:max(left, right)], "."))
		}
		parts = parts[min(max(from, 0), len(parts)):]
		s.Name, _, _ = strings.Cut(strings.Join(parts, "."), ",")
	}
	return all
}

// unit is a prefix of units and how many of them it is.
type unit struct {
	prefix string
	size   float64
}

func unitsOf(system string) []unit {
	switch system {
	case "binary":
		return []unit{{"Pi", 1 << 50}, {"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}}
	case "si":
		return []unit{{"P", 1e15}, {"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}}
	}
	return nil
}

// shortened returns a number in the greatest unit that it is not less than, and that unit.
func shortened(v float64, system, units string) (float64, string) {
	prefix, size := "", 1.0
	for _, u := range unitsOf(system) {
		if math.Abs(v) >= u.size {
			prefix, size = u.prefix, u.size
			break
		}
	}
	short := v / size
	if whole := math.Floor(short); v > 1 && short-whole < 1e-11 {
		short = whole
	}
	return short, prefix + units
}

func legendValue(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	var kinds []string
	for _, v := range c.Values("valuesTypes") {
		kinds = append(kinds, v.String())
	}
	if len(kinds) == 0 {
		return nil, c.Errorf("legendValue needs to know which values")
	}
	system := kinds[len(kinds)-1]
	if unitsOf(system) == nil {
		system = ""
	} else {
		kinds = kinds[:len(kinds)-1]
	}
	aggs := make([]*query.Agg, len(kinds)) // nil: there is none
	for i, kind := range kinds {
		if agg, err := query.AggByName(kind); err == nil && !strings.HasSuffix(kind, "Series") {
			aggs[i] = agg
		}
	}
	for _, s := range all {
		s.Name = withLegend(c, s, kinds, aggs, system)
	}
	return all, nil
}

// withLegend returns the name of s with values behind it.
func withLegend(c *query.Call, s *query.Series, kinds []string, aggs []*query.Agg, system string) string {
	name := []byte(s.Name)
	if system != "" && len(kinds) > 0 {
		name = []byte(padded(s.Name, 20))
	}
	for i, kind := range kinds {
		c.Alive()
		text := "(?)"
		if aggs[i] != nil {
			text = legend(aggs[i].Of(s.Points()), system, aggs[i].Whole || s.Whole && !aggs[i].Real)
		}
		if system == "" {
			name = append(name, " ("+kind+": "+text+")"...)
		} else {
			name = append(name, padded(kind, 5)+padded(text, 10)...)
		}
	}
	c.Pay(len(name))
	return string(name)
}

func legend(v float64, system string, whole bool) string {
	switch {
	case query.IsNull(v):
		return "None"
	case system != "":
		short, unit := shortened(v, system, "")
		return strconv.FormatFloat(short, 'f', 2, 64) + unit
	case whole && v == math.Trunc(v): // not the median of 1 and 2
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return query.FormatFloat(v)
}

// padded is text with blanks behind it, width characters at least.
func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

func cactiStyle(c *query.Call) ([]*query.Series, error) {
	all, system, units := c.Series("seriesList"), "", ""
	if c.Has("system") {
		system = c.Text("system")
	}
	if c.Has("units") {
		units = c.Text("units")
	}
	show := func(v float64) string {
		blank := ""
		if units != "" {
			blank = " "
		}
		if system == "" {
			return strconv.FormatFloat(v, 'f', 2, 64) + blank + units
		}
		short, unit := shortened(v, system, units)
		return strconv.FormatFloat(short, 'f', 2, 64) + blank + unit
	}
	columns := []struct {
		title string
		of    func([]float64) float64
		width int
	}{{" Current:", query.Last, 0}, {" Max:", query.Max, 0}, {" Min:", query.Min, 0}}
	longest := 0
	for _, s := range all {
		longest = max(longest, utf8.RuneCountInString(s.Name))
		for i := range columns {
			v := columns[i].of(s.Points())
			if query.IsNull(v) || v == 0 {
				v = 3 // so wide graphite-web's column is then
			}
			columns[i].width = max(columns[i].width, utf8.RuneCountInString(show(math.Trunc(v)+0))+3) // + 0: there is no -0 among whole numbers
		}
	}
	for _, s := range all {
		name := padded(s.Name, longest)
		for _, col := range columns {
			text := "nan"
			if v := col.of(s.Points()); !query.IsNull(v) {
				text = show(v)
			}
			name += col.title + padded(text, col.width)
		}
		s.Name = name + " "
	}
	return all, nil
}

func aliasQuery(c *query.Call) ([]*query.Series, error) {
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
		target := search.sub(s.Name, replace)
		found, err := c.Eval(target, c.From, c.Until)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, c.Errorf("No series found with query: %s", target)
		}
		last := query.Last(found[0].Points())
		if query.IsNull(last) {
			return nil, c.Errorf("Cannot get last value of series: %s", found[0].Name)
		}
		name, ok := formatted(c.Text("newName"), last)
		if !ok {
			return nil, c.Errorf("%s is no format for one number", query.Repr(c.Text("newName")))
		}
		s.Name = name
	}
	return all, nil
}

var directive = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`%(?:%|[-+ 0]*\d{0,3}(?:\.\d{1,3})?[dfegs])`) }}

// formatted puts a number into a format of Python's, which must have one place for it.
func formatted(format string, v float64) (text string, ok bool) {
	places := 0
	text = directive.Get().ReplaceAllStringFunc(format, func(d string) string {
		if d == "%%" {
			return "%"
		}
		places++
		switch d[len(d)-1] {
		case 'd':
			return fmt.Sprintf(d[:len(d)-1]+".0f", math.Trunc(v))
		case 's':
			return fmt.Sprintf(d, query.FormatFloat(v))
		case 'g':
			if d == "%g" {
				return query.FormatG(v)
			}
		}
		return fmt.Sprintf(d, v)
	})
	return text, places == 1 && !strings.Contains(directive.Get().ReplaceAllString(format, ""), "%")
}
