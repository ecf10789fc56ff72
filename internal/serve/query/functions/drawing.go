package functions

import (
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

var (
	label = query.Param{Name: "label", Type: query.String}
	tint  = query.Param{Name: "color", Type: query.String}
)

func drawing() []query.Function {
	return []query.Function{
		drawn("alpha", query.Param{Name: "alpha", Type: query.Float, Required: true}, "How opaque series are drawn, from 0 to 1.",
			func(c *query.Call, d *query.Drawing) { d.Alpha, d.HasAlpha = c.Float("alpha"), true }),
		drawn("color", query.Param{Name: "theColor", Type: query.String, Required: true, Loose: true}, "The colour of series, a name or #rrggbb.",
			func(c *query.Call, d *query.Drawing) {
				if v := c.Value("theColor"); v.Kind == query.Text {
					d.Color = v.Text
				}
			}),
		drawn("lineWidth", query.Param{Name: "width", Type: query.Float, Required: true}, "How wide the lines of series are.",
			func(c *query.Call, d *query.Drawing) { d.LineWidth = c.Float("width") }),
		{
			Name: "dashed", Group: "Graph", Params: []query.Param{list, {Name: "dashLength", Type: query.Integer, Loose: true, Default: 5}}, Description: "Series as dashed lines.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				n := c.Float("dashLength")
				if !isNumber(c.Value("dashLength")) {
					return nil, c.Errorf("dashLength must be a number")
				}
				return drawnAs(c, "dashed", c.Text("dashLength"), ", "+query.FormatG(n), func(d *query.Drawing) { d.Dashed = n }), nil
			},
		},
		{
			Name: "drawAsInfinite", Group: "Graph", Params: []query.Param{list}, Description: "A vertical line wherever a value is not 0.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				return drawnAs(c, "drawAsInfinite", "1", "", func(d *query.Drawing) { d.Infinite = true }), nil
			},
		},
		{
			Name: "secondYAxis", Group: "Graph", Params: []query.Param{list}, Description: "Series by the axis on the right.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				return drawnAs(c, "secondYAxis", "1", "", func(d *query.Drawing) { d.SecondYAxis = true }), nil
			},
		},
		{
			Name: "stacked", Group: "Graph", Call: stacked, Signature: "(seriesLists, stackName='__DEFAULT__')",
			Params:      []query.Param{list, {Name: "stack", Type: query.String}},
			Description: "Each series on top of those before it in the same stack: their sums.",
		},
		{
			Name: "areaBetween", Group: "Graph", Call: areaBetween, Params: []query.Param{list},
			Description: "The area between two series.",
		},
		{
			Name: "threshold", Group: "Graph", Call: thresholdLine, Params: []query.Param{{Name: "value", Type: query.Float, Required: true}, label, tint},
			Description: "A line at value, with a label and a colour.",
		},
		{
			Name: "verticalLine", Group: "Graph", Call: verticalLine, Params: []query.Param{{Name: "ts", Type: query.Date, Required: true}, label, tint},
			Description: "A vertical line at a time, with a label and a colour.",
		},
	}
}

// drawn makes a function with one parameter that says only how series are drawn.
func drawn(name string, param query.Param, description string, set func(*query.Call, *query.Drawing)) query.Function {
	return query.Function{Name: name, Group: "Graph", Params: []query.Param{list, param}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) {
			all := c.Series("seriesList")
			for _, s := range all {
				set(c, &s.Drawing)
			}
			return all, nil
		}}
}

// drawnAs says how series are drawn, and names them by it.
func drawnAs(c *query.Call, name, tag, arguments string, set func(*query.Drawing)) []*query.Series {
	all := c.Series("seriesList")
	for _, s := range all {
		set(&s.Drawing)
		s.Tags = s.Tags.With(name, tag)
		s.Name = name + "(" + s.Name + arguments + ")"
	}
	return all
}

func stacked(c *query.Call) ([]*query.Series, error) {
	const unnamed = "__DEFAULT__"
	stack := unnamed
	if c.Has("stack") {
		stack = c.Text("stack")
	}
	total := c.Memo("stacked "+stack, func() any { return &[]float64{} }).(*[]float64)
	all := c.Series("seriesList")
	out := make([]*query.Series, len(all))
	for i, s := range all {
		values := c.MakeNull(len(s.Values))
		if more := len(values) - len(*total); more > 0 {
			*total = append(*total, c.Make(more)...)
		}
		for k, v := range s.Values {
			if v == v {
				(*total)[k] += v
				values[k] = (*total)[k]
			}
		}
		name, tags := s.Name, s.Tags
		if stack == unnamed {
			name, tags = "stacked("+name+")", tags.With("stacked", stack)
		}
		out[i] = s.Derive(name, values)
		out[i].Tags, out[i].Drawing = tags, s.Drawing
		out[i].Drawing.Stacked = true
	}
	return out, nil
}

func areaBetween(c *query.Call) ([]*query.Series, error) { return between(c, c.Series("seriesList")) }

// between says of two series that the area between them is drawn.
func between(c *query.Call, all []*query.Series) ([]*query.Series, error) {
	if len(all) != 2 {
		return nil, c.Errorf("areaBetween series argument must reference *exactly* 2 series")
	}
	lower, upper := all[0], all[1]
	lower.Drawing.Stacked, lower.Drawing.Invisible, upper.Drawing.Stacked = true, true, true
	upper.Tags = upper.Tags.With("areaBetween", "1")
	lower.Tags = upper.Tags
	upper.Name = "areaBetween(" + upper.PathExpression + ")"
	lower.Name = upper.Name
	return all, nil
}

func thresholdLine(c *query.Call) ([]*query.Series, error) {
	made, err := constantLine(c)
	if err != nil {
		return nil, err
	}
	labelled(c, made[0])
	return made, nil
}

// labelled gives a series the label and the colour of the call.
func labelled(c *query.Call, s *query.Series) {
	if c.Has("label") && c.Text("label") != "" {
		s.Name = c.Text("label")
	}
	if c.Has("color") {
		s.Drawing.Color = c.Text("color")
	}
}

func verticalLine(c *query.Call) ([]*query.Series, error) {
	at, err := when.Parse(c.Text("ts"), c.Now(), c.Zone())
	switch {
	case err != nil:
		return nil, c.Errorf("%v", err)
	case at < c.From:
		return nil, c.Errorf("verticalLine(): timestamp %d exists before start of range", at)
	case at > c.Until:
		return nil, c.Errorf("verticalLine(): timestamp %d exists after end of range", at)
	}
	values := c.Make(2)
	values[0], values[1] = 1, 1
	name := "None"
	if c.Has("label") {
		name = c.Text("label")
	}
	s := query.NewSeries(name, at, at, 1, values)
	s.XFilesFactor, s.Drawing.Infinite = c.XFilesFactor(), true
	labelled(c, s)
	return []*query.Series{s}, nil
}
