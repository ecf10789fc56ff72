package functions

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func smooth() []query.Function {
	return []query.Function{
		{
			Name: "exponentialMovingAverage", Group: "Calculate", Rereads: true, Call: exponentialMovingAverage, Params: []query.Param{list, windowSize},
			Description: "Each value is 2/(n+1) v + (1 - 2/(n+1)) times the one before it; the first is the mean of the window before it. n is the window's points, " +
				"or its seconds. Values are rounded to six digits.",
			Source: "S. W. Roberts, Technometrics 1(3), 1959",
		},
		{
			Name: "holtWintersForecast", Group: "Calculate", Rereads: true, Call: holtWintersForecast, Params: seasonParams(false),
			Description: "What is expected of each value v by additive triple exponential smoothing, learnt from bootstrapInterval before the range: level + slope + season, with " +
				"level = 0.1 (v - season) + 0.9 (level + slope) of the point before, slope = 0.0035 (growth of level) + 0.9965 slope, season = 0.1 (v - level) + 0.9 season one " +
				"seasonality ago.",
			Source: "P. R. Winters, Management Science 6(3), 1960",
		},
		{
			Name: "holtWintersConfidenceBands", Group: "Calculate", Rereads: true, Params: seasonParams(true),
			Description: "What is expected by holtWintersForecast less, and plus, delta times the deviation, which is 0.1 |v - expected| + 0.9 deviation one seasonality ago.",
			Source:      "J. D. Brutlag, LISA XIV, 2000",
			Call:        func(c *query.Call) ([]*query.Series, error) { return confidenceBands(c) },
		},
		{
			Name: "holtWintersConfidenceArea", Group: "Calculate", Rereads: true, Call: holtWintersConfidenceArea, Params: seasonParams(true),
			Description: "The area between holtWintersConfidenceBands.",
			Source:      "J. D. Brutlag, LISA XIV, 2000",
		},
		{
			Name: "holtWintersAberration", Group: "Calculate", Call: holtWintersAberration, Params: seasonParams(true),
			Description: "By how much values are over or under holtWintersConfidenceBands: v - upper, v - lower, or 0 between them.",
			Source:      "J. D. Brutlag, LISA XIV, 2000",
		},
	}
}

func seasonParams(delta bool) []query.Param {
	p := []query.Param{list}
	if delta {
		p = append(p, query.Param{Name: "delta", Type: query.Integer, Default: 3})
	}
	return append(p, query.Param{Name: "bootstrapInterval", Type: query.Interval, Default: "7d", Suggestions: []any{"7d", "30d"}},
		query.Param{Name: "seasonality", Type: query.Interval, Default: "1d", Suggestions: []any{"1d", "7d"}})
}

func exponentialMovingAverage(c *query.Call) ([]*query.Series, error) {
	given := c.Series("seriesList")
	if len(given) == 0 {
		return nil, nil
	}
	w := windowOf(c, given)
	n := w.seconds
	if w.count != 0 {
		n = int64(w.count)
	}
	before, err := c.Again(c.From-w.seconds, c.Until)
	if err != nil {
		return nil, err
	}
	share := 2 / float64(n+1)
	return c.Map(before, func(s *query.Series) *query.Series {
		out := s.Derive("exponentialMovingAverage("+s.Name+","+w.shown+")", exponential(c, s.Values, w.points(s), share))
		out.Start += w.seconds
		out.Tags = s.Tags.With("exponentialMovingAverage", w.text)
		return out
	}), nil
}

func exponential(c *query.Call, values []float64, n int, share float64) []float64 {
	n = max(0, min(n, len(values)))
	mean := query.Average(values[:n])
	if query.IsNull(mean) {
		mean = 0
	}
	out := c.Make(len(values) - n + 1)
	out[0] = roundTo(mean, 6)
	for i, v := range values[n:] {
		out[i+1] = query.Null()
		if v == v {
			mean = share*v + (1-share)*mean
			out[i+1] = roundTo(mean, 6)
		}
	}
	return out
}

// forecast is what Holt and Winters' method expects of a series.
type forecast struct {
	source                  *query.Series
	skip                    int // points that are there to learn from
	predictions, deviations []float64
}

// forecasts looks at the series from bootstrapInterval before the range.
func forecasts(c *query.Call) ([]forecast, int64, error) {
	preview, season := c.Seconds("bootstrapInterval"), c.Seconds("seasonality")
	if preview < 0 || season <= 0 {
		return nil, 0, c.Errorf("the interval must be more than nothing")
	}
	before, err := c.Again(c.From-preview, c.Until)
	if err != nil {
		return nil, 0, err
	}
	out := make([]forecast, len(before))
	c.Each(before, func(i int, s *query.Series) {
		out[i] = forecast{source: s, skip: int(preview / s.Step)}
		out[i].learn(c, int(season/s.Step))
	})
	return out, preview, nil
}

// How fast the level, the slope and the season are forgotten.
const (
	levelShare  = 0.1
	slopeShare  = 0.0035
	seasonShare = 0.1
)

