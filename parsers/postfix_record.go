package parsers

import (
	"bytes"
	"math/bits"

	"github.com/logmetrics/logmetrics/internal/marks"
	"github.com/logmetrics/logmetrics/metric"
)

// minMessage and minKeyed are lengths in bytes under which no message is of
// interest, and none but "connect from x[::1]" is.
const (
	minMessage = 16
	minKeyed   = 24
)

// line counts one line, without its '\n'.
func (p *postfix) line(line []byte, rec *metric.Recorder) Verdict {
	tag, msg := p.header(line)
	return p.message(tag, msg, rec)
}

// message counts what header found. The message is looked at before the
// daemon: it is one branch that a processor foretells badly instead of two.
func (p *postfix) message(tag, msg []byte, rec *metric.Recorder) Verdict {
	if len(msg) < minKeyed {
		if len(msg) < minMessage {
			return Skipped
		}
		return p.connect(tag, msg)
	}
	// All messages of interest but one are "QID: to=", "QID: from=" or "QID: reject: ".
	n := colon(msg)
	if len(msg) < n+8 {
		return p.connect(tag, msg)
	}
	switch key := load(msg, n); {
	case key&toMask == toKey:
		if isQueueID(msg[:n]) {
			return p.delivery(msg[n+len(": to="):], tag, rec)
		}
	case key == fromKey:
		if isExpiry(msg) && isQueueID(msg[:n]) {
			return p.expiry(tag, msg[n+len(": from="):])
		}
	case key == rejectKey:
		return p.reject(tag, msg[:n], msg[n+len(": reject"):])
	default:
		return p.connect(tag, msg)
	}
	return Skipped
}

// What follows a queue id, as load reads it.
const (
	toKey     = 0x3d6f74203a // ": to="
	toMask    = 0xffffffffff
	fromKey   = 0x3c3d6d6f7266203a // ": from=<"
	rejectKey = 0x7463656a6572203a // ": reject"
)

// connect counts "connect from NAME[IP]" of smtpd.
func (p *postfix) connect(tag, msg []byte) Verdict {
	const text = "connect from "
	if string(msg[:len(text)]) != text || hasDaemon(tag) && !isDaemon(tag, "/smtpd") {
		return Skipped
	}
	p.tally[numConnect]++
	return Matched
}

// colon returns the index of the first ':' within the first 24 bytes of msg,
// which has minKeyed bytes or more; 24 when there is none.
func colon(msg []byte) int {
	m0, m1, m2 := hasByte(load(msg, 0), ':'), hasByte(load(msg, 8), ':'), hasByte(load(msg, 16), ':')
	n := bits.TrailingZeros64(m0) >> 3
	n1 := 8 + bits.TrailingZeros64(m1)>>3
	n2 := 16 + bits.TrailingZeros64(m2)>>3
	if m1 == 0 {
		n1 = n2
	}
	if m0 == 0 {
		n = n1
	}
	return n
}

// queueIDBytes is what queue ids are made of: upper-case hexadecimal digits,
// or digits and consonants. No word that Postfix puts before a message
// ("warning", "fatal", "error", "panic") is free of small vowels.
const queueIDBytes = "0123456789ABCDEFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

var (
	queueIDByte = byteSet(queueIDBytes)
	queueIDSet  = marks.NewSet(queueIDBytes)
)

// minQueueID is how many bytes the shortest queue ids have.
const minQueueID = 5

// isQueueID reports whether b can be a queue id.
func isQueueID(b []byte) bool {
	for _, c := range b {
		if !queueIDByte[c] {
			return false
		}
	}
	return len(b) >= minQueueID
}

func byteSet(s string) (set [256]bool) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

// postfixDelivery is what a record says; slices are the line's.
type postfixDelivery struct {
	tag, relay, delays, dsn, status []byte
	delay                           float64 // seconds
}

