package functions

import (
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

func shift() []query.Function {
	return []query.Function{
		{
			Name: "timeShift", Group: "Transform", Rereads: true, Call: timeShift, Signature: "(seriesList, timeShift, resetEnd=True, alignDST=False)",
			Params: []query.Param{list,
				{Name: "timeShift", Type: query.Interval, Required: true, Suggestions: []any{"1h", "6h", "12h", "1d", "2d", "7d", "14d", "30d"}},
				{Name: "resetEnd", Type: query.Boolean, Default: true},
				{Name: "alignDst", Type: query.Boolean, Default: false}},
			Description: "The series as they were so long before, or with a + after. With alignDst an hour is added or taken where one of both times " +
				"has daylight saving and the other has not.",
		},
	}
}

func timeShift(c *query.Call) ([]*query.Series, error) {
	given, text := c.Series("seriesList"), c.Text("timeShift")
	if len(given) == 0 {
		return nil, nil
	}
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		text = "-" + text
	}
	delta, err := when.Offset(text)
	if err != nil {
		return nil, c.Errorf("%v", err)
	}
	from, until := c.From+delta, c.Until+delta
	if c.Bool("alignDst") {
		hour := dstBetween(c.Zone(), c.From, c.Until, from, until)
		from, until = from+hour, until+hour
	}
	shifted, err := c.Again(from, until)
	if err != nil {
		return nil, err
	}
	first := given[0]
	for _, s := range shifted {
		s.Tags = s.Tags.With("timeShift", text)
		s.Name = "timeShift(" + s.Name + `, "` + text + `")`
		s.End += first.Start - s.Start
		if c.Bool("resetEnd") {
			s.End = first.End
		}
		s.Start = first.Start
	}
	return shifted, nil
}

// dstBetween returns an hour where one range has daylight saving and the other has not, with the sign that lays noon upon noon.
func dstBetween(zone *time.Location, from, until, otherFrom, otherUntil int64) int64 {
	dst := func(unix int64) bool { return time.Unix(unix, 0).In(zone).IsDST() }
	here, there := dst(from) && dst(until), dst(otherFrom) && dst(otherUntil)
	switch {
	case here && !dst(otherFrom) && !dst(otherUntil):
		return 3600
	case there && !dst(from) && !dst(until):
		return -3600
	}
	return 0
}
