package parsers

import (
	"bytes"
	"math"
)

// statusClass returns the place of a three-digit status: 1 to 5, 0 for others.
func statusClass(b []byte) (class int, ok bool) {
	if len(b) != 3 || !isDigit(b[0]) || !isDigit(b[1]) || !isDigit(b[2]) {
		return 0, false
	}
	class = int(b[0] - '0')
	if class > 5 {
		class = 0
	}
	return class, true
}

// methodByte are the bytes of a method, RFC 9110's tchar.
var methodByte = byteSet("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

// methodLen returns the length of the method of "METHOD target HTTP/x[.y]", 0
// when the request does not read so. A target that the server let pass may
// hold spaces.
func methodLen(b []byte) int {
	n := 0
	for n < len(b) && methodByte[b[n]] {
		n++
	}
	if n == 0 || n == len(b) || b[n] != ' ' {
		return 0
	}
	if !isProtocol(b[n+1:]) {
		return 0
	}
	return n
}

// isProtocol reports whether b is a target and "HTTP/x" or "HTTP/x.y".
func isProtocol(b []byte) bool {
	const short = len(" HTTP/3")
	if n := len(b); n > short+2 && b[n-2] == '.' && isDigit(b[n-1]) {
		b = b[:n-2]
	}
	n := len(b)
	return n > short && isDigit(b[n-1]) && string(b[n-short:n-1]) == " HTTP/"
}

// none is the duration that a line does not have.
var none = math.NaN()

// duration reads a number of units, of which perSecond are a second, as
// seconds; none for "-". It is negative when the clock was put back meanwhile.
func duration(b []byte, perSecond float64) (seconds float64, ok bool) {
	if len(b) == 1 && b[0] == '-' {
		return none, true
	}
	if len(b) > 0 && b[0] == '-' {
		perSecond, b = -perSecond, b[1:]
	}
	v, n := decimal(b)
	return v / perSecond, n > 0 && n == len(b)
}

// durations adds up what nginx waited for the servers it asked in turn:
// "0.001, - : 0.002"; none when it asked none.
func durations(b []byte) (seconds float64, ok bool) {
	seconds = none
	for {
		item := b
		n := bytes.IndexAny(b, ", ")
		if n >= 0 {
			item = b[:n]
		}
		v, valid := duration(item, 1)
		switch {
		case !valid:
			return 0, false
		case math.IsNaN(seconds):
			seconds = v
		case !math.IsNaN(v):
			seconds += v
		}
		if n < 0 {
			return seconds, true
		}
		b = bytes.TrimLeft(b[n:], ", :")
	}
}

// firstWord returns b to its first space, and the rest behind it.
func firstWord(b []byte) (word, rest []byte) {
	if n := bytes.IndexByte(b, ' '); n >= 0 {
		return b[:n], b[n+1:]
	}
	return b, nil
}