// delivery counts the record whose recipient b starts with:
//
//	<a>, [orig_to=<b>, ]relay=R, [conn_use=N, ]delay=D, [delays=a/b/c/d, ][dsn=x.y.z, ]status=WORD[ (text)]
//
// Its keys come in this order and the text is closed at the line's end, so
// that neither an address nor a reply can pass for one of them.
func (p *postfix) delivery(b, tag []byte, rec *metric.Recorder) Verdict {
	d := postfixDelivery{tag: tag}
	if !d.read(b) {
		return Rejected
	}
	return p.count(&d, rec)
}

// count counts a delivery that was read.
func (p *postfix) count(d *postfixDelivery, rec *metric.Recorder) Verdict {
	if p.detail != nil && !p.detail.record(d, rec) {
		return Rejected
	}
	if string(d.status) == "sent" { // four of five
		p.tally[numSent]++
		rec.Observe(p.delay, d.delay)
		return Matched
	}
	switch string(d.status) {
	case "deferred":
		p.tally[numDeferred]++
	case "bounced":
		p.tally[numBounced]++
	case "SOFTBOUNCE":
		p.tally[numSoftBounced]++
	case "deliverable":
		p.tally[numProbeDeliverable]++
	case "undeliverable", "undeliverable-but-not-cached":
		p.tally[numProbeUndeliverable]++
	default: // none that Postfix writes
		if p.detail == nil {
			return Skipped
		}
	}
	return Matched
}

// read reads b into d; false when it breaks off or does not follow the order.
func (d *postfixDelivery) read(b []byte) (ok bool) {
	if b, ok = afterAddress(b); !ok {
		return false
	}
	if rest, has := cutKey(b, ", orig_to="); has {
		if b, ok = afterAddress(rest); !ok {
			return false
		}
	}
	if b, ok = cutKey(b, ", relay="); !ok {
		return false
	}
	if d.relay, b = cutValue(b); b == nil {
		return false
	}
	if rest, has := cutKey(b, ", conn_use="); has {
		if _, b = cutValue(rest); b == nil {
			return false
		}
	}
	if b, ok = cutKey(b, ", delay="); !ok {
		return false
	}
	var n int
	if d.delay, n = decimal(b); n == 0 {
		return false
	}
	b = b[n:]
	if rest, has := cutKey(b, ", delays="); has { // since Postfix 2.3
		if d.delays, b = cutValue(rest); b == nil {
			return false
		}
	}
	if rest, has := cutKey(b, ", dsn="); has { // since Postfix 2.3
		if d.dsn, b = cutDSN(rest); b == nil {
			return false
		}
	}
	if b, ok = cutKey(b, ", status="); !ok {
		return false
	}
	d.status, ok = statusOf(b)
	return ok
}

// statusOf returns the word that "WORD[ (text)]" starts with.
func statusOf(b []byte) (word []byte, ok bool) {
	n := len("sent")
	if _, ok = cutKey(b, "sent ("); !ok {
		for n = 0; n < len(b) && (b[n]|0x20-'a' <= 'z'-'a' || b[n] == '-'); n++ {
		}
	}
	rest := b[n:]
	return b[:n], n > 0 && (closedText(rest) || closedText(trimCR(rest)))
}

// cutDSN is cutValue for what is most often as short as "2.0.0".
func cutDSN(b []byte) (value, rest []byte) {
	if len(b) >= 8 {
		if m := hasByte(load(b, 0), ','); m != 0 {
			n := bits.TrailingZeros64(m) >> 3
			return b[:n], b[n:]
		}
	}
	return cutValue(b)
}

// cutKey returns what follows key at the start of b.
func cutKey(b []byte, key string) (rest []byte, ok bool) {
	if len(b) < len(key) || string(b[:len(key)]) != key {
		return b, false
	}
	return b[len(key):], true
}

// cutValue returns what stands before the next comma, and the rest from it on;
// rest is nil when there is no comma.
func cutValue(b []byte) (value, rest []byte) {
	n := bytes.IndexByte(b, ',')
	if n < 0 {
		return nil, nil
	}
	return b[:n], b[n:]
}

