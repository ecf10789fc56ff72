package parsers

// The shapes of stamps: where they end, for parsers that need not know what
// they say. Their time is read by internal/logtime.

// isoStampLen returns the length of the RFC 3339 stamp at the start of b, with
// its fraction and zone if it has them.
func isoStampLen(b []byte) int {
	if !hasShape(b, "dddd-dd-ddTdd:dd:dd") {
		return 0
	}
	return zoneEnd(b, fractionEnd(b, 19))
}

// hasShape reports whether b starts like shape, in which d stands for a digit,
// A and a for a letter, two spaces for one or for a digit's place.
func hasShape(b []byte, shape string) bool {
	if len(b) < len(shape) {
		return false
	}
	for i := range len(shape) {
		c, ok := b[i], false
		switch shape[i] {
		case 'd':
			ok = isDigit(c)
		case 'A':
			ok = c >= 'A' && c <= 'Z'
		case 'a':
			ok = c >= 'a' && c <= 'z'
		case ' ':
			ok = c == ' ' || i > 0 && shape[i-1] == ' ' && isDigit(c)
		default:
			ok = c == shape[i]
		}
		if !ok {
			return false
		}
	}
	return true
}

// fractionEnd returns where the fraction of a second that starts at i with '.'
// or ',' ends; i when there is none.
func fractionEnd(b []byte, i int) int {
	if i < len(b) && (b[i] == '.' || b[i] == ',') {
		if end := digitsEnd(b, i+1); end > i+1 {
			return end
		}
	}
	return i
}

// zoneEnd returns where the zone that starts at i ends: Z, +hh, +hhmm or
// +hh:mm; i when there is none.
func zoneEnd(b []byte, i int) int {
	switch rest := b[i:]; {
	case len(rest) > 0 && rest[0] == 'Z':
		return i + 1
	case hasShape(rest, "+dd:dd"), hasShape(rest, "-dd:dd"):
		return i + 6
	case hasShape(rest, "+dddd"), hasShape(rest, "-dddd"):
		return i + 5
	case hasShape(rest, "+dd"), hasShape(rest, "-dd"):
		return i + 3
	}
	return i
}
