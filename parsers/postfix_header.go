package parsers

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// What a line's tag says about who wrote it.
type postfixDaemon uint8

const (
	noPostfix     postfixDaemon = iota // another program
	unnamedDaemon                      // "postfix" alone: syslog lost the rest, or it is the postfix command
	otherDaemon                        // any that only the shape of its messages tells
	smtpdDaemon
	qmgrDaemon
)

// maxBetween bounds what is remembered of host and tag, in bytes: host names have at most 255.
const maxBetween = 320

// minMessage is the length in bytes under which no message is of interest:
// "connect from x[::1]" is 19 long.
const minMessage = 16

// header finds the message of a line that a Postfix daemon wrote. tag is the
// syslog tag without the process id.
//
// Headers are those of RFC 3164 ("Nov  1 03:08:44 HOST TAG[PID]: "), the same
// with an RFC 3339 stamp, both with or without "<PRI>", and those of RFC 5424
// ("<PRI>1 STAMP HOST TAG PID MSGID DATA "). Nearly all lines have the header
// of the line before but for time, daemon and process; those go the fast way,
// which takes no line that postfixGrammar would read otherwise.
func (p *postfix) header(line []byte) (daemon postfixDaemon, tag, msg []byte) {
	start := stampEnd(line)
	slash := start + len(p.between)
	if start > 0 && len(line) >= slash+fastTail && len(p.between) > 0 && string(line[start:slash]) == string(p.between) {
		if end, text := fastTag(line[slash : slash+fastTail]); text > 0 {
			tag = line[start+1 : slash+end]
			return daemonOf(tag), tag, line[slash+text:]
		}
	}
	return p.grammar(line)
}

// fastTail is how many bytes fastTag looks at: a daemon of up to 23, a process
// id of up to 7, and what stands around them.
const fastTail = 40

// fastTag reads "smtp[123456]: " at the start of b, which has fastTail bytes.
// end is the tag's end and text the message's start, 0 when it is not so.
func fastTag(b []byte) (end, text int) {
	for end < 24 {
		w := load(b, end)
		if stop := hasByte(w, '[') | hasByte(w, ' ') | hasByte(w, ':'); stop != 0 {
			end += bits.TrailingZeros64(stop) >> 3
			break
		}
		end += 8
	}
	if b[end] != '[' || end == 24 {
		return 0, 0
	}
	n := end + 1 + bits.TrailingZeros64(hasByte(load(b, end+1), ']'))>>3
	if b[n] != ']' || b[n+1] != ':' || b[n+2] != ' ' || b[n+3] == ' ' {
		return 0, 0
	}
	return end, n + 3
}

// load reads eight bytes at i, the first as the lowest.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

// hasByte sets the top bit of the lowest byte of w that is c. It is 0 when none
// is; bits above the lowest one that is set mean nothing.
func hasByte(w uint64, c byte) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	w ^= ones * uint64(c)
	return (w - ones) &^ w & tops
}

// stampEnd returns the index of the space after the stamp that line starts
// with, 0 when it starts with none. Only the form is checked: the time itself
// is read when it is wanted.
func stampEnd(line []byte) int {
	if len(line) < minStamped {
		return 0
	}
	w0, w1 := load(line, 0), load(line, 8)
	const ( // "Nov 21 0" "3:08:44 "
		mask0, form0 = 0x00ff0000ff000000, 0x0020000020000000
		mask1, form1 = 0xff0000ff0000ff00, 0x2000003a00003a00
	)
	if w0&mask0 == form0 && w1&mask1 == form1 {
		return 15
	}
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

func isDigit(c byte) bool { return c-'0' <= 9 }

// grammar is header for any line. It remembers what header may expect of the next.
func (p *postfix) grammar(line []byte) (daemon postfixDaemon, tag, msg []byte) {
	pri := priority(line)
	line = line[pri:]
	if pri > 0 && bytes.HasPrefix(line, []byte("1 ")) {
		tag, msg = rfc5424(line[2:])
		return programOf(tag), tag, msg
	}
	start := stampEnd(line)
	if start == 0 {
		return noPostfix, nil, nil
	}
	host := bytes.IndexByte(line[start+1:], ' ')
	if host <= 0 {
		return noPostfix, nil, nil
	}
	rest := line[start+1+host+1:]
	tag, msg = tagged(rest)
	daemon = programOf(tag)
	if slash := bytes.IndexByte(tag, '/'); slash >= 0 && pri == 0 && host+slash < maxBetween {
		p.between = append(p.between[:0], line[start:start+1+host+1+slash+1]...)
	}
	return daemon, tag, msg
}

// maxTag bounds a tag and, apart from it, a process id, in bytes.
const maxTag = 128

// tagged reads "TAG[PID]: MESSAGE" or "TAG: MESSAGE"; tag is nil when it is not so.
func tagged(b []byte) (tag, msg []byte) {
	n := bytes.IndexAny(b[:min(len(b), maxTag)], "[: ")
	if n <= 0 {
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

// programOf tells a tag of Postfix from others. Postfix writes
// "SYSLOG_NAME/DAEMON", where the name is the administrator's; some syslog
// daemons cut the tag at the slash, and then only the stock name is believed.
func programOf(tag []byte) postfixDaemon {
	switch {
	case bytes.IndexByte(tag, '/') >= 0:
		return daemonOf(tag)
	case bytes.HasPrefix(tag, []byte("postfix")):
		return unnamedDaemon
	}
	return noPostfix
}

// daemonOf returns the daemon of a tag with a slash: what follows the last one.
func daemonOf(tag []byte) postfixDaemon {
	switch {
	case bytes.HasSuffix(tag, []byte("/smtpd")):
		return smtpdDaemon
	case bytes.HasSuffix(tag, []byte("/qmgr")):
		return qmgrDaemon
	}
	return otherDaemon
}
