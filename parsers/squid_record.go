package parsers

import "bytes"

// squidRecord is what a line of any format tells.
type squidRecord struct {
	code, status, size []byte
	time               []byte
	elapsed            []byte // native alone
}

// native reads "time elapsed client CODE/status bytes method" from the left:
// what follows may hold spaces and anything else.
func (r *squidRecord) native(b []byte) bool {
	n := epochLen(b)
	if n == 0 {
		return false
	}
	r.time, b = b[:n], b[n:]
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	var client, code, method []byte
	r.elapsed, b = firstWord(b)
	client, b = firstWord(b)
	code, b = firstWord(b)
	r.size, b = firstWord(b)
	method, b = firstWord(b)
	n = codeLen(code)
	if n == 0 || n == len(code) || code[n] != '/' || len(client) == 0 || len(method) == 0 || b == nil {
		return false
	}
	r.code, r.status = code[:n], code[n+1:]
	return len(r.status) == 3
}

// epochLen returns the length of "1795230000.189" before a space, else 0.
func epochLen(b []byte) int {
	n := digitsLen(b[:min(len(b), 12)])
	if n == 0 || n == len(b) || b[n] != '.' {
		return 0
	}
	n++
	n += digitsLen(b[n:min(len(b), n+7)])
	if n == len(b) || b[n] != ' ' {
		return 0
	}
	return n
}

// codeLen returns the length of a result code, which is of capitals and
// underscores, at the start of b.
func codeLen(b []byte) (n int) {
	for n < len(b) && n <= maxSquidCode && (b[n]-'A' < 26 || b[n] == '_' || isDigit(b[n])) {
		n++
	}
	if n > maxSquidCode {
		return 0
	}
	return n
}

// maxSquidCode bounds a result code in bytes; TCP_REFRESH_MODIFIED_ABORTED has 28.
const maxSquidCode = 64

// common reads "client ident user [time] "request" status bytes ...
// CODE:HIERARCHY". Squid does not escape quotes in the request, the referer
// and the user agent, so the request ends at the first quote with a protocol
// before it and two numbers behind it, and the code is the last word.
func (r *squidRecord) common(b []byte) bool {
	last := bytes.LastIndexByte(b, ' ')
	if last < 0 {
		return false
	}
	word := b[last+1:]
	n := codeLen(word)
	if n == 0 || n == len(word) || word[n] != ':' || codeLen(word[n+1:]) == 0 {
		return false
	}
	r.code = word[:n]
	b, ok := r.cutTime(b[:last+1])
	return ok && r.request(b)
}

// cutTime finds the time and returns what follows the request's first quote.
func (r *squidRecord) cutTime(b []byte) (rest []byte, ok bool) {
	const size, open, close = len("21/Nov/2026:03:02:30 +0000"), " [", "] \""
	for at := 0; ; at++ {
		n := bytes.IndexByte(b[at:], '[')
		if n < 0 {
			return nil, false
		}
		at += n
		end := at + 1 + size
		if at == 0 || b[at-1] != ' ' || end+len(close) > len(b) || string(b[end:end+len(close)]) != close {
			continue
		}
		if t := b[at+1 : end]; t[2] == '/' && t[6] == '/' && t[11] == ':' && t[20] == ' ' {
			r.time = t
			return b[end+len(close):], true
		}
	}
}

// request finds the status and the size behind the request.
func (r *squidRecord) request(b []byte) bool {
	for at := 0; ; at++ {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return false
		}
		at += n
		if !endsWithProtocol(b[:at]) || at+2 > len(b) || b[at+1] != ' ' {
			continue
		}
		status, rest := firstWord(b[at+2:])
		size, _ := firstWord(rest[:min(len(rest), maxSizeDigits+1)])
		if len(status) <= 3 && digitsLen(status) == len(status) && digitsLen(size) == len(size) && len(size) > 0 {
			r.status, r.size = status, size
			return true
		}
	}
}

// endsWithProtocol reports whether " HTTP/1.1" or another name and version ends b.
func endsWithProtocol(b []byte) bool {
	n := len(b)
	if n < len(" A/1.1") || !isDigit(b[n-1]) || b[n-2] != '.' || !isDigit(b[n-3]) || b[n-4] != '/' {
		return false
	}
	n -= 4
	start := n
	for n > 0 && start-n < 16 && (b[n-1]-'A' < 26 || b[n-1]-'a' < 26) {
		n--
	}
	return n > 0 && n < start && b[n-1] == ' '
}
