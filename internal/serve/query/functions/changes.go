package functions

import (
	"fmt"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var (
	maxValue = query.Param{Name: "maxValue", Type: query.Float}
	minValue = query.Param{Name: "minValue", Type: query.Float}
)

func changes() []query.Function {
	return []query.Function{
		{
			Name: "derivative", Group: "Transform", Call: derivative, Params: []query.Param{list},
			Description: "Each value less the one before it; null where one of both is.",
		},
		{
			Name: "nonNegativeDerivative", Group: "Transform", Call: nonNegativeDerivative, Params: []query.Param{list, maxValue, minValue},
			Description: "Each value less the one before it, for counters. Where that is under 0 it is null, or with maxValue as if the counter had gone on at " +
				"minValue (0) after maxValue, or with minValue alone as if it had begun there. Values beyond them do not count.",
		},
		{
			Name: "perSecond", Group: "Transform", Call: perSecond, Params: []query.Param{list, maxValue, minValue},
			Description: "nonNegativeDerivative by the seconds of a step, rounded to six digits.",
		},
		{
			Name: "delay", Group: "Transform", Call: delay, Params: []query.Param{list, {Name: "steps", Type: query.Integer, Required: true}},
			Description: "Values so many steps later; earlier with negative steps.",
		},
		{
			Name: "integral", Group: "Transform", Call: integral, Params: []query.Param{list},
			Description: "The sum of all values up to each.",
		},
		{
			Name: "integralByInterval", Group: "Transform", Call: integralByInterval,
			Params:      []query.Param{list, {Name: "intervalUnit", Type: query.String, Required: true}},
			Description: "The sum of all values up to each, from 0 again with each interval, which are counted from the begin of the request.",
		},
	}
}

// derived makes of each series another with as many values. to may be from: fn reads a value before it writes its place.
func derived(c *query.Call, name, tag, arguments string, fn func(s *query.Series, from, to []float64)) ([]*query.Series, error) {
	return c.Map(c.Series("seriesList"), func(s *query.Series) *query.Series {
		points := s.Points()
		to := s.Room(c, len(points))
		fn(s, points, to)
		out := s.Derive(name+"("+s.Name+arguments+")", to)
		out.Tags = s.Tags.With(name, tag)
		return out
	}), nil
}

func derivative(c *query.Call) ([]*query.Series, error) {
	return derived(c, "derivative", "1", "", func(_ *query.Series, from, to []float64) {
		before := query.Null()
		for i, v := range from {
			to[i], before = v-before, v
		}
	})
}

// counter tells how much a counter grew.
type counter struct {
	min, max       float64
	hasMin, hasMax bool
	before         float64
}

func counterOf(c *query.Call) counter {
	return counter{min: c.Float("minValue"), max: c.Float("maxValue"), hasMin: c.Has("minValue"), hasMax: c.Has("maxValue"), before: query.Null()}
}

// growth puts into to what the counter grew by to each value of from.
func (k *counter) growth(from, to []float64) {
	if k.hasMin || k.hasMax {
		for i, v := range from {
			to[i] = k.next(v)
		}
		return
	}
	before := query.Null()
	for i, v := range from {
		to[i], before = unless(v < before, v-before), v
	}
}

// next returns what the counter grew by to v.
func (k *counter) next(v float64) float64 {
	before := k.before
	if k.hasMax && v > k.max || k.hasMin && v < k.min {
		k.before = query.Null()
		return query.Null()
	}
	k.before = v
	switch {
	case v >= before:
		return v - before
	case query.IsNull(v) || query.IsNull(before):
		return query.Null()
	case k.hasMax:
		return k.max + 1 + v - before - k.min
	case k.hasMin:
		return v - k.min
	}
	return query.Null()
}

func nonNegativeDerivative(c *query.Call) ([]*query.Series, error) {
	return derived(c, "nonNegativeDerivative", "1", "", func(_ *query.Series, from, to []float64) {
		k := counterOf(c)
		k.growth(from, to)
	})
}

func perSecond(c *query.Call) ([]*query.Series, error) {
	return derived(c, "perSecond", "1", "", func(s *query.Series, from, to []float64) {
		k, step := counterOf(c), float64(s.Step)
		k.growth(from, to)
		for i, v := range to {
			if v == v {
				to[i] = roundTo(v/step, 6)
			}
		}
	})
}

func delay(c *query.Call) ([]*query.Series, error) {
	steps := c.Int("steps")
	made, err := derived(c, "delay", strconv.Itoa(steps), fmt.Sprintf(",%d", steps), func(_ *query.Series, from, to []float64) {
		later, earlier := min(max(steps, 0), len(to)), min(max(-steps, 0), len(to))
		copy(to[later:], from[earlier:])
		nullFrom(to[:later], 0)
		nullFrom(to, len(to)-earlier)
	})
	if steps == 0 {
		for _, s := range made {
			s.Replace(nil) // as graphite-web's have none then
		}
	}
	return made, err
}

func integral(c *query.Call) ([]*query.Series, error) {
	return derived(c, "integral", "1", "", func(_ *query.Series, from, to []float64) {
		sum := 0.0
		for i, v := range from {
			to[i] = query.Null()
			if v == v {
				sum += v
				to[i] = sum
			}
		}
	})
}

func integralByInterval(c *query.Call) ([]*query.Series, error) {
	length, err := seconds(c, "intervalUnit")
	if err != nil {
		return nil, err
	}
	unit := c.Text("intervalUnit")
	return derived(c, "integralByInterval", unit, ",'"+unit+"'", func(s *query.Series, from, to []float64) {
		sum, since := 0.0, s.Start-c.From
		for i, v := range from {
			if floorDiv(since, length) != floorDiv(since-s.Step, length) {
				sum = 0
			}
			if v == v {
				sum += v
			}
			to[i] = sum
			since += s.Step
		}
	})
}

// floorDiv is a/b rounded down, for b over 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
