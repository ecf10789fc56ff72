package parsers

import (
	"math"

	"github.com/logmetrics/logmetrics/internal/logformat"
	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// AccessParser counts the requests of a web server's access log:
//
//	192.0.2.7 - - [20/Nov/2026:22:02:20 -0500] "GET /a HTTP/1.1" 200 7 "-" "curl/8.4.0"
//
// gives requests 1, http_2xx 1 and bytes 7. docs/parsers.md names all series.
//
// The target, the user's name, the referer and the user agent are an
// attacker's text. Both servers escape quotes in it, so the status is what
// stands behind the request's closing quote, and nothing else can be it.
type access struct {
	wantTime bool
	clock    *logtime.Reader
	scanner  *logformat.Access
	fields   logformat.AccessFields

	tally
	classes                    int // place of http_other, http_1xx .. http_5xx
	requests, bytes, malformed int // -1: not in the format

	requestTime, upstreamTime metric.ID
	perSecond                 float64 // units of the logged request time; 0: not in the format
	upstream                  bool

	by *accessBy // nil without --by
}

// accessCommon is the part that common, combined and both with further fields
// share. In vhost_combined the host and port stand before it.
const accessCommon = `%h %l %u %t "%r" %>s %b`

// webClasses names the five classes of statuses by their first digit.
var webClasses = []string{"http_1xx", "http_2xx", "http_3xx", "http_4xx", "http_5xx"}

func newAccess(opt Options, rec *metric.Recorder) (Parser, error) {
	fs := newFlags("AccessParser")
	format := fs.String("format", "", "the `format` of the lines: nginx's log_format or Apache's LogFormat string (default: common, combined or vhost_combined, as the line is)")
	by := fs.String("by", "", "also count requests by these `keys`, joined by commas: status, method, vhost")
	if err := parseFlags(fs, opt.Args); err != nil {
		return nil, err
	}
	p := &access{wantTime: opt.WantTime, clock: logtime.New(opt.Zone)}
	var err error
	if p.by, err = newAccessBy(*by, *format == ""); err != nil {
		return nil, fs.wrong(err)
	}
	if p.scanner, err = p.compile(*format); err != nil {
		return nil, fs.wrong(err)
	}
	p.register(rec)
	if opt.Alias {
		p.dressUp(rec)
	}
	if p.by != nil {
		p.by.register(rec)
	}
	return p, nil
}

// compile makes the scanner, which looks for no more than is counted.
func (p *access) compile(format string) (*logformat.Access, error) {
	if format == "" {
		format = accessCommon
	}
	want := []logformat.AccessField{logformat.Status, logformat.Request, logformat.Bytes, logformat.RequestTime, logformat.UpstreamTime}
	if p.wantTime {
		want = append(want, logformat.Time)
	}
	want = append(want, p.by.fields()...)
	s, err := logformat.CompileAccess(format, want...)
	if err != nil {
		return nil, err
	}
	return s, requireFields(s, p.by)
}

// register declares the series.
func (p *access) register(rec *metric.Recorder) {
	p.requests = p.counter(rec, "requests", "requests")
	p.classes = p.counter(rec, "http_other", "requests")
	for _, name := range webClasses {
		p.counter(rec, name, "requests")
	}
	p.bytes, p.malformed = -1, -1
	if p.scanner.Has(logformat.Bytes) {
		p.bytes = p.counter(rec, "bytes", "bytes")
	}
	if p.scanner.Has(logformat.Request) {
		p.malformed = p.counter(rec, "malformed", "requests")
	}
	if p.perSecond = p.scanner.TimesPerSecond(); p.perSecond > 0 {
		p.requestTime = rec.Series("request_time", metric.Timer, metric.Shortest)
		rec.Unit(p.requestTime, "seconds")
	}
	if p.upstream = p.scanner.Has(logformat.UpstreamTime); p.upstream {
		p.upstreamTime = rec.Series("upstream_time", metric.Timer, metric.Shortest)
		rec.Unit(p.upstreamTime, "seconds")
	}
}

// dressUp sends what Logster's SampleLogster sends in place of the parser's own.
func (p *access) dressUp(rec *metric.Recorder) {
	for _, id := range p.ids {
		rec.Hide(id)
	}
	if p.perSecond > 0 {
		rec.Hide(p.requestTime)
	}
	if p.upstream {
		rec.Hide(p.upstreamTime)
	}
	p.deriveRates(rec, p.classes+1, webClasses, 1, "Responses per sec")
}

// Parse implements Parser.
func (p *access) Parse(b Block, rec *metric.Recorder) Stats {
	st := p.lines(b, rec, p.wantTime, p.line)
	p.fields = logformat.AccessFields{} // they are parts of the block
	return st
}

// line counts one line; timed is whether it has a stamp, if that was asked for.
func (p *access) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	if len(line) == 0 {
		return Skipped, false
	}
	f := &p.fields
	if !p.scanner.Scan(line, f) {
		return Rejected, false
	}
	if p.wantTime {
		timed = p.stamp(f[logformat.Time], rec)
	}
	status := f[logformat.Status]
	class, ok := statusClass(status)
	var bytes uint64
	if p.bytes >= 0 {
		n, valid := size(f[logformat.Bytes])
		bytes, ok = n, ok && valid
	}
	if !ok || !p.times(rec) {
		return Rejected, timed
	}
	p.n[p.requests]++
	p.n[p.classes+class]++
	if p.bytes >= 0 {
		p.n[p.bytes] += bytes
	}
	if p.malformed >= 0 && methodLen(f[logformat.Request]) == 0 {
		p.n[p.malformed]++
	}
	if p.by != nil {
		p.by.count(line, f, rec)
	}
	return Matched, timed
}

// stamp reads the line's time, as the format writes it.
func (p *access) stamp(b []byte, rec *metric.Recorder) bool {
	var unix int64
	var ok bool
	switch p.scanner.TimeLayout() {
	case logformat.CLF:
		unix, _, ok = p.clock.CLF(b)
	case logformat.ISO8601:
		unix, _, ok = p.clock.ISO8601(b)
	case logformat.Epoch:
		unix, _, ok = p.clock.Epoch(b)
	case logformat.EpochMicros:
		unix, _, ok = p.clock.Epoch(b[:max(0, len(b)-len("000000"))])
	}
	if ok {
		p.at(unix, rec)
	}
	return ok
}

// times observes the line's durations, or none if one cannot be read.
func (p *access) times(rec *metric.Recorder) bool {
	request, upstream, ok := none, none, true
	if p.perSecond > 0 {
		request, ok = duration(p.fields[logformat.RequestTime], p.perSecond)
	}
	if ok && p.upstream {
		upstream, ok = durations(p.fields[logformat.UpstreamTime])
	}
	if !ok {
		return false
	}
	if !math.IsNaN(request) {
		rec.Observe(p.requestTime, request)
	}
	if !math.IsNaN(upstream) {
		rec.Observe(p.upstreamTime, upstream)
	}
	return true
}
