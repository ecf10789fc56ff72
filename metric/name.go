package metric

// Names are dotted paths. A valid name has one or more nodes, joined by single
// dots; a node has one or more bytes of letters, digits, '_', '-', '+', '%'
// and '@'. Everything that means something to a wire format (space, ':', '|', ';',
// '=', '/', '\n', '#', quotes, braces, globs) is therefore impossible in a name, so no log text
// can add a line, a metric, a type or a tag to what an output sends.

// MaxNameLen is the length in bytes beyond which a name from the log is cut.
// carbon makes a file of each node, and file names end at 255 bytes.
const MaxNameLen = 200

var nameByte = func() (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for _, c := range "_-+%@" {
		t[c] = true
	}
	return t
}()

// ValidName reports whether s can be a series name, prefix or suffix as it is.
func ValidName(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		if s[i] == '.' {
			if s[i-1] == '.' {
				return false
			}
		} else if !nameByte[s[i]] {
			return false
		}
	}
	return true
}

// AppendName appends the valid name nearest to s: each run of bytes that
// cannot be in a name becomes one '_', empty nodes are dropped, the result is
// cut to [MaxNameLen]. What has nothing valid in it becomes "_".
func AppendName(dst, s []byte) []byte { return appendClean(dst, s, true) }

// AppendNode appends s as one node of a name, or as a tag's value: as
// [AppendName], with dots made '_' too.
func AppendNode(dst, s []byte) []byte { return appendClean(dst, s, false) }

// CleanName returns the valid name nearest to s, see [AppendName].
func CleanName(s string) string {
	if len(s) <= MaxNameLen && ValidName(s) {
		return s
	}
	return string(AppendName(nil, []byte(s)))
}

func appendClean(dst, s []byte, dots bool) []byte {
	start := len(dst)
	for _, c := range s {
		if len(dst)-start == MaxNameLen {
			break
		}
		switch {
		case nameByte[c]:
			dst = append(dst, c)
		case c == '.' && dots:
			if n := len(dst); n > start && dst[n-1] != '.' {
				dst = append(dst, '.')
			}
		default:
			if n := len(dst); n == start || dst[n-1] != '_' {
				dst = append(dst, '_')
			}
		}
	}
	for len(dst) > start && dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if len(dst) == start {
		dst = append(dst, '_')
	}
	return dst
}
