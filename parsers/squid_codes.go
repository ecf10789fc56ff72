package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// squidCodes knows the result codes that the log has had and where they are
// counted. Codes are Squid's own words; their number is bounded all the same.
type squidCodes struct {
	known map[string]squidCode
	other int // place of squid_OTHER: under the alias all other codes, else those beyond the bound, 0 before the first
	alias bool
}

// squidCode is where a code is counted, and whether it is a hit.
type squidCode struct {
	place int
	hit   bool
}

// maxSquidCodes bounds the known codes; Squid 6 has about 60, most of them
// never seen.
const maxSquidCodes = 256

// register declares the four codes that Logster has: they are sent also when
// there are none.
func (c *squidCodes) register(rec *metric.Recorder, t *tally) {
	c.known = make(map[string]squidCode)
	for _, name := range squidRates[:4] {
		code := name[len("squid_"):]
		c.known[code] = squidCode{t.counter(rec, name, "requests"), isHit([]byte(code))}
	}
}

// registerAlias takes the places of squidRates, which start at first.
func (c *squidCodes) registerAlias(first int) {
	c.known = make(map[string]squidCode)
	c.alias, c.other = true, first+len(squidRates)-1
	for i, name := range squidRates[:len(squidRates)-1] {
		c.known[name[len("squid_"):]] = squidCode{place: first + i}
	}
}

// find returns where a code is counted.
func (c *squidCodes) find(code []byte, t *tally, rec *metric.Recorder) squidCode {
	if k, ok := c.known[string(code)]; ok {
		return k
	}
	if c.alias {
		return squidCode{place: c.other}
	}
	if len(c.known) >= maxSquidCodes {
		if c.other == 0 {
			c.other = c.meet("OTHER", t, rec)
		}
		return squidCode{c.other, isHit(code)}
	}
	k := squidCode{c.meet(string(code), t, rec), isHit(code)}
	c.known[string(code)] = k
	return k
}

// meet makes the series of a code that the log has for the first time.
func (c *squidCodes) meet(code string, t *tally, rec *metric.Recorder) int {
	id := rec.SeriesBytes([]byte("squid_"+code), metric.Counter)
	rec.Unit(id, "requests")
	return t.add(id)
}

// isHit reports whether a code says that the reply came from the cache,
// validated with the origin or not. Squid before 3.1 called the validated
// TCP_REFRESH_HIT.
func isHit(code []byte) bool {
	return bytes.Contains(code, []byte("HIT")) || bytes.Contains(code, []byte("REFRESH_UNMODIFIED"))
}
