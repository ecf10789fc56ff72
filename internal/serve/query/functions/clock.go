package functions

import (
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/libm"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// clockParams are of functions whose values come from the time alone.
var clockParams = []query.Param{{Name: "name", Type: query.String, Required: true}, {Name: "step", Type: query.Integer, Default: 60}}

func clock() []query.Function {
	sineParams := []query.Param{clockParams[0], {Name: "amplitude", Type: query.Integer, Loose: true, Default: 1}, clockParams[1]}
	return []query.Function{
		{Name: "time", Group: "Transform", Call: timeFunction, Params: clockParams, Description: "The Unix seconds of each step, under that name."},
		{Name: "timeFunction", Group: "Transform", Call: timeFunction, Params: clockParams, Description: "The Unix seconds of each step, under that name."},
		{Name: "sin", Group: "Transform", Call: sinFunction, Params: sineParams, Description: "amplitude * sin(Unix seconds) of each step, under that name."},
		{Name: "sinFunction", Group: "Transform", Call: sinFunction, Params: sineParams, Description: "amplitude * sin(Unix seconds) of each step, under that name."},
		{
			Name: "timeSlice", Group: "Transform", Call: timeSlice,
			Params:      []query.Param{list, {Name: "startSliceAt", Type: query.Date, Required: true}, {Name: "endSliceAt", Type: query.Date, Default: "now"}},
			Description: "Null for values before startSliceAt and after endSliceAt.",
		},
		{
			Name: "timeStack", Group: "Transform", Rereads: true, Call: timeStack,
			Params: []query.Param{list, {Name: "timeShiftUnit", Type: query.Interval, Default: "1d", Suggestions: []any{"1h", "6h", "12h", "1d", "2d", "7d", "14d", "30d"}},
				{Name: "timeShiftStart", Type: query.Integer, Default: 0}, {Name: "timeShiftEnd", Type: query.Integer, Default: 7}},
			Description: "The series as they were timeShiftStart, ..., timeShiftEnd-1 times timeShiftUnit ago.",
		},
	}
}

// ticking returns a series of fn of each time in the request's range, a step apart.
func ticking(c *query.Call, fn func(unix int64) float64) ([]*query.Series, error) {
	step := int64(c.Int("step"))
	if step <= 0 {
		return nil, c.Errorf("the step must be more than nothing")
	}
	values := c.Make(int((c.Until - c.From + step - 1) / step))
	for i := range values {
		values[i] = fn(c.From + int64(i)*step)
	}
	s := query.NewSeries(c.Text("name"), c.From, c.Until, step, values)
	s.XFilesFactor = c.XFilesFactor()
	return []*query.Series{s}, nil
}

func timeFunction(c *query.Call) ([]*query.Series, error) {
	return ticking(c, func(unix int64) float64 { return float64(unix) })
}

func sinFunction(c *query.Call) ([]*query.Series, error) {
	if !isNumber(c.Value("amplitude")) {
		return nil, c.Errorf("amplitude must be a number")
	}
	amplitude := c.Float("amplitude")
	return ticking(c, func(unix int64) float64 { return libm.Sin(float64(unix)) * amplitude })
}

// isNumber reports whether an argument that is Loose is a number.
func isNumber(v query.Value) bool {
	return v.Kind == query.Int || v.Kind == query.Real || v.Kind == query.Bool
}

func timeSlice(c *query.Call) ([]*query.Series, error) {
	start, err1 := when.Parse(c.Text("startSliceAt"), c.Now(), c.Zone())
	end, err2 := when.Parse(c.Text("endSliceAt"), c.Now(), c.Zone())
	for _, err := range []error{err1, err2} {
		if err != nil {
			return nil, c.Errorf("%v", err)
		}
	}
	from, to := strconv.FormatInt(start, 10), strconv.FormatInt(end, 10)
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		s.Tags = s.Tags.With("timeSliceStart", from).With("timeSliceEnd", to)
		s.Name = "timeSlice(" + s.Name + ", " + from + ", " + to + ")"
		values, at := s.Own(c), c.From // not the series' own start
		for i := range values {
			if at < start || at > end {
				values[i] = query.Null()
			}
			at += s.Step
		}
	})
	return all, nil
}

func timeStack(c *query.Call) ([]*query.Series, error) {
	given, unit := c.Series("seriesList"), c.Text("timeShiftUnit")
	if len(given) == 0 {
		return nil, nil
	}
	if unit != "" && unit[0] >= '0' && unit[0] <= '9' {
		unit = "-" + unit
	}
	delta, err := when.Offset(unit)
	if err != nil {
		return nil, c.Errorf("%v", err)
	}
	var out []*query.Series
	for n := c.Int("timeShiftStart"); n < c.Int("timeShiftEnd"); n++ {
		shifted, err := c.Again(c.From+delta*int64(n), c.Until+delta*int64(n))
		if err != nil {
			return nil, err
		}
		for _, s := range shifted {
			s.Tags = s.Tags.With("timeShiftUnit", unit).With("timeShift", strconv.Itoa(n))
			s.Name = "timeShift(" + s.Name + ", " + unit + ", " + strconv.Itoa(n) + ")"
			s.PathExpression, s.Start, s.End = s.Name, given[0].Start, given[0].End
		}
		out = append(out, shifted...)
	}
	return out, nil
}
