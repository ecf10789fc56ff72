package parsers

import (
	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// SquidParser counts the requests of Squid's access log, in its formats
// squid ("native"), common and combined:
//
//	1795230000.189     43 192.0.2.29 TCP_HIT/200 285 GET http://example.org/ - HIER_NONE/- image/png
//	192.0.2.29 - - [21/Nov/2026:03:02:30 +0000] "GET http://example.org/ HTTP/1.1" 200 285 TCP_HIT:HIER_NONE
//
// The first gives requests 1, http_2xx 1, bytes 285, elapsed 0.043 s and
// squid_TCP_HIT 1; the second the same without the time, which it does not
// have. docs/parsers.md names all series.
type squid struct {
	wantTime bool
	clock    *logtime.Reader

	tally
	requests, bytes, hits, hitBytes int // places; -1 under the alias
	classes                         int // place of http_other, http_1xx .. http_5xx, http_000
	elapsed                         metric.ID

	codes squidCodes

	alias bool
}

// squidNoStatus is the class of 000: no reply was sent.
const squidNoStatus = 6

func newSquid(opt Options, rec *metric.Recorder) (Parser, error) {
	if err := parseFlags(newFlags("SquidParser"), opt.Args); err != nil {
		return nil, err
	}
	p := &squid{wantTime: opt.WantTime, clock: logtime.New(opt.Zone), alias: opt.Alias}
	if opt.Alias {
		p.registerAlias(rec)
	} else {
		p.register(rec)
	}
	return p, nil
}

// register declares the series.
func (p *squid) register(rec *metric.Recorder) {
	p.requests = p.counter(rec, "requests", "requests")
	p.classes = p.counter(rec, "http_other", "requests")
	for _, name := range webClasses {
		p.counter(rec, name, "requests")
	}
	p.counter(rec, "http_000", "requests")
	p.bytes = p.counter(rec, "bytes", "bytes")
	p.hits = p.counter(rec, "hits", "requests")
	p.hitBytes = p.counter(rec, "hitBytes", "bytes")
	rec.Unit(rec.Derive("pctHit", metric.Shortest, metric.Percent(p.ids[p.hits], p.ids[p.requests])), "Percentage Hits")
	rec.Unit(rec.Derive("pctByteHit", metric.Shortest, metric.Percent(p.ids[p.hitBytes], p.ids[p.bytes])), "Percentage Bytes of Hits")
	p.elapsed = rec.Series("elapsed", metric.Timer, metric.Shortest)
	rec.Unit(p.elapsed, "seconds")
	p.codes.register(rec, &p.tally)
}

// squidRates are Logster's gauges of codes, in its order.
var squidRates = []string{"squid_TCP_MISS", "squid_TCP_DENIED", "squid_TCP_HIT", "squid_TCP_MEM_HIT", "squid_OTHER"}

// registerAlias declares what Logster sends. Its size is the sum of the second
// field, and that is milliseconds.
func (p *squid) registerAlias(rec *metric.Recorder) {
	p.requests = p.hidden(rec, "requests")
	p.classes = p.hidden(rec, "other")
	for _, name := range webClasses {
		p.hidden(rec, "n_"+name)
	}
	p.hidden(rec, "n_000")
	p.bytes, p.hits, p.hitBytes = p.hidden(rec, "bytes"), p.hidden(rec, "hits"), p.hidden(rec, "hitBytes")
	p.elapsed = rec.Series("elapsed", metric.Counter, metric.Shortest)
	rec.Hide(p.elapsed)
	codes := len(p.ids)
	for _, name := range squidRates {
		p.hidden(rec, "n_"+name)
	}
	p.deriveRates(rec, p.classes+1, webClasses, 1, "Responses per sec")
	size := rec.Derive("size", metric.PyFloat, metric.Rate(p.elapsed))
	rec.Unit(size, "Size per sec")
	rec.ZeroAs(size, metric.PyFloat)
	p.deriveRates(rec, codes, squidRates, 1, "Squid code per sec")
	p.codes.registerAlias(codes)
}

// Parse implements Parser.
func (p *squid) Parse(b Block, rec *metric.Recorder) Stats {
	return p.lines(b, rec, p.wantTime, p.line)
}

// line counts one line; timed is whether it has a stamp, if that was asked for.
func (p *squid) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	if len(line) == 0 {
		return Skipped, false
	}
	var r squidRecord
	native := r.native(line)
	if !native && !r.common(line) {
		return Rejected, false
	}
	if p.wantTime {
		timed = p.stamp(r.time, native, rec)
	}
	class, ok := squidClass(r.status)
	size, valid := size(r.size)
	if !ok || !valid {
		return Rejected, timed
	}
	if native && !p.took(r.elapsed, rec) {
		return Rejected, timed
	}
	code := p.codes.find(r.code, &p.tally, rec)
	p.n[p.requests]++
	p.n[p.classes+class]++
	p.n[p.bytes] += size
	p.n[code.place]++
	if code.hit {
		p.n[p.hits]++
		p.n[p.hitBytes] += size
	}
	return Matched, timed
}

func (p *squid) stamp(b []byte, native bool, rec *metric.Recorder) bool {
	var unix int64
	var ok bool
	if native {
		unix, _, ok = p.clock.Epoch(b)
	} else {
		unix, _, ok = p.clock.CLF(b)
	}
	if ok {
		p.at(unix, rec)
	}
	return ok
}

// took records the milliseconds a request took. They are negative when the
// clock was put back meanwhile.
func (p *squid) took(b []byte, rec *metric.Recorder) bool {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	n, ok := digits(b, len("999999999999"))
	if !ok {
		return false
	}
	ms := float64(n)
	if negative {
		ms = -ms
	}
	if p.alias {
		rec.Observe(p.elapsed, ms)
	} else {
		rec.Observe(p.elapsed, ms/1000)
	}
	return true
}

// squidClass returns the place of a status: 1 to 5, squidNoStatus for "000"
// and for "0", as the formats common and combined have it, and 0 for others.
func squidClass(b []byte) (class int, ok bool) {
	if len(b) == 1 && b[0] == '0' || string(b) == "000" {
		return squidNoStatus, true
	}
	return statusClass(b)
}
