package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/internal/newline"
	"github.com/logmetrics/logmetrics/metric"
)

// PostfixParser counts what Postfix did with mail:
//
//	Nov 21 03:08:56 mx postfix/smtp[601]: 4F0AC5E: to=<ann@example.org>, relay=mx.example.org[192.0.2.7]:25,
//	    delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7D3F1)
//
// is one line and gives numSent 1 and delay 0.35 s. docs/parsers.md names all
// series. Deliveries are counted, not messages: a message to two recipients is
// two, a message that passes a filter or a second instance is counted in both.
//
// An address, a reply and a rejected command are an attacker's text. A record
// is therefore read from the left, key by key, and only as the whole message
// of a Postfix program; see postfix_record.go.
type postfix struct {
	wantTime bool
	clock    *logtime.Reader
	now      int64 // of the line before, when timed
	timed    bool
	nowText  [2]uint64 // the 16 bytes that gave now, when they are a whole stamp

	ids   [postfixCounters]metric.ID
	tally [postfixCounters]uint64 // counted since the recorder was last told
	delay metric.ID

	// host is the last line's, with the space before and the one after it: the
	// next line most often has the same.
	host []byte

	ends    lineEnds // scratch
	scratch postfixBatch

	detail *postfixDetail // nil without the options that ask for it
}

// postfixCounter is a place in postfix.ids and postfix.tally.
type postfixCounter uint8

const (
	numSent postfixCounter = iota
	numDeferred
	numBounced
	numSoftBounced
	numExpired
	numProbeDeliverable
	numProbeUndeliverable
	numConnect
	numReject
	numRbl
	postfixCounters
)

// postfixHidden names the counters that Logster's gauges are derived from.
// Those that Logster does not have are counted and not sent.
var postfixHidden = [postfixCounters]string{
	"sent", "deferred", "bounced", "softBounced", "expired", "probeDeliverable", "probeUndeliverable", "connect", "reject", "rbl",
}

func newPostfix(opt Options, rec *metric.Recorder) (Parser, error) {
	p := &postfix{wantTime: opt.WantTime, clock: logtime.New(opt.Zone), host: make([]byte, 0, maxHost+2)}
	if opt.Alias {
		p.registerAlias(rec)
	} else {
		p.register(rec)
	}
	var err error
	p.detail, err = newPostfixDetail(opt.Args, rec)
	return p, err
}

// register declares the series, Logster's nine first and in its order.
func (p *postfix) register(rec *metric.Recorder) {
	counter := func(c postfixCounter, name, unit string) {
		p.ids[c] = rec.Series(name, metric.Counter, metric.Shortest)
		rec.Unit(p.ids[c], unit)
	}
	gauge := func(name, unit string, value func(metric.View) (float64, bool)) {
		rec.Unit(rec.Derive(name, metric.Shortest, value), unit)
	}
	counter(numSent, "numSent", "Total Sent")
	gauge("pctSent", "Percentage Sent", p.percent(numSent))
	counter(numDeferred, "numDeferred", "Total Deferred")
	gauge("pctDeferred", "Percentage Deferred", p.percent(numDeferred))
	counter(numBounced, "numBounced", "Total Bounced")
	gauge("pctBounced", "Percentage Bounced", p.percent(numBounced))
	gauge("mailTxnsSec", "Transactions per sec", p.perSecond(numSent, numDeferred, numBounced))
	gauge("mailSentSec", "Sends per sec", p.perSecond(numSent))
	gauge("avgDelay", "Average Sending Delay", p.avgDelay)
	counter(numSoftBounced, "numSoftBounced", "Total Soft Bounced")
	counter(numExpired, "numExpired", "Total Expired")
	counter(numProbeDeliverable, "numProbeDeliverable", "Total Probes Deliverable")
	counter(numProbeUndeliverable, "numProbeUndeliverable", "Total Probes Undeliverable")
	counter(numConnect, "numConnect", "Total Connections")
	counter(numReject, "numReject", "Total Rejected")
	counter(numRbl, "numRbl", "Total Rejected by Block Lists")
	p.delay = rec.Series("delay", metric.Timer, metric.Shortest)
	rec.Unit(p.delay, "seconds")
}

