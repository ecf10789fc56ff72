package parsers

import (
	"bytes"
	"math/bits"
)

// maxHost bounds what is remembered of a host's name, in bytes.
const maxHost = 256

// header finds the message of a line that a Postfix daemon wrote. tag is the
// syslog tag without the process id, empty when it is no tag of Postfix.
//
// Headers are those of RFC 3164 ("Nov  1 03:08:44 HOST TAG[PID]: "), the same
// with an RFC 3339 stamp, both with or without "<PRI>", and those of RFC 5424
// ("<PRI>1 STAMP HOST TAG PID MSGID DATA "). The first two may come without
// HOST, as programs write to /dev/log. Nearly all lines name the host of
// the line before; those go the fast way, which decides nothing that grammar
// would decide otherwise.
func (p *postfix) header(line []byte) (tag, msg []byte) {
	if len(line) > 0 && line[0] == '<' {
		return p.behindPriority(line)
	}
	start := 15
	if len(line) < minStamped || !isRFC3164(line) {
		start = stampEnd(line)
	}
	at := start + len(p.host)
	if start == 0 || len(line) < at+fastTail || len(p.host) == 0 || string(line[start:at]) != string(p.host) {
		return p.grammar(line)
	}
	b := line[at:]
	end, slash := fastTag(b[:fastTail])
	switch c := b[end]; {
	case c == '[' && slash && end <= maxFast:
		if text := afterPID(b[end+1 : fastTail]); text > 0 {
			return b[:end], b[end+1+text:]
		}
	case (c == '[' || c == ':') && !slash && load(b, 0)<<8 != load([]byte("postfix\x00"), 0)<<8:
		return nil, nil // another program
	}
	return p.grammar(line)
}

// behindPriority is header for a line that begins with '<'.
func (p *postfix) behindPriority(line []byte) (tag, msg []byte) {
	rest := line[priority(line):]
	if len(rest) == len(line) || len(rest) == 0 || rest[0] == '<' || bytes.HasPrefix(rest, []byte("1 ")) {
		return p.grammar(line)
	}
	return p.header(rest)
}

// fastTail is how many bytes fastTag and afterPID look at: a tag of up to
// maxFast, a process id of up to 8, and what stands around them. The shortest
// lines that are many, "postfix/qmgr[1234]: 4F0AC5E123: removed", have as many.
const (
	fastTail = maxFast + len("[12345678]: x")
	maxFast  = 27
)

// fastTag returns where the tag at the start of b, which has fastTail bytes,
// may end, and whether there is a slash in it. Where it ends is for b[end] to
// say: it is no byte of a tag, or not one that is worth a step here.
func fastTag(b []byte) (end int, slash bool) {
	if load(b, 0) == load([]byte("postfix/"), 0) {
		end, slash = 8, true
	}
	for end <= maxFast {
		w := load(b, end)
		// Letters have the bit 0x40; digits, '-', '/', ':' and ' ' do not.
		stop := ^w<<1&tops | hasByte(w, '[')
		end += bits.TrailingZeros64(stop) >> 3
		if stop == 0 {
			continue // 64 >> 3 is a step of a word
		}
		if b[end] == '[' {
			return end, slash
		}
		switch b[end] {
		case '/':
			slash = true
		case '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		default:
			return end, slash
		}
		end++
	}
	return end, slash
}

// afterPID returns where the message starts in b, which is what follows the
// '['; 0 when that is not "PID]: " and something other than a space.
func afterPID(b []byte) int {
	n := bits.TrailingZeros64(hasByte(load(b, 0), ']')) >> 3
	if b[n] != ']' || b[n+1] != ':' || b[n+2] != ' ' || b[n+3] == ' ' {
		return 0
	}
	return n + 3
}

// stampEnd returns the index of the space after the stamp that line starts
// with, 0 when it starts with none. Only the form is checked: the time itself
// is read when it is wanted.
func stampEnd(line []byte) int {
	if len(line) < minStamped {
		return 0
	}
	if isRFC3164(line) {
		return 15
	}
	w0, w1 := load(line, 0), load(line, 8)
	const ( // "2026-11-" "21T03:08" ":44.984189+00:00 "
		mask2, form2 = 0xff0000ff00000000, 0x2d00002d00000000
		mask3, form3 = 0x0000ff0000ff0000, 0x00003a0000540000
	)
	if w0&mask2 == form2 && w1&mask3 == form3 && line[16] == ':' {
		return max(0, bytes.IndexByte(line[:min(len(line), maxStamp)], ' '))
	}
	if line[3] == ' ' && line[5] == ' ' && line[8] == ':' && line[11] == ':' && line[14] == ' ' { // "Jan 1 00:00:00 "
		return 14
	}
	return 0
}

