package parsers

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonSpace returns the index of the first byte from i on that is no white space.
func jsonSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// jsonStringEnd returns where the quote is that ends the string whose text
// starts at i, and whether there are escapes in it; -1 when the string is not valid.
func jsonStringEnd(b []byte, i int) (end int, escaped bool) {
	for {
		i = jsonPlain(b, i)
		if i >= len(b) {
			return -1, false
		}
		switch b[i] {
		case '"':
			return i, escaped
		case '\\':
			n := jsonEscapeLen(b[i:])
			if n == 0 {
				return -1, false
			}
			i, escaped = i+n, true
		default: // a control byte
			return -1, false
		}
	}
}

// jsonPlain returns the index of the first quote, backslash or control byte
// from i on, or len(b). Eight bytes are looked at at once: a byte's high bit is
// set in the sum where the byte is zero after xor, or below 0x20. False hits
// are only possible above a true one, so the lowest is right.
func jsonPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		v := load(b, i)
		quote, slash := v^ones*'"', v^ones*'\\'
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (v-ones*0x20)&^v) & tops
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

// jsonEscapeLen returns the length of the escape at the start of b; 0 when it is none.
func jsonEscapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(b) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 returns the value of `\uXXXX` at the start of b, or -1.
func hex4(b []byte) (r rune) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	for _, c := range b[2:6] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// appendUnescaped appends at most about limit bytes of the text of a valid
// string. A surrogate without its other half becomes U+FFFD.
func appendUnescaped(dst, s []byte, limit int) []byte {
	for start := len(dst); len(s) > 0 && len(dst)-start < limit; {
		if s[0] != '\\' {
			n := 1
			for n < len(s) && s[n] != '\\' && n < limit {
				n++
			}
			dst, s = append(dst, s[:n]...), s[n:]
			continue
		}
		if s[1] != 'u' {
			dst, s = append(dst, unescaped[s[1]]), s[2:]
			continue
		}
		r := hex4(s)
		s = s[6:]
		if utf16.IsSurrogate(r) {
			if r = utf16.DecodeRune(r, hex4(s)); r != utf8.RuneError {
				s = s[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// jsonNumber returns the end of the number at i, i when there is none.
func jsonNumber(b []byte, i int) (end int, kind jsonKind) {
	n := i
	if n < len(b) && b[n] == '-' {
		n++
	}
	whole := digitsEnd(b, n)
	if whole == n || b[n] == '0' && whole > n+1 {
		return i, 0
	}
	n = whole
	if n < len(b) && b[n] == '.' {
		end := digitsEnd(b, n+1)
		if end == n+1 {
			return i, 0
		}
		n, kind = end, jsonFloat
	}
	if n < len(b) && b[n]|0x20 == 'e' {
		n++
		if n < len(b) && (b[n] == '+' || b[n] == '-') {
			n++
		}
		end := digitsEnd(b, n)
		if end == n {
			return i, 0
		}
		n, kind = end, jsonFloat
	}
	return n, kind
}
