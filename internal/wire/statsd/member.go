package statsd

import "crypto/sha256"

// maxMember is the length in bytes beyond which a member's text is replaced by
// its hash: many members shall fit into a datagram.
const maxMember = 200

const hexDigits = "0123456789ABCDEF"

// AppendMember appends the text under which a set's member is sent. Different
// members have different texts, so the server counts right: letters, digits,
// '.', '_' and '-' stand for themselves, other bytes become %XX; an empty
// member is "%", and one that would be longer than 200 bytes is "%sha256-"
// and its hash.
func AppendMember(dst []byte, member string) []byte {
	start := len(dst)
	for i := range len(member) {
		if len(dst)-start > maxMember {
			break
		}
		if c := member[i]; plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	switch n := len(dst) - start; {
	case n == 0:
		return append(dst, '%')
	case n > maxMember:
		return appendHash(dst[:start], member)
	}
	return dst
}

func appendHash(dst []byte, member string) []byte {
	dst = append(dst, "%sha256-"...)
	for _, c := range sha256.Sum256([]byte(member)) {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
