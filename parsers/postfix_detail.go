package parsers

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// postfixDetail tells deliveries apart by more than their status. Each option
// has a name of its own, with the status as a tag: under it the series add up
// to all deliveries, and no sum over names counts a delivery twice.
type postfixDetail struct {
	transports, dsns, relays, stages *metric.Family // nil without their option
}

// postfixStages are the four parts of delays=, in its order.
var postfixStages = [4][]byte{[]byte("before_qmgr"), []byte("qmgr"), []byte("connect"), []byte("transmit")}

// newPostfixDetail reads the parser's options; nil when none asks for detail.
func newPostfixDetail(args []string, rec *metric.Recorder) (*postfixDetail, error) {
	fs := newFlags("PostfixParser")
	transport := fs.Bool("by-transport", false, "count deliveries by transport and status: byTransport;status=,transport=")
	dsn := fs.Bool("by-dsn", false, "count deliveries by DSN class and status: byDsn;dsn=,status=")
	relay := fs.Bool("by-relay", false, "count deliveries by relay's host and status: byRelay;relay=,status=")
	stages := fs.Bool("stages", false, "time deliveries by stage and status: stages;stage=,status=")
	if err := parseFlags(fs, args); err != nil {
		return nil, err
	}
	d := new(postfixDetail)
	if *transport {
		d.transports = rec.Family("byTransport", metric.Counter, "status", "transport")
	}
	if *dsn {
		d.dsns = rec.Family("byDsn", metric.Counter, "dsn", "status")
	}
	if *relay {
		d.relays = rec.Family("byRelay", metric.Counter, "relay", "status")
	}
	if *stages {
		d.stages = rec.Family("stages", metric.Timer, "stage", "status")
	}
	if *d == (postfixDetail{}) {
		return nil, nil
	}
	return d, nil
}

// record counts one delivery, of whatever status, and reports whether it could
// be read as far as the options ask; if not, nothing is counted.
func (d *postfixDetail) record(r *postfixDelivery, rec *metric.Recorder) bool {
	if d.stages != nil && !d.time(r, rec) {
		return false
	}
	if d.transports != nil {
		rec.Inc(d.transports.ID(r.status, transport(r.tag)), 1)
	}
	if d.dsns != nil {
		rec.Inc(d.dsns.ID(dsnClass(r.dsn), r.status), 1)
	}
	if d.relays != nil {
		rec.Inc(d.relays.ID(relayHost(r.relay), r.status), 1)
	}
	return true
}

// time records the four delays of a delivery; Postfix before 2.3 wrote none.
func (d *postfixDetail) time(r *postfixDelivery, rec *metric.Recorder) bool {
	if r.delays == nil {
		return true
	}
	var seconds [len(postfixStages)]float64
	if !splitDelays(r.delays, &seconds) {
		return false
	}
	for i, v := range seconds {
		rec.Observe(d.stages.ID(postfixStages[i], r.status), v)
	}
	return true
}

// splitDelays reads "a/b/c/d".
func splitDelays(b []byte, seconds *[len(postfixStages)]float64) bool {
	for i := range seconds {
		v, n := decimal(b)
		if n == 0 {
			return false
		}
		seconds[i], b = v, b[n:]
		if i < len(seconds)-1 {
			if len(b) == 0 || b[0] != '/' {
				return false
			}
			b = b[1:]
		}
	}
	return len(b) == 0
}

// transport returns the tag behind the syslog name: "smtp", "relay/smtp". A tag
// that syslog has cut at the slash stays whole.
func transport(tag []byte) []byte {
	return tag[bytes.IndexByte(tag, '/')+1:]
}

// dsnClass returns "2", "4" or "5"; "none" before Postfix 2.3, which has no dsn=.
func dsnClass(dsn []byte) []byte {
	if len(dsn) == 0 {
		return []byte("none")
	}
	return dsn[:1]
}

// relayHost returns the relay without address and port: the host of
// "host[192.0.2.7]:25", all of "local", "none" and a pipe's name.
func relayHost(relay []byte) []byte {
	if n := bytes.IndexByte(relay, '['); n > 0 {
		return relay[:n]
	}
	return relay
}
