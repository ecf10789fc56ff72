package graphiteapi

import (
	"net/http"

	"github.com/logmetrics/logmetrics/metric"
)

// methods are the names of storage-aggregation.conf.
var methods = [...]string{
	metric.Unset: "average", metric.Average: "average", metric.Sum: "sum", metric.Min: "min", metric.Max: "max", metric.Last: "last",
	metric.AvgZero: "avg_zero", metric.AbsMax: "absmax", metric.AbsMin: "absmin",
}

// info answers /info?target=NAME: how a series is kept, in the shape that
// go-carbon has for it; graphite-web has none. Times are seconds.
func (a *API) info(w http.ResponseWriter, r *http.Request, p params) error {
	if p.get("target") == "" {
		return fault{http.StatusBadRequest, "no target specified"}
	}
	s, ok := a.opt.DB.Series(p.get("target"))
	if !ok {
		return fault{http.StatusNotFound, "there is no such series"}
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.raw(`{"name": `)
	j.string(s.Name)
	j.raw(`, "aggregationMethod": `)
	j.string(methods[s.Method])
	longest := int64(0)
	for _, t := range s.Tiers {
		longest = max(longest, t.Keep)
	}
	j.raw(`, "maxRetention": `)
	j.int(longest)
	j.raw(`, "newest": `)
	j.int(s.Newest)
	j.raw(`, "retentions": [`)
	for i, t := range s.Tiers {
		j.comma(i)
		j.raw(`{"secondsPerPoint": `)
		j.int(t.Step)
		j.raw(`, "numberOfPoints": `)
		j.int(t.Keep / t.Step)
		j.raw("}")
	}
	j.raw("]}")
	return j.end()
}
