package functions

import (
	"fmt"
	"math"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

func lines() []query.Function {
	return []query.Function{
		{
			Name: "aggregateLine", Group: "Calculate", Call: aggregateLine,
			Params:      []query.Param{list, byFunc, {Name: "keepStep", Type: query.Boolean, Default: false}},
			Description: "A line for each series, at func of all its values; with keepStep of as many points.",
		},
		{
			Name: "nPercentile", Group: "Calculate", Call: nPercentile, Params: []query.Param{list, threshold},
			Description: "A line for each series, at the n-th percentile of its values. See percentileOfSeries.",
		},
		{
			Name: "linearRegression", Group: "Calculate", Call: linearRegression,
			Params: []query.Param{list, {Name: "startSourceAt", Type: query.Date}, {Name: "endSourceAt", Type: query.Date}},
			Description: "The line by least squares through the n values v at points t of each series, of another range from startSourceAt to endSourceAt if they are there: " +
				"slope = (n sum(tv) - sum(t) sum(v)) / (n sum(t^2) - sum(t)^2), begin = (sum(v) - slope sum(t)) / n.",
		},
		{
			Name: "stdev", Group: "Calculate", Call: stdev,
			Params:      []query.Param{list, {Name: "points", Type: query.Integer, Required: true}, {Name: "windowTolerance", Type: query.Float, Default: 0.1}},
			Description: "The standard deviation of the last so many values, sqrt(n sum(v^2) - sum(v)^2) / n; null where less than windowTolerance of them are not.",
		},
	}
}

func aggregateLine(c *query.Call) ([]*query.Series, error) {
	agg, err := c.Agg("func")
	if err != nil {
		return nil, err
	}
	keep := c.Bool("keepStep")
	return c.Map(c.Series("seriesList"), func(s *query.Series) *query.Series {
		v := agg.Of(s.Points())
		text := "None"
		if !query.IsNull(v) {
			text = query.FormatG(v)
		}
		n := 3
		if keep {
			n = len(s.Points())
		}
		values := c.Make(n)
		for i := range values {
			values[i] = v
		}
		out := s.Derive("aggregateLine("+s.Name+", "+text+")", values)
		if !keep {
			shown := query.FormatFloat(v)
			if query.IsNull(v) {
				shown = "None"
			} else if agg.Whole {
				shown = strconv.FormatFloat(v, 'f', 0, 64)
			}
			line := query.NewSeries(shown, c.From, c.Until, (c.Until-c.From)/2, values)
			line.Name, line.PathExpression, line.XFilesFactor = out.Name, out.Name, c.XFilesFactor()
			out = line
		}
		out.Whole = agg.Whole
		return out
	}), nil
}

func nPercentile(c *query.Call) ([]*query.Series, error) {
	n := c.Float("n")
	if n == 0 {
		return nil, c.Errorf("The requested percent is required to be greater than 0")
	}
	outside := false
	var out []*query.Series
	for _, s := range c.Series("seriesList") {
		v, ok := percentile(query.NotNull(nil, s.Points()), n, false)
		outside = outside || !ok
		if query.IsNull(v) {
			continue
		}
		values := c.Make(int(max(0, (s.End-s.Start)/s.Step)))
		for i := range values {
			values[i] = v
		}
		line := s.Derive("nPercentile("+s.Name+", "+query.FormatG(n)+")", values)
		line.Tags = s.Tags.With("nPercentile", query.FormatFloat(n))
		out = append(out, line)
	}
	if outside {
		return nil, c.Errorf("there is no percentile %s", query.FormatG(n))
	}
	return out, nil
}

func linearRegression(c *query.Call) ([]*query.Series, error) {
	from, until := c.From, c.Until
	for name, at := range map[string]*int64{"startSourceAt": &from, "endSourceAt": &until} {
		if c.Has(name) {
			unix, err := when.Parse(c.Text(name), c.Now(), c.Zone())
			if err != nil {
				return nil, c.Errorf("%v", err)
			}
			*at = unix
		}
	}
	sources, err := c.Again(from, until)
	if err != nil {
		return nil, err
	}
	var out []*query.Series
	for i, s := range c.Series("seriesList") {
		if i >= len(sources) {
			break
		}
		slope, at0, ok := leastSquares(sources[i])
		if !ok {
			continue
		}
		values := c.Make(len(s.Points()))
		for k := range values {
			values[k] = at0 + float64(s.Start+int64(k)*s.Step)*slope
		}
		line := query.NewSeries(fmt.Sprintf("linearRegression(%s, %d, %d)", s.Name, from, until), s.Start, s.End, s.Step, values)
		line.Tags, line.XFilesFactor = s.Tags.With("linearRegressions", fmt.Sprintf("%d, %d", from, until)), s.XFilesFactor
		out = append(out, line)
	}
	return out, nil
}

// leastSquares returns the slope a second, and the value at second 0, of the line through a series; none through less than two values.
func leastSquares(s *query.Series) (slope, at0 float64, ok bool) {
	var n, sumI, sumV, sumII, sumIV float64
	for i, v := range s.Points() {
		if v == v {
			k := float64(i)
			n, sumI, sumV, sumII, sumIV = n+1, sumI+k, sumV+v, sumII+k*k, sumIV+k*v
		}
	}
	d := n*sumII - sumI*sumI
	if d == 0 {
		return 0, 0, false
	}
	slope = (n*sumIV - sumI*sumV) / d / float64(s.Step)
	return slope, (sumII*sumV-sumIV*sumI)/d - slope*float64(s.Start), true
}

func stdev(c *query.Call) ([]*query.Series, error) {
	points, tolerance := c.Int("points"), c.Float("windowTolerance")
	if points <= 0 {
		return nil, c.Errorf("stdev needs at least one point")
	}
	return derived(c, "stdev", strconv.Itoa(points), ","+strconv.Itoa(points), func(_ *query.Series, from, to []float64) {
		n, sum, squares := 0.0, 0.0, 0.0
		before := c.Make(len(from)) // for to may be from
		copy(before, from)
		for i, v := range from {
			if k := i - points; k >= 0 && before[k] == before[k] {
				n--
				sum -= before[k]
				squares -= before[k] * before[k]
			}
			if v == v {
				n++
				sum += v
				squares += v * v
			}
			to[i] = query.Null()
			if n > 0 && n/float64(points) >= tolerance {
				to[i] = math.Sqrt(n*squares-sum*sum) / n
			}
		}
	})
}
