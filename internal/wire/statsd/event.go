package statsd

import (
	"bytes"
)

// Notice is what DogStatsD sends beside samples.
type Notice uint8

// The notices.
const (
	NoNotice     Notice = iota
	Event               // _e{TITLEBYTES,TEXTBYTES}:TITLE|TEXT[|...]
	ServiceCheck        // _sc|NAME|STATUS[|...]
	BadNotice           // begins as one, and is none
)

// NoticeOf says what notice line is. What it says is not read.
func NoticeOf(line []byte) Notice {
	if rest, ok := bytes.CutPrefix(line, []byte("_e{")); ok {
		if isEvent(rest) {
			return Event
		}
		return BadNotice
	}
	if rest, ok := bytes.CutPrefix(line, []byte("_sc|")); ok {
		if isCheck(rest) {
			return ServiceCheck
		}
		return BadNotice
	}
	return NoNotice
}

// isEvent checks what stands behind "_e{".
func isEvent(s []byte) bool {
	title, s, ok := cutLength(s, ',')
	if !ok {
		return false
	}
	text, s, ok := cutLength(s, '}')
	if !ok || len(s) < 1+title+1+text || s[0] != ':' || s[1+title] != '|' {
		return false
	}
	s = s[1+title+1+text:]
	return len(s) == 0 || s[0] == '|' || s[0] == '\r'
}

// maxNotice is more than a length can be in a datagram or a line.
const maxNotice = 1 << 20

func cutLength(s []byte, end byte) (n int, rest []byte, ok bool) {
	for i, c := range s {
		switch {
		case c == end:
			return n, s[i+1:], i > 0 && n > 0
		case c < '0' || c > '9' || n > maxNotice:
			return 0, nil, false
		}
		n = n*10 + int(c-'0')
	}
	return 0, nil, false
}

// isCheck checks what stands behind "_sc|".
func isCheck(s []byte) bool {
	name, s, ok := bytes.Cut(s, []byte{'|'})
	if !ok || len(name) == 0 || len(s) == 0 || s[0] < '0' || s[0] > '3' {
		return false
	}
	return len(s) == 1 || s[1] == '|' || s[1] == '\r'
}