// registerAlias declares what Logster sends: nine gauges, each always.
func (p *postfix) registerAlias(rec *metric.Recorder) {
	for c := range p.ids {
		p.ids[c] = rec.Series(postfixHidden[c], metric.Counter, metric.Shortest)
		rec.Hide(p.ids[c])
	}
	p.delay = rec.Series("delay", metric.Timer, metric.Shortest)
	rec.Hide(p.delay)
	gauge := func(name, unit string, form, zero metric.Form, value func(metric.View) (float64, bool)) {
		id := rec.Derive(name, form, value)
		rec.Unit(id, unit)
		rec.ZeroAs(id, zero)
	}
	pair := func(c postfixCounter, word string) {
		gauge("num"+word, "Total "+word, metric.PyInt, metric.PyInt, func(v metric.View) (float64, bool) { return v.Sum(p.ids[c]), true })
		gauge("pct"+word, "Percentage "+word, metric.PyFloat, metric.PyFloat, p.percent(c))
	}
	pair(numSent, "Sent")
	pair(numDeferred, "Deferred")
	pair(numBounced, "Bounced")
	// Logster's rates and average start as the int 0 and become floats when computed.
	gauge("mailTxnsSec", "Transactions per sec", metric.PyFloat, metric.PyInt, p.perSecond(numSent, numDeferred, numBounced))
	gauge("mailSentSec", "Sends per sec", metric.PyFloat, metric.PyInt, p.perSecond(numSent))
	gauge("avgDelay", "Average Sending Delay", metric.PyFloat, metric.PyInt, p.avgDelay)
}

// The functions below are for Derive. They look up p.ids when called: a
// percentage is declared before some of the counters it is of.

func (p *postfix) percent(part postfixCounter) func(metric.View) (float64, bool) {
	return func(v metric.View) (float64, bool) {
		return metric.Percent(p.ids[part], p.ids[numSent], p.ids[numDeferred], p.ids[numBounced])(v)
	}
}

func (p *postfix) perSecond(parts ...postfixCounter) func(metric.View) (float64, bool) {
	return func(v metric.View) (float64, bool) {
		if v.Seconds() <= 0 {
			return 0, false
		}
		total := 0.0
		for _, c := range parts {
			total += v.Sum(p.ids[c])
		}
		return total / v.Seconds(), true
	}
}

func (p *postfix) avgDelay(v metric.View) (float64, bool) {
	b := v.Bucket(p.delay)
	return b.Mean(), b.Count > 0
}

// Parse implements Parser.
func (p *postfix) Parse(b Block, rec *metric.Recorder) (st Stats) {
	p.clock.Newest(b.Newest)
	p.timed = false
	var verdicts [Rejected + 1]int
	for start, next := 0, 0; next < len(b.Bytes); {
		var n int
		n, next = newline.Ends(p.ends[:], b.Bytes, next)
		st.Lines += n
		if !p.wantTime && n > 0 {
			matched, rejected := p.batch(b.Bytes, start, p.ends[:n], rec)
			verdicts[Matched] += matched
			verdicts[Rejected] += rejected
			verdicts[Skipped] += n - matched - rejected
			start = int(p.ends[n-1]) + 1
			continue
		}
		for _, end := range p.ends[:n] {
			line := b.Bytes[start:end]
			start = int(end) + 1
			if p.wantTime && !p.at(line, rec) {
				st.Untimed++
			}
			verdicts[p.line(line, rec)]++
		}
	}
	p.settle(rec)
	st.Skipped, st.Rejected = verdicts[Skipped], verdicts[Rejected]
	return st
}

// settle tells the recorder what was counted since the last call.
func (p *postfix) settle(rec *metric.Recorder) {
	for c, n := range p.tally {
		if n > 0 {
			rec.Inc(p.ids[c], n)
			p.tally[c] = 0
		}
	}
}

// at tells the recorder the line's time; false when it has none that can be read.
func (p *postfix) at(line []byte, rec *metric.Recorder) bool {
	var text [2]uint64
	if len(line) >= 16 && isRFC3164(line) {
		text = [2]uint64{load(line, 0), load(line, 8)}
		if p.timed && text == p.nowText {
			rec.At(p.now)
			return true
		}
	}
	unix, ok := p.stamp(line)
	if !ok {
		return false
	}
	if !p.timed || unix != p.now {
		p.settle(rec) // what was counted belongs to the time before
	}
	rec.At(unix)
	p.now, p.timed, p.nowText = unix, true, text
	return true
}

// stamp reads the stamp of a header in any of the layouts that header takes.
func (p *postfix) stamp(line []byte) (unix int64, ok bool) {
	line = line[priority(line):]
	if bytes.HasPrefix(line, []byte("1 ")) {
		line = line[2:]
	}
	if len(line) > 0 && isDigit(line[0]) {
		unix, _, ok = p.clock.ISO8601(line)
	} else {
		unix, _, ok = p.clock.RFC3164(line)
	}
	return unix, ok
}
