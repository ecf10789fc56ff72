package query

import "time"

// Request is what is asked for.
type Request struct {
	Targets          []string
	From, Until, Now int64             // Unix seconds
	Zone             *time.Location    // of days and hours in functions; nil: UTC
	MaxDataPoints    int               // 0: not said
	XFilesFactor     float64           // of all series, unless functions say otherwise
	Template         map[string]string // values for names in template(), over those in the target
}

func (r *Request) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

type span struct{ from, until int64 }