// isRFC3164 reports whether line, of 16 bytes or more, starts as "Nov 21 03:08:44 ".
func isRFC3164(line []byte) bool {
	const ( // "Nov 21 0" "3:08:44 "
		mask0, form0 = 0x00ff0000ff000000, 0x0020000020000000
		mask1, form1 = 0xff0000ff0000ff00, 0x2000003a00003a00
	)
	return load(line, 0)&mask0 == form0 && load(line, 8)&mask1 == form1
}

// minStamped is less than any line with a header and a message, in bytes;
// maxStamp is more than any stamp.
const (
	minStamped = 20
	maxStamp   = 48
)

// priority returns the length of the "<PRI>" at the start of line, 0 without one.
func priority(line []byte) int {
	if len(line) == 0 || line[0] != '<' {
		return 0
	}
	for i := 1; i < len(line) && i < 5; i++ {
		if line[i] == '>' && i > 1 {
			return i + 1
		}
		if !isDigit(line[i]) {
			break
		}
	}
	return 0
}

// grammar is header for any line. It remembers what header may expect of the next.
func (p *postfix) grammar(line []byte) (tag, msg []byte) {
	pri := priority(line)
	line = line[pri:]
	if pri > 0 && bytes.HasPrefix(line, []byte("1 ")) {
		return ofPostfix(rfc5424(line[2:]))
	}
	start := stampEnd(line)
	if start == 0 {
		return nil, nil
	}
	host := bytes.IndexByte(line[start+1:], ' ')
	if host <= 0 {
		return nil, nil
	}
	rest := start + 1 + host + 1
	if tag, _ := tagged(line[start+1 : rest]); tag != nil {
		return ofPostfix(tagged(line[start+1:])) // no host: what follows is the message, whatever it looks like
	}
	if host < maxHost {
		p.host = append(p.host[:0], line[start:rest]...)
	}
	return ofPostfix(tagged(line[rest:]))
}

// maxTag bounds a tag and, apart from it, a process id, in bytes.
const maxTag = 128

// tagged reads "TAG[PID]: MESSAGE" or "TAG: MESSAGE"; tag is nil when it is not so.
func tagged(b []byte) (tag, msg []byte) {
	n := 0
	for limit := min(len(b), maxTag); n < limit && b[n] != '[' && b[n] != ':' && b[n] != ' '; n++ {
	}
	if n == 0 || n == min(len(b), maxTag) {
		return nil, nil
	}
	end := n
	if b[n] == '[' {
		pid := bytes.IndexByte(b[n:min(len(b), n+maxTag)], ']')
		if pid < 0 {
			return nil, nil
		}
		end += pid + 1
	}
	if !bytes.HasPrefix(b[end:], []byte(": ")) {
		return nil, nil
	}
	return b[:n], bytes.TrimLeft(b[end+2:], " ")
}

// rfc5424 reads "STAMP HOST APP PROCID MSGID DATA MESSAGE". rsyslog leaves a
// second space before the message.
func rfc5424(b []byte) (app, msg []byte) {
	for field := range 5 {
		n := bytes.IndexByte(b, ' ')
		if n <= 0 {
			return nil, nil
		}
		if field == 2 {
			app = b[:n]
		}
		b = b[n+1:]
	}
	b = afterData(b)
	if len(b) == 0 || b[0] != ' ' {
		return nil, nil
	}
	return app, bytes.TrimPrefix(bytes.TrimLeft(b, " "), []byte("\ufeff"))
}

// afterData returns what follows the structured data at the start of b: "-" or
// elements as `[id key="value"]`, in whose values a backslash escapes.
func afterData(b []byte) []byte {
	if len(b) > 0 && b[0] == '-' {
		return b[1:]
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted && (i+1 == len(b) || b[i+1] != '['):
			return b[i+1:]
		case i == 0 && c != '[':
			return nil
		}
	}
	return nil
}

// ofPostfix returns its arguments if tag is one of Postfix. Postfix writes
// "SYSLOG_NAME/DAEMON", where the name is the administrator's; some syslog
// daemons cut the tag at the slash, and then only the stock name is believed.
func ofPostfix(tag, msg []byte) (_, _ []byte) {
	if bytes.IndexByte(tag, '/') >= 0 || bytes.HasPrefix(tag, []byte("postfix")) {
		return tag, msg
	}
	return nil, nil
}

// isDaemon reports whether a tag of Postfix is of the daemon with the given
// name, as "/smtpd": what follows the last slash.
func isDaemon(tag []byte, name string) bool {
	n := len(tag) - len(name)
	return n >= 0 && string(tag[n:]) == name
}

// hasDaemon reports whether a tag of Postfix names the daemon. Where it does
// not, only the shape of the message tells who wrote it.
func hasDaemon(tag []byte) bool { return bytes.IndexByte(tag, '/') >= 0 }
