package functions

import (
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// alignments are what smartSummarize is told to align to; truth values align to nothing.
var alignments = []string{"False", "None", "True", "days", "hours", "minutes", "months", "seconds", "weeks", "years"}

func intervals() []query.Function {
	return []query.Function{
		{
			Name: "smartSummarize", Group: "Transform", Call: smartSummarize,
			Params: []query.Param{list, {Name: "intervalString", Type: query.Interval, Required: true, Suggestions: []any{"10min", "1h", "1d"}},
				{Name: "func", Type: query.AggFunc, Default: "sum"},
				{Name: "alignTo", Type: query.String, Loose: true, Options: alignments}},
			Description: "One value for each interval, func of the values in it, from the begin of the request on; with alignTo from the begin of the second, " +
				"minute, hour, day, week (also week1 for Monday to week7), month or year in which the request begins.",
		},
		{
			Name: "hitcount", Group: "Transform", Call: hitcount,
			Params: []query.Param{list, {Name: "intervalString", Type: query.Interval, Required: true, Suggestions: []any{"10min", "1h", "1d"}},
				{Name: "alignToInterval", Type: query.Boolean, Default: false}},
			Description: "How many there were in each interval, of values that are rates a second: the sum of value * seconds. Intervals end with the series; with " +
				"alignToInterval they begin at a full minute, hour or day.",
		},
	}
}

// seconds returns the length of an interval, which is an error when there is none.
func seconds(c *query.Call, name string) (int64, error) {
	n, err := when.Offset(c.Text(name))
	if err != nil {
		return 0, c.Errorf("%v", err)
	}
	if n == 0 {
		return 0, c.Errorf("the interval must be more than nothing")
	}
	return max(n, -n), nil
}

func smartSummarize(c *query.Call) ([]*query.Series, error) {
	all, how, text := c.Series("seriesList"), c.Text("func"), c.Text("intervalString")
	agg, err := summing(c)
	if err != nil {
		return nil, err
	}
	interval, err := seconds(c, "intervalString")
	if err != nil {
		return nil, err
	}
	if unit := c.Value("alignTo").String(); c.Has("alignTo") && unit != "True" && unit != "False" {
		from, ok := beginOf(time.Unix(c.From, 0).In(c.Zone()), unit)
		if !ok {
			return nil, c.Errorf("Invalid offset unit %s", query.Repr(unit))
		}
		if all, err = c.Again(from, c.Until); err != nil {
			return nil, err
		}
	}
	return c.Map(all, func(s *query.Series) *query.Series {
		v := summarized(c, s, interval, s.Start, s.End, agg)
		out := s.Derive("smartSummarize("+s.Name+`, "`+text+`", "`+how+`")`, v)
		out.Tags = s.Tags.With("smartSummarize", text).With("smartSummarizeFunction", how)
		out.End, out.Step, out.Whole = s.Start+int64(len(v))*interval, interval, agg.Whole
		return out
	}), nil
}

// beginOf returns when the unit of time began in which t is, by the difference to UTC that t has.
func beginOf(t time.Time, unit string) (unix int64, ok bool) {
	_, difference := t.Zone()
	zone := time.FixedZone("", difference)
	y, mon, d := t.Date()
	h, m, s := t.Clock()
	switch {
	case strings.HasPrefix(unit, "s"):
	case strings.HasPrefix(unit, "min"):
		s = 0
	case strings.HasPrefix(unit, "h"):
		m, s = 0, 0
	case strings.HasPrefix(unit, "d"):
		h, m, s = 0, 0, 0
	case strings.HasPrefix(unit, "w"):
		first, err := 1, error(nil)
		if last := unit[len(unit)-1]; last|0x20 < 'a' || last|0x20 > 'z' {
			first, err = strconv.Atoi(unit[len(unit)-1:])
		}
		back := (int(t.Weekday())+6)%7 + 1 - first
		if back < 0 {
			back += 7
		}
		d, h, m, s = d-back, 0, 0, 0
		return time.Date(y, mon, d, h, m, s, 0, zone).Unix(), err == nil
	case strings.HasPrefix(unit, "mon"):
		d, h, m, s = 1, 0, 0, 0
	case strings.HasPrefix(unit, "y"):
		mon, d, h, m, s = 1, 1, 0, 0, 0
	default:
		return 0, false
	}
	return time.Date(y, mon, d, h, m, s, 0, zone).Unix(), true
}

func hitcount(c *query.Call) ([]*query.Series, error) {
	all, text, mark := c.Series("seriesList"), c.Text("intervalString"), ""
	interval, err := seconds(c, "intervalString")
	if err != nil {
		return nil, err
	}
	if c.Bool("alignToInterval") {
		mark = ", true"
		if all, err = c.Again(alignedFrom(c, interval), c.Until); err != nil {
			return nil, err
		}
		for _, s := range all {
			s.End = s.Start + (s.End-s.Start)/interval*interval + interval
		}
	}
	return c.Map(all, func(s *query.Series) *query.Series {
		n := (s.End - s.Start + interval - 1) / interval
		start := s.End - n*interval
		out := s.Derive("hitcount("+s.Name+`, "`+text+`"`+mark+")", hits(c, s, start, interval, n))
		out.Start, out.Step = start, interval
		out.Tags = s.Tags.With("hitcount", text)
		return out
	}), nil
}

// alignedFrom is the begin of the day, hour or minute in which the request begins, whichever the interval is at least.
func alignedFrom(c *query.Call, interval int64) int64 {
	unit := "seconds"
	switch {
	case interval >= 86400:
		unit = "days"
	case interval >= 3600:
		unit = "hours"
	case interval >= 60:
		unit = "minutes"
	}
	from, _ := beginOf(time.Unix(c.From, 0).In(c.Zone()), unit)
	return from
}

// hits returns the sum of value * seconds in each of n intervals from start; a value holds for its step.
func hits(c *query.Call, s *query.Series, start, interval, n int64) []float64 {
	out := c.MakeNull(int(n))
	add := func(i int64, v float64) {
		if query.IsNull(out[i]) {
			out[i] = 0
		}
		out[i] += v
	}
	for i, v := range s.Points() {
		if query.IsNull(v) {
			continue
		}
		from := s.Start + int64(i)*s.Step - start
		first, last := floorDiv(from, interval), floorDiv(from+s.Step, interval)
		end := from + s.Step
		if last >= n {
			last, end = n-1, n*interval
		}
		for k := max(first, 0); k <= last; k++ {
			if length := min(end, (k+1)*interval) - max(from, k*interval); length > 0 {
				add(k, v*float64(length))
			}
		}
	}
	return out
}
