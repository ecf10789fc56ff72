package graphiteapi

import (
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// clock is how a request sees times.
type clock struct {
	now  int64 // Unix seconds
	zone *time.Location
}

// clockOf returns the clock of a request: its time zone "tz", and what "now" is.
func (a *API) clockOf(p params) (c clock, err error) {
	c = clock{a.opt.Now().Unix(), a.zone(p.get("tz"))}
	c.now, err = c.moment(p, "now", c.now)
	return c, err
}

// moment returns a time that the request says, Unix seconds, or a default.
func (c *clock) moment(p params, name string, otherwise int64) (int64, error) {
	text := p.get(name)
	if !p.has(name) || text == "-1" {
		return otherwise, nil
	}
	sec, err := when.Parse(text, c.now, c.zone)
	if err != nil {
		return 0, invalid("Invalid value %s for param %s: %v", quoted(text), name, err)
	}
	return sec, nil
}
