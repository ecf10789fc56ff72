package functions

import (
	"io"
	"iter"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// atOnce is how many steps a match may take without looking whether the asker is still there: some 0.1 s.
const atOnce = 1 << 22

// reader gives a text to a match that may take long, and ends the request in the middle of it.
func (p *pattern) reader(s string) io.RuneReader {
	return &mortal{c: p.c, s: s, every: max(1, atOnce/p.size)}
}

type mortal struct {
	c        *query.Call
	s        string
	n, every int // runes read, and after how many it looks
}

// ReadRune implements io.RuneReader.
func (m *mortal) ReadRune() (r rune, size int, err error) {
	if m.n++; m.n%m.every == 0 {
		m.c.Alive()
	}
	if m.s == "" {
		return 0, 0, io.EOF
	}
	r, size = utf8.DecodeRuneInString(m.s)
	m.s = m.s[size:]
	return r, size, nil
}

// matches yields what FindAllStringSubmatchIndex returns. That may go to the end of s for each match, and holds all groups of all.
func (p *pattern) matches(s string) iter.Seq[[]int] {
	p.c.Alive()
	if len(s)*len(s) <= atOnce/p.size {
		return slices.Values(p.re.FindAllStringSubmatchIndex(s, -1))
	}
	return func(yield func([]int) bool) {
		for at, end := 0, -1; at <= len(s); {
			m := p.find(s, at)
			if m == nil {
				return
			}
			empty, again := m[1] == at, m[0] == end
			at, end = m[1], m[1]
			if empty {
				_, size := utf8.DecodeRuneInString(s[at:])
				at += max(1, size)
			}
			if (!empty || !again) && !yield(m) { // none that is empty just behind another one
				return
			}
		}
	}
}

// behindFirst makes an expression find its first match, as its first group, behind one rune, which it may look back at.
func behindFirst(text string) string { return `\A(?s:.)(?s:.*?)(` + text + `)` }

// find returns the first match at or behind a place.
func (p *pattern) find(s string, at int) []int {
	if at == 0 {
		return p.re.FindReaderSubmatchIndex(p.reader(s))
	}
	_, size := utf8.DecodeLastRuneInString(s[:at])
	if p.rest == nil {
		p.rest = regexp.MustCompile(behindFirst(p.re.String()))
	}
	m := p.rest.FindReaderSubmatchIndex(p.reader(s[at-size:]))
	if m == nil {
		return nil
	}
	for i := range m {
		if m[i] >= 0 {
			m[i] += at - size
		}
	}
	return m[2:]
}
