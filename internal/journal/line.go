package journal

import (
	"strconv"
	"time"

	"github.com/logmetrics/logmetrics/internal/stream"
)

const (
	severityInfo = 6
	facilityUser = 1
	// maxStamp is 9999-12-31T23:59:59 in microseconds: later years have no RFC 3339 form.
	maxStamp = 253402300799 * 1_000_000
	stamp    = "2006-01-02T15:04:05.000000+00:00"
)

// appendLine appends e as a line without its '\n'. The identifier, which any
// program may choose, cannot look like more than itself; the message cannot
// end the line.
func appendLine(dst []byte, e *entry) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(number(e.value[fFacility], 23, facilityUser)*8+number(e.value[fPriority], 7, severityInfo)), 10)
	dst = append(dst, '>')
	dst = appendStamp(dst, e)
	dst = append(dst, ' ')
	dst = appendWord(dst, e.value[fHost], "-")
	dst = append(dst, ' ')
	name := e.value[fIdentifier]
	if len(name) == 0 {
		name = e.value[fComm]
	}
	dst = appendWord(dst, name, "unknown")
	pid := e.value[fSyslogPID]
	if !isNumber(pid) {
		pid = e.value[fPID]
	}
	if isNumber(pid) {
		dst = append(dst, '[')
		dst = append(dst, pid...)
		dst = append(dst, ']')
	}
	dst = append(dst, ": "...)
	return stream.AppendEscaped(dst, e.value[fMessage])
}

// appendStamp appends the time at which the message was sent, where that is
// known, else that at which the journal got it.
func appendStamp(dst []byte, e *entry) []byte {
	micros := number(e.value[fSource], maxStamp, 0)
	if micros == 0 {
		micros = number(e.value[fRealtime], maxStamp, 0)
	}
	return time.UnixMicro(int64(micros)).UTC().AppendFormat(dst, stamp)
}

// appendWord appends s as one word that is no more than a host or a tag.
func appendWord(dst, s []byte, empty string) []byte {
	if len(s) == 0 {
		return append(dst, empty...)
	}
	for _, c := range s {
		if c <= ' ' || c == 0x7f || c == ':' || c == '[' || c == ']' {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// number reads s as a number up to limit; else it is other.
func number(s []byte, limit, other int) int {
	if !isNumber(s) {
		return other
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	if n > limit {
		return other
	}
	return n
}

// isNumber reports whether s is a number of up to 18 digits, which an int holds.
func isNumber(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 18
}
