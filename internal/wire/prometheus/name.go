package prometheus

import "strings"

// Name returns the valid name of a family nearest to name, as Prometheus'
// naming has it: what is no ASCII letter, digit or '_' becomes '_', and
// camelCase becomes snake_case (numSent num_sent, idleDNS idle_DNS). It ends
// in _seconds for a histogram, and not in _total for a counter, whose samples do.
func Name(name []byte, kind Kind) string {
	dst := appendSnake(make([]byte, 0, len(name)+16), name)
	text := string(dst)
	switch kind {
	case Counter:
		if bare := strings.TrimSuffix(text, "_total"); bare != "" {
			text = bare
		}
	case Histogram:
		if !strings.HasSuffix(text, "_seconds") {
			text += "_seconds"
		}
	}
	return text
}

// LabelName returns the valid name of a label nearest to name, written as
// names are. What means something to Prometheus (le, quantile, names that
// begin with "__") has "tag_" before it.
func LabelName(name string) string {
	text := string(appendSnake(nil, []byte(name)))
	if text == "le" || text == "quantile" || strings.HasPrefix(text, "__") {
		return "tag_" + text
	}
	return text
}

// appendSnake appends the clean form of name, which does not begin with a
// digit and is not empty.
func appendSnake(dst, name []byte) []byte {
	if len(name) == 0 || digit(name[0]) {
		dst = append(dst, '_')
	}
	for i, c := range name {
		switch {
		case lower(c) || digit(c) || c == '_':
		case !upper(c):
			c = '_'
		case i > 0 && lower(name[i-1]):
			dst = append(dst, '_')
			if i+1 < len(name) && lower(name[i+1]) {
				c += 'a' - 'A'
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }
