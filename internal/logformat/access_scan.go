package logformat

import "bytes"

// Scan finds the fields of line, which has no line end, and reports whether
// the line has the format as far as the last field that is looked for; after
// that anything may follow behind a space. The fields are parts of line.
func (a *Access) Scan(line []byte, f *AccessFields) bool {
	if len(line) < len(a.prefix) || string(line[:len(a.prefix)]) != a.prefix {
		return false
	}
	line = line[len(a.prefix):]
	for i := range a.steps {
		st := &a.steps[i]
		n := st.end(line)
		if n < 0 {
			return false
		}
		if st.field != skipped {
			f[st.field] = line[:n]
		}
		line = line[n+len(st.next):]
	}
	last := &a.steps[len(a.steps)-1]
	return last.next != "" || len(line) == 0 || line[0] == ' '
}

// end returns the length of the step's field at the start of b, or -1 when b
// does not start with such a field and the literal behind it.
func (st *step) end(b []byte) int {
	var n int
	switch st.shape {
	case shapeText:
		return st.textEnd(b)
	case shapeQuoted:
		return st.quotedEnd(b)
	case shapeNumber:
		n = numberLen(b)
	case shapeList:
		return st.listEnd(b)
	case shapeCLF:
		n = clfLen(b)
	case shapeISO:
		n = isoLen(b)
	}
	if n <= 0 || !startsWith(b[n:], st.next) {
		return -1
	}
	return n
}

func startsWith(b []byte, literal string) bool {
	return len(b) >= len(literal) && string(b[:len(literal)]) == literal
}

// textEnd looks for next with what must follow it. What is compared at each
// place has a length bounded by the format, so the whole is linear.
func (st *step) textEnd(b []byte) int {
	if st.next == "" {
		return textLen(b)
	}
	mark := len(st.next) - 1 // its last byte is rarer than its first, which is a space
	for at := mark; at < len(b); at++ {
		n := bytes.IndexByte(b[at:], st.next[mark])
		if n < 0 {
			return -1
		}
		at += n
		if start := at - mark; startsWith(b[start:], st.next) && st.fits(b[at+1:]) {
			return start
		}
	}
	return -1
}

// textLen is for a field at the format's end.
func textLen(b []byte) int {
	if n := bytes.IndexByte(b, ' '); n >= 0 {
		return n
	}
	return len(b)
}

// fits reports whether a field of the shape ahead starts b.
func (st *step) fits(b []byte) bool {
	switch st.ahead {
	case shapeCLF:
		n := clfLen(b)
		return n > 0 && startsWith(b[n:], st.then)
	case shapeISO:
		n := isoLen(b)
		return n > 0 && startsWith(b[n:], st.then)
	case shapeNumber:
		n := numberLen(b[:min(len(b), maxNumber)])
		return n > 0 && startsWith(b[n:], st.then)
	}
	return true
}

// quotedEnd looks for a quote with an even number of backslashes before it.
// The backslashes before one quote are looked at once, so this is linear too.
func (st *step) quotedEnd(b []byte) int {
	for at := 0; ; at++ {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return -1
		}
		at += n
		slashes := 0
		for slashes < at && b[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			if !startsWith(b[at:], st.next) {
				return -1
			}
			return at
		}
	}
}

// listEnd reads items as nginx joins them for the servers it asked in turn:
// "0.001, 0.002 : 0.001".
func (st *step) listEnd(b []byte) int {
	for at := 0; ; {
		for at < len(b) && b[at] != ' ' && b[at] != ',' && (st.next == "" || !startsWith(b[at:], st.next)) {
			at++
		}
		switch {
		case startsWith(b[at:], ", "):
			at += 2
		case startsWith(b[at:], " : "):
			at += 3
		case at == 0 || !startsWith(b[at:], st.next):
			return -1
		default:
			return at
		}
	}
}

// maxNumber bounds in bytes how far fits looks into a number.
const maxNumber = 24

func numberByte(c byte) bool { return c-'0' <= 9 || c == '.' || c == '-' }

func numberLen(b []byte) (n int) {
	for n < len(b) && numberByte(b[n]) {
		n++
	}
	return n
}

// clfLen checks the shape, not the digits: "20/Nov/2026:10:00:00 -0500".
func clfLen(b []byte) int {
	const size = len("20/Nov/2026:10:00:00 -0500")
	if len(b) < size || b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return 0
	}
	return size
}

// isoLen checks the shape of "2026-11-20T10:00:00" and a zone behind it.
func isoLen(b []byte) int {
	const size = len("2026-11-20T10:00:00")
	if len(b) < size || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0
	}
	n := size
	for n < len(b) && n < size+len("+00:00") && (b[n]-'0' <= 9 || b[n] == ':' || b[n] == '+' || b[n] == '-' || b[n] == 'Z') {
		n++
	}
	return n
}
