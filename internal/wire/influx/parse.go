package influx

import "bytes"

// Parser reads the points of a block, which it does not change. The zero value
// takes nanoseconds. It is not safe for concurrent use.
type Parser struct {
	Precision Precision // of timestamps; 0: nanoseconds
	rest      []byte
	text      []byte // unescaped names and strings of the line
}

// Reset begins a block: whole lines, of which the last may lack its '\n'.
func (p *Parser) Reset(block []byte) { p.rest = block }

// Rest returns what of the block is not read yet. Taken before Next, and after
// its [ErrQuotes], it begins with the line that a longer block may complete.
func (p *Parser) Rest() []byte { return p.rest }

// Next reads the next line into pt; ok is false at the block's end. An error
// says what is wrong with this line; the next call goes on behind it. Blank
// lines and comments are no lines.
func (p *Parser) Next(pt *Point) (ok bool, err error) {
	p.skip()
	if len(p.rest) == 0 {
		return false, nil
	}
	*pt = Point{Tags: pt.Tags[:0], Fields: pt.Fields[:0]}
	p.text = p.text[:0]
	end, err := p.line(pt)
	if err != nil {
		// At the first line end, even within quotes: a quote that is never closed
		// must not swallow good lines.
		end = lineEnd(p.rest)
	}
	p.rest = p.rest[end:]
	return true, err
}

// skip goes to where a point begins.
func (p *Parser) skip() {
	for len(p.rest) > 0 {
		switch p.rest[0] {
		case ' ', '\t', '\r', '\n', 0:
			p.rest = p.rest[1:]
		case '#':
			p.rest = p.rest[lineEnd(p.rest):]
		default:
			return
		}
	}
}

func lineEnd(s []byte) int {
	if i := bytes.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// line returns where the line ends.
func (p *Parser) line(pt *Point) (end int, err error) {
	var i int
	if pt.Measurement, i = p.word(0, endsMeasurement); i == 0 {
		return 0, ErrNoMeasurement
	}
	if i, err = p.tags(pt, i); err != nil {
		return 0, err
	}
	if i = p.blanks(i); p.ended(i) {
		return 0, ErrNoFields
	}
	if len(pt.Tags) > 0 && p.heartbeat(i) {
		return p.time(pt, i)
	}
	if i, err = p.fields(pt, i); err != nil {
		return 0, err
	}
	return p.time(pt, i)
}

func (p *Parser) blanks(i int) int {
	for i < len(p.rest) && (p.rest[i] == ' ' || p.rest[i] == '\t' || p.rest[i] == 0) {
		i++
	}
	return i
}

// ended reports whether the line ends at i.
func (p *Parser) ended(i int) bool {
	return i == len(p.rest) || p.rest[i] == '\n' || p.rest[i] == '\r' && (i+1 == len(p.rest) || p.rest[i+1] == '\n')
}

// What ends a word when no backslash stands before it. Line ends do even then.
var (
	endsMeasurement = &special{',': true, ' ': true, '\n': true}
	endsKey         = &special{',': true, '=': true, ' ': true, '\n': true}
)

// word returns the bytes from i to the first of ends, with escapes resolved, and
// where that is.
func (p *Parser) word(i int, ends *special) (word []byte, end int) {
	s := p.rest
	start := i
	for i < len(s) && !ends[s[i]] {
		if s[i] == '\\' && i+1 < len(s) && ends[s[i+1]] && s[i+1] != '\n' {
			return p.escaped(start, i, ends)
		}
		i++
	}
	return s[start:i:i], i
}

// escaped is word for a word that has its first escape at i.
func (p *Parser) escaped(start, i int, ends *special) (word []byte, end int) {
	s, mark := p.rest, len(p.text)
	p.text = append(p.text, s[start:i]...)
	for i < len(s) && !ends[s[i]] {
		if s[i] == '\\' && i+1 < len(s) && ends[s[i+1]] && s[i+1] != '\n' {
			i++
		}
		p.text = append(p.text, s[i])
		i++
	}
	return p.text[mark:len(p.text):len(p.text)], i
}

func (p *Parser) tags(pt *Point, i int) (end int, err error) {
	for i < len(p.rest) && p.rest[i] == ',' {
		var t Tag
		begin := i + 1
		if t.Key, i = p.word(begin, endsKey); i == begin {
			return 0, ErrNoTagKey
		}
		if i == len(p.rest) || p.rest[i] != '=' {
			return 0, ErrNoTagValue
		}
		begin = i + 1
		if t.Value, i = p.word(begin, endsKey); i == begin {
			return 0, ErrNoTagValue
		}
		switch {
		case i < len(p.rest) && p.rest[i] == '=':
			return 0, ErrTag
		case len(pt.Tags) == MaxTags:
			return 0, ErrManyTags
		case pt.has(t.Key):
			return 0, ErrTwice
		}
		pt.Tags = append(pt.Tags, t)
	}
	return i, nil
}

func (pt *Point) has(key []byte) bool {
	for i := range pt.Tags {
		if bytes.Equal(pt.Tags[i].Key, key) {
			return true
		}
	}
	return false
}

// heartbeat reports whether a time is all that is left of the line.
func (p *Parser) heartbeat(i int) bool {
	if p.rest[i] == '-' {
		i++
	}
	start := i
	for i < len(p.rest) && digit(p.rest[i]) {
		i++
	}
	return i > start && p.ended(p.blanks(i))
}

func (p *Parser) fields(pt *Point, i int) (end int, err error) {
	for {
		var f Field
		begin := i
		if f.Key, i = p.word(begin, endsKey); i == len(p.rest) || p.rest[i] != '=' {
			return 0, ErrField
		}
		if i == begin {
			return 0, ErrNoFieldKey
		}
		if i, err = p.value(&f, i+1); err != nil {
			return 0, err
		}
		if len(pt.Fields) == MaxFields {
			return 0, ErrManyFields
		}
		pt.Fields = append(pt.Fields, f)
		if i == len(p.rest) || p.rest[i] != ',' {
			return i, nil
		}
		i++
	}
}
