package functions

import (
	"fmt"
	"math"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/libm"
)

func arithmetic() []query.Function {
	return []query.Function{
		eachValue("absolute", "|v|: v without its sign.", math.Abs),
		eachValue("exp", "e to the power of v.", func(v float64) float64 { return finite(libm.Exp(v)) }),
		eachValue("invert", "1/v, null for 0.", func(v float64) float64 { return quotient(1, v) }),
		eachValue("logit", "ln(v/(1-v)), null where that is not from 0 to 1.", func(v float64) float64 { return logarithm(quotient(v, 1-v)) }),
		eachValue("sigmoid", "1/(1+exp(-v)).", func(v float64) float64 { return 1 / (1 + libm.Exp(-v)) }),
		eachValue("squareRoot", "The square root of v, null of what is under 0.", math.Sqrt),
		{
			Name: "add", Group: "Transform", Params: []query.Param{list, {Name: "constant", Type: query.Float, Required: true}}, Description: "v + constant.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				n := c.Float("constant")
				return changeEach(c, "add", query.FormatFloat(n), ","+strconv.FormatFloat(math.Trunc(n), 'f', 0, 64), func(v float64) float64 { return v + n })
			},
		},
		{
			Name: "offset", Group: "Transform", Params: []query.Param{list, {Name: "factor", Type: query.Float, Required: true}}, Description: "v + factor.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				n := c.Float("factor")
				return changeEach(c, "offset", query.FormatFloat(n), ","+query.FormatG(n), func(v float64) float64 { return v + n })
			},
		},
		{
			Name: "pow", Group: "Transform", Params: []query.Param{list, {Name: "factor", Type: query.Float, Required: true}},
			Description: "v to the power of factor, null where that is no real number, or too great.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				n := c.Float("factor")
				return changeEach(c, "pow", query.FormatFloat(n), ","+query.FormatG(n), func(v float64) float64 { return power(v, n) })
			},
		},
		{
			Name: "log", Group: "Transform", Call: logOf, Params: []query.Param{list, {Name: "base", Type: query.Integer, Default: 10}},
			Description: "The logarithm of v to a base, ln(v)/ln(base); null of what is not over 0.",
		},
		{
			Name: "round", Group: "Transform", Call: roundOf, Params: []query.Param{list, {Name: "precision", Type: query.Integer, Default: 0}},
			Signature:   "(seriesList, precision=None)",
			Description: "v, rounded to so many digits behind the point, or with negative ones before it; halves to the even digit.",
		},
		{
			Name: "scaleToSeconds", Group: "Transform", Params: []query.Param{list, {Name: "seconds", Type: query.Float, Required: true}},
			Description: "v * seconds / step, rounded to six digits: values each step become values each so many seconds.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				n, all := c.Float("seconds"), c.Series("seriesList")
				c.Each(all, func(_ int, s *query.Series) {
					called(s, "scaleToSeconds", query.FormatFloat(n), ","+strconv.FormatFloat(math.Trunc(n), 'f', 0, 64))
					factor := n / float64(s.Step)
					apply(c, s, func(v float64) float64 { return roundTo(v*factor, 6) })
				})
				return all, nil
			},
		},
		{
			Name: "offsetToZero", Group: "Transform", Call: offsetToZero, Params: []query.Param{list},
			Description: "v less the least value of its series.",
		},
		{
			Name: "minMax", Group: "Transform", Call: minMax, Params: []query.Param{list},
			Description: "(v - min) / (max - min) of its series: from 0 to 1; 0 where all are the same.",
		},
	}
}

// eachValue makes a function that does fn to each value.
func eachValue(name, description string, fn func(float64) float64) query.Function {
	tag := map[string]string{"exp": "e", "logit": "logit", "sigmoid": "sigmoid"}[name]
	if tag == "" {
		tag = "1"
	}
	return query.Function{Name: name, Group: "Transform", Params: []query.Param{list}, Description: description,
		Call: func(c *query.Call) ([]*query.Series, error) { return changeEach(c, name, tag, "", fn) }}
}

// changeEach does fn to each value of all series, and calls them "name(series,...)".
func changeEach(c *query.Call, name, tag, arguments string, fn func(float64) float64) ([]*query.Series, error) {
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		called(s, name, tag, arguments)
		apply(c, s, fn)
	})
	return all, nil
}

// called names a series by the function that was applied to it, and says it in a tag.
func called(s *query.Series, function, tag, arguments string) {
	if tag != "" {
		s.Tags = s.Tags.With(function, tag)
	}
	s.Name = function + "(" + s.Name + arguments + ")"
	s.PathExpression = s.Name
}

// apply does fn to each value that is not null.
func apply(c *query.Call, s *query.Series, fn func(float64) float64) {
	to := s.Room(c, len(s.Values))
	for i, v := range s.Values {
		if v == v {
			v = fn(v)
		}
		to[i] = v
	}
	s.Replace(to)
	s.Whole = false
}

// finite is v, null when it is infinite.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return query.Null()
	}
	return v
}

// logarithm is ln(v), null of what is not over 0.
func logarithm(v float64) float64 {
	if !(v > 0) {
		return query.Null()
	}
	return libm.Log(v)
}

func logOf(c *query.Call) ([]*query.Series, error) {
	base := c.Int("base")
	if base <= 0 || base == 1 {
		return nil, c.Errorf("there are no logarithms to base %d", base)
	}
	below := libm.Log(float64(base))
	return c.Map(c.Series("seriesList"), func(s *query.Series) *query.Series {
		v := c.Make(len(s.Points()))
		for i, x := range s.Points() {
			v[i] = logarithm(x) / below
		}
		out := s.Derive(fmt.Sprintf("log(%s, %d)", s.Name, base), v)
		out.Tags = s.Tags.With("log", strconv.Itoa(base))
		return out
	}), nil
}

func roundOf(c *query.Call) ([]*query.Series, error) {
	digits, arguments := c.Int("precision"), ""
	if len(c.Values("precision")) > 0 {
		arguments = "," + query.FormatG(float64(digits))
	}
	return changeEach(c, "round", strconv.Itoa(digits), arguments, func(v float64) float64 { return roundTo(v, digits) })
}

// roundTo rounds the exact value of v to so many decimals, as Python does: halves to the even one.
func roundTo(v float64, digits int) float64 {
	switch {
	case digits > 22 || math.IsInf(v, 0):
		return v
	case digits < -308:
		return 0
	case digits < 0:
		p := math.Pow10(-digits)
		return math.RoundToEven(v/p) * p
	}
	p := math.Pow10(digits)
	x := v * p
	r := math.RoundToEven(x)
	// The quotient of two exact numbers is the nearest to the decimal; x itself is rounded, so near a half it does not tell.
	if math.Abs(x) < 1<<52 && math.Abs(math.Abs(x-r)-0.5) > 1e-3 {
		return r / p
	}
	exact, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return exact
}

func offsetToZero(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		least, tag := query.Min(s.Points()), "None"
		if !query.IsNull(least) {
			tag = query.FormatFloat(least)
		}
		called(s, "offsetToZero", tag, "")
		apply(c, s, func(v float64) float64 { return v - least })
	})
	return all, nil
}

func minMax(c *query.Call) ([]*query.Series, error) {
	all := c.Series("seriesList")
	c.Each(all, func(_ int, s *query.Series) {
		called(s, "minMax", "", "")
		least, most := query.Min(s.Points()), query.Max(s.Points())
		apply(c, s, func(v float64) float64 {
			if least == most {
				return 0
			}
			return (v - least) / (most - least)
		})
	})
	return all, nil
}
