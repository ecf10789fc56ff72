package functions

import (
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// windowSize is a number of points, or a length of time.
var windowSize = query.Param{Name: "windowSize", Type: query.IntOrInterval, Required: true,
	Suggestions: []any{5, 7, 10, "1min", "5min", "10min", "30min", "1hour"}}

func moving() []query.Function {
	return []query.Function{
		{
			Name: "movingWindow", Group: "Calculate", Rereads: true, Call: movingWindow,
			Params: []query.Param{list, windowSize, {Name: "func", Type: query.AggFunc, Default: "average"}, xFilesFactor},
			Description: "Each value is func of those in the window before it: so many points, or a length of time. What is before the first value is " +
				"read too. A window with less than xFilesFactor of its values is null.",
		},
		{
			Name: "movingAverage", Group: "Calculate", Rereads: true, Call: movingOver("average"),
			Params:      []query.Param{list, windowSize, xFilesFactor},
			Description: "Each value is the mean of those in the window before it: so many points, or a length of time. See movingWindow.",
		},
		movingAs("movingMedian", "median"), movingAs("movingMin", "min"), movingAs("movingMax", "max"), movingAs("movingSum", "sum"),
	}
}

// movingAs makes a row of the table.
func movingAs(name, how string) query.Function {
	return query.Function{Name: name, Group: "Calculate", Rereads: true, Call: movingOver(how), Params: []query.Param{list, windowSize, xFilesFactor},
		Description: "Each value is the " + how + " of those in the window before it: so many points, or a length of time. See movingWindow."}
}

// movingOver makes a movingWindow whose function is said.
func movingOver(how string) func(*query.Call) ([]*query.Series, error) {
	return func(c *query.Call) ([]*query.Series, error) { return windowed(c, how) }
}

func movingWindow(c *query.Call) ([]*query.Series, error) { return windowed(c, c.Text("func")) }

func windowed(c *query.Call, how string) ([]*query.Series, error) {
	given := c.Series("seriesList")
	if len(given) == 0 {
		return nil, nil
	}
	agg, err := query.AggByName(how)
	if err != nil {
		return nil, err
	}
	w := windowOf(c, given)
	before, err := c.Again(c.From-w.seconds, c.Until)
	if err != nil {
		return nil, err
	}
	tag := "moving" + capitalized(how)
	return c.Map(before, func(s *query.Series) *query.Series {
		points := w.points(s)
		factor := s.XFilesFactor
		if c.Has("xFilesFactor") {
			factor = c.Float("xFilesFactor")
		}
		out := s.Derive(tag+"("+s.Name+","+w.shown+")", slide(c, s.Values, points, agg, factor))
		out.Tags = s.Tags.With(tag, w.text)
		out.Start += w.seconds
		out.Whole = agg.Whole
		return out
	}), nil
}

// window is how far a moving function looks back.
type window struct {
	seconds int64
	count   int    // of points; 0: by seconds
	text    string // as the argument is
	shown   string // as names have it
}

// windowOf reads the argument windowSize.
func windowOf(c *query.Call, given []*query.Series) window {
	v := c.Value("windowSize")
	if v.Kind == query.Text {
		sec, _ := when.Offset(v.Text) // checked already
		return window{seconds: max(sec, -sec), text: v.Text, shown: `"` + v.Text + `"`}
	}
	step := int64(0)
	for _, s := range given {
		step = max(step, s.Step)
	}
	n := c.Int("windowSize")
	return window{seconds: step * int64(n), count: n, text: v.String(), shown: v.String()}
}

// points returns how many of a series are in the window.
func (w window) points(s *query.Series) int {
	if w.count != 0 || s.Step <= 0 {
		return w.count
	}
	return int(w.seconds / s.Step)
}

// capitalized returns s as Python's capitalize does: the first letter great, the others small.
func capitalized(s string) string {
	b := []byte(s)
	for i, x := range b {
		switch {
		case i == 0 && x >= 'a' && x <= 'z':
			b[i] = x - 0x20
		case i > 0 && x >= 'A' && x <= 'Z':
			b[i] = x + 0x20
		}
	}
	return string(b)
}
