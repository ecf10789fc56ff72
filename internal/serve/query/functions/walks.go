package functions

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func walks() []query.Function {
	return []query.Function{
		{
			Name: "events", Group: "Special", Call: events, Params: []query.Param{{Name: "tags", Type: query.String, Required: true, MayLack: true, Multiple: true}},
			Description: "How many events with these tags there were in each second, null for none; all events with *.",
		},
		{Name: "randomWalk", Group: "Special", Call: randomWalk, Params: clockParams, Description: "A series that goes up or down at random, for trying things out."},
		{Name: "randomWalkFunction", Group: "Special", Call: randomWalk, Params: clockParams, Description: "A series that goes up or down at random, for trying things out."},
		{
			Name: "identity", Group: "Calculate", Params: []query.Param{{Name: "name", Type: query.String, Required: true}},
			Description: "The Unix seconds of each minute, under that name.",
			Call: func(c *query.Call) ([]*query.Series, error) {
				values := c.Make(int((c.Until - c.From + 59) / 60))
				for i := range values {
					values[i] = float64(c.From + 60*int64(i))
				}
				s := query.NewSeries(c.Text("name"), c.From, c.Until, 60, values)
				s.PathExpression, s.Whole, s.XFilesFactor = `identity("`+s.Name+`")`, true, c.XFilesFactor()
				return []*query.Series{s}, nil
			},
		},
	}
}

func randomWalk(c *query.Call) ([]*query.Series, error) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) // no secret comes of it
	at := 0.0
	return ticking(c, func(int64) float64 {
		v := at
		at += r.Float64() - 0.5
		return v
	})
}

func events(c *query.Call) ([]*query.Series, error) {
	var tags []string
	for _, v := range c.Values("tags") {
		tags = append(tags, v.Text)
	}
	var found []int64
	if len(tags) > 0 { // no tags are those of no event
		var err error
		if found, err = c.Events(c.From, c.Until, len(tags) == 1 && tags[0] == "*", tags); err != nil {
			return nil, err
		}
	}
	values := c.MakeNull(int(c.Until - c.From))
	for _, unix := range found {
		if i := unix - c.From; i >= 0 && i < int64(len(values)) {
			if query.IsNull(values[i]) {
				values[i] = 0
			}
			values[i]++
		}
	}
	s := query.NewSeries(`events("`+strings.Join(tags, `", "`)+`")`, c.From, c.Until, 1, values)
	s.Consolidation, s.Whole, s.XFilesFactor = "sum", true, c.XFilesFactor()
	return []*query.Series{s}, nil
}