// learn walks over the series. A null leaves no level behind it, and expects nothing of the next.
func (f *forecast) learn(c *query.Call, season int) {
	values := f.source.Points()
	f.predictions, f.deviations = c.MakeNull(len(values)), c.Make(len(values))
	seasonal := c.Make(len(values))
	ago := func(list []float64, i int) float64 {
		if i -= season; i >= 0 && i < len(list) {
			return list[i]
		}
		return 0
	}
	level, slope, next := query.Null(), 0.0, query.Null()
	for i, v := range values {
		if query.IsNull(v) {
			f.predictions[i] = next
			level, slope, next = query.Null(), 0, query.Null()
			continue
		}
		expected := next
		if i == 0 {
			expected = v
		}
		lastLevel := level
		if query.IsNull(lastLevel) {
			lastLevel = v
		}
		lastSeason := ago(seasonal, i)
		level = levelShare*(v-lastSeason) + (1-levelShare)*(lastLevel+slope)
		slope = slopeShare*(level-lastLevel) + (1-slopeShare)*slope
		seasonal[i] = seasonShare*(v-level) + (1-seasonShare)*lastSeason
		next = level + slope + ago(seasonal, i+1)
		f.predictions[i] = expected
		f.deviations[i] = seasonShare*distance(v, expected) + (1-seasonShare)*ago(f.deviations, i)
	}
}

// distance is |v - expected|, of nothing expected from 0.
func distance(v, expected float64) float64 {
	if query.IsNull(expected) {
		expected = 0
	}
	return max(v-expected, expected-v)
}

// shownPart is what of values lies in the range.
func (f *forecast) shownPart(values []float64) []float64 { return values[min(f.skip, len(values)):] }

// series returns a series of what lies in the range.
func (f *forecast) series(name string, preview int64, values []float64) *query.Series {
	s := query.NewSeries(name, f.source.Start+preview, f.source.End, f.source.Step, values)
	s.Tags, s.XFilesFactor = f.source.Tags, f.source.XFilesFactor
	return s
}

func holtWintersForecast(c *query.Call) ([]*query.Series, error) {
	all, preview, err := forecasts(c)
	if err != nil {
		return nil, err
	}
	out := make([]*query.Series, len(all))
	for i := range all {
		f := &all[i]
		out[i] = f.series("holtWintersForecast("+f.source.Name+")", preview, f.shownPart(f.predictions))
		out[i].Tags = f.source.Tags.With("holtWintersForecast", "1").With("holtWintersDeviation", "1")
	}
	return out, nil
}

// confidenceBands returns the lower and the upper band of each series.
func confidenceBands(c *query.Call) ([]*query.Series, error) {
	all, preview, err := forecasts(c)
	if err != nil {
		return nil, err
	}
	delta := float64(c.Int("delta"))
	var out []*query.Series
	for i := range all {
		f := &all[i]
		predictions, deviations := f.shownPart(f.predictions), f.shownPart(f.deviations)
		low, high := c.Make(len(predictions)), c.Make(len(predictions))
		for k, p := range predictions {
			low[k], high[k] = p-delta*deviations[k], p+delta*deviations[k]
		}
		tags := f.source.Tags
		for _, tag := range []string{"holtWintersForecast", "holtWintersDeviation", "holtWintersConfidenceUpper", "holtWintersConfidenceLower"} {
			tags = tags.With(tag, "1")
		}
		for _, band := range []struct {
			name   string
			values []float64
		}{{"Lower", low}, {"Upper", high}} {
			s := f.series("holtWintersConfidence"+band.name+"("+f.source.Name+")", preview, band.values)
			s.Tags, s.PathExpression = tags, f.source.PathExpression
			out = append(out, s)
		}
	}
	return out, nil
}

func holtWintersConfidenceArea(c *query.Call) ([]*query.Series, error) {
	bands, err := confidenceBands(c)
	if err != nil {
		return nil, err
	}
	area, err := between(c, bands)
	for _, s := range area {
		s.Tags = s.Tags.Without("areaBetween").With("holtWintersConfidenceArea", "1")
		s.Name = strings.ReplaceAll(s.Name, "areaBetween", "holtWintersConfidenceArea")
		s.PathExpression = s.Name
	}
	return area, err
}

func holtWintersAberration(c *query.Call) ([]*query.Series, error) {
	bands, err := confidenceBands(c)
	if err != nil {
		return nil, err
	}
	byName := map[string]*query.Series{}
	for _, b := range bands {
		byName[b.Name] = b
	}
	var out []*query.Series
	for _, s := range c.Series("seriesList") {
		low, high := byName["holtWintersConfidenceLower("+s.Name+")"], byName["holtWintersConfidenceUpper("+s.Name+")"]
		if low == nil || high == nil {
			return nil, c.Errorf("nothing is known of %s before the range", s.Name)
		}
		values := c.Make(len(s.Points()))
		for i, v := range s.Points() {
			switch {
			case i >= len(low.Values):
			case v > high.Values[i]:
				values[i] = v - high.Values[i]
			case v < low.Values[i]:
				values[i] = v - low.Values[i]
			}
		}
		made := query.NewSeries("holtWintersAberration("+s.Name+")", s.Start, s.End, s.Step, values)
		made.Tags, made.XFilesFactor = s.Tags.With("holtWintersAberration", "1"), s.XFilesFactor
		out = append(out, made)
	}
	return out, nil
}
