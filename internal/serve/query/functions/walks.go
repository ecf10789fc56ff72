package functions

import (
	"math/rand/v2"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

var walks = []query.Function{
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

func randomWalk(c *query.Call) ([]*query.Series, error) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) // no secret comes of it
	at := 0.0
	return ticking(c, func(int64) float64 {
		v := at
		at += r.Float64() - 0.5
		return v
	})
}