// closedText reports whether b, what follows the status, is nothing or " (text)".
func closedText(b []byte) bool {
	return len(b) == 0 || len(b) >= 3 && b[0] == ' ' && b[1] == '(' && b[len(b)-1] == ')'
}

func trimCR(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\r")) }

// afterAddress returns what follows the "<address>" at the start of b. It ends
// at the first '>' outside double quotes, in which a backslash escapes: RFC
// 5321 lets a local part be `"x>, relay=y, status=sent (ok)"`.
func afterAddress(b []byte) (rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '<' {
		return b, false
	}
	n := bytes.IndexByte(b, '>')
	if n < 0 {
		return b, false
	}
	i := bytes.IndexByte(b[:n], '"')
	if i < 0 {
		return b[n+1:], true
	}
	quoted := false
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case c == '>' && !quoted:
			return b[i+1:], true
		}
	}
	return b, false
}

// isExpiry reports whether msg may be the queue manager's "QID: from=<a>,
// status=expired, returned to sender": nearly all its lines end otherwise.
func isExpiry(msg []byte) bool {
	last := msg[len(msg)-1]
	return (last == 'r' || last == '\r') && bytes.HasSuffix(trimCR(msg), []byte("expired, returned to sender"))
}

// expiry counts a message that isExpiry let pass, also "force-expired"; b
// starts with the sender's '<'.
func (p *postfix) expiry(tag, b []byte) Verdict {
	if hasDaemon(tag) && !isDaemon(tag, "/qmgr") {
		return Skipped
	}
	b, ok := afterAddress(trimCR(b))
	if !ok || string(b) != ", status=expired, returned to sender" && string(b) != ", status=force-expired, returned to sender" {
		return Rejected
	}
	p.tally[numExpired]++
	return Matched
}

// reject counts smtpd's "NOQUEUE: reject: STAGE from NAME[IP]: CODE text": who
// is the message's first word and b follows ": reject". Where syslog lost the
// daemon's name, postscreen's rejects ("from [IP]:PORT: CODE text") look alike
// enough to be counted; cleanup's ("reject: header Subject") do not.
func (p *postfix) reject(tag, who, b []byte) Verdict {
	b, ok := cutKey(b, ": ")
	if !ok || string(who) != "NOQUEUE" && !isQueueID(who) {
		return Skipped
	}
	stage := bytes.IndexByte(b, ' ')
	if hasDaemon(tag) {
		ok = isDaemon(tag, "/smtpd")
	} else {
		ok = stage > 0 && b[0]-'A' <= 'Z'-'A' && bytes.HasPrefix(b[stage:], []byte(" from "))
	}
	if !ok {
		return Skipped
	}
	p.tally[numReject]++
	if stage > 0 && blockListed(b[stage:]) {
		p.tally[numRbl]++
	}
	return Matched
}

// blockListed reports whether b, " from NAME[IP]: CODE text", gives a block
// list as the reason, in the words of Postfix's default_rbl_reply: "554 5.7.1
// Service unavailable; Client host [192.0.2.1] blocked using ZONE". Client
// host may be Helo command, Sender address and so on; postscreen has client.
func blockListed(b []byte) bool {
	bracket := bytes.IndexByte(b, ']')
	if bracket < 0 {
		return false
	}
	code := bytes.Index(b[bracket:], []byte(": "))
	if code < 0 {
		return false
	}
	b = b[bracket+code+2:]
	const reason = "Service unavailable; "
	text := bytes.Index(b[:min(len(b), len("554 5.7.123 ")+len(reason))], []byte(reason))
	if text < 0 {
		return false
	}
	b = b[text+len(reason):]
	open := bytes.IndexByte(b, '[')
	return open > 0 && open <= len("Recipient address ") && bytes.Contains(b, []byte("] blocked using "))
}
