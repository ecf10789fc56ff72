package target

import "strings"

// parser goes through s by recursive descent. Each method leaves pos where it was when it fails.
type parser struct {
	s     string
	pos   int
	depth int
	deep  bool // MaxDepth was met: nothing that follows counts

	// What stands at a place is read once, for a template that is none is read again as a call.
	calls, exprs map[int]memo
}

type memo struct {
	e   *Expr
	end int
}

func (p *parser) remembered(m map[int]memo) (e *Expr, known bool) {
	r, known := m[p.pos]
	if r.e != nil {
		p.pos = r.end
	}
	return r.e, known
}

func (p *parser) blanks() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

// symbol goes over c, and blanks before it.
func (p *parser) symbol(c byte) bool {
	start := p.pos
	p.blanks()
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	p.pos = start
	return false
}

// expression = ( template | call | path ) { "|" call }
func (p *parser) expression() (*Expr, bool) {
	p.blanks()
	if e, known := p.remembered(p.exprs); known {
		return e, e != nil
	}
	start := p.pos
	e, ok := p.template()
	if !ok {
		e, ok = p.call()
	}
	if !ok {
		e, ok = p.path()
	}
	for piped := 1; ok; piped++ {
		next, more := p.piped(e)
		if !more {
			break
		}
		if e = next; piped+p.depth > MaxDepth {
			p.deep = true
			return nil, false
		}
	}
	p.exprs[start] = memo{e, p.pos}
	return e, ok
}

func (p *parser) piped(before *Expr) (*Expr, bool) {
	start := p.pos
	if p.symbol('|') {
		if e, ok := p.call(); ok {
			c := *e
			c.Args = append([]*Expr{before}, e.Args...)
			return &c, true
		}
	}
	p.pos = start
	return nil, false
}

// call = name "(" [ arg { "," arg } { "," keyword } ] ")"
func (p *parser) call() (*Expr, bool) {
	p.blanks()
	if e, known := p.remembered(p.calls); known {
		return e, e != nil
	}
	start := p.pos
	if p.depth++; p.depth > MaxDepth {
		p.deep = true
	}
	e, ok := p.callHere()
	p.depth--
	if !ok {
		p.pos, e = start, nil
	}
	p.calls[start] = memo{e, p.pos}
	return e, ok
}

func (p *parser) callHere() (*Expr, bool) {
	start := p.pos
	name, ok := p.name()
	if !ok || !p.symbol('(') || p.deep {
		return nil, false
	}
	e := &Expr{Kind: Call, Text: name}
	p.arguments(e)
	if !p.symbol(')') {
		return nil, false
	}
	e.Raw = p.s[start:p.pos]
	return e, true
}

// arguments reads as many as there are; keywords only behind another argument, and no other behind them.
func (p *parser) arguments(e *Expr) {
	for more := true; more && !p.deep; {
		start := p.pos
		if len(e.Args) > 0 && !p.symbol(',') {
			return
		}
		if name, value, ok := p.keyword((*parser).argument); ok {
			if len(e.Args) == 0 {
				p.pos = start
				return
			}
			e.Keywords = append(e.Keywords, Keyword{name, value})
			p.keywords(e, (*parser).argument)
			return
		}
		arg, ok := p.argument()
		if !ok {
			p.pos = start
			return
		}
		e.Args = append(e.Args, arg)
	}
}

// keywords reads { "," keyword }.
func (p *parser) keywords(e *Expr, value func(*parser) (*Expr, bool)) {
	for start := p.pos; p.symbol(','); start = p.pos {
		name, v, ok := p.keyword(value)
		if !ok {
			p.pos = start
			return
		}
		e.Keywords = append(e.Keywords, Keyword{name, v})
	}
}

// keyword = name "=" arg
func (p *parser) keyword(value func(*parser) (*Expr, bool)) (string, *Expr, bool) {
	start := p.pos
	if name, ok := p.name(); ok && p.symbol('=') {
		if v, ok := value(p); ok {
			return name, v, true
		}
	}
	p.pos = start
	return "", nil, false
}

// argument = boolean | number | none | string | infinity | expression
func (p *parser) argument() (*Expr, bool) {
	if e, ok := p.literal(); ok {
		return e, true
	}
	return p.expression()
}

// template = "template" "(" ( call | path ) [ "," ( values | keywords ) ] ")"
func (p *parser) template() (*Expr, bool) {
	start := p.pos
	if !strings.HasPrefix(p.s[p.pos:], "template") {
		return nil, false
	}
	p.pos += len("template")
	if p.depth++; p.depth > MaxDepth {
		p.deep = true
	}
	e, ok := p.templateHere()
	p.depth--
	if !ok {
		p.pos = start
	}
	return e, ok
}

func (p *parser) templateHere() (*Expr, bool) {
	if !p.symbol('(') || p.deep {
		return nil, false
	}
	body, ok := p.call()
	if !ok {
		p.blanks()
		body, ok = p.path()
	}
	if !ok {
		return nil, false
	}
	e := &Expr{Kind: Template, Args: []*Expr{body}}
	p.templateValues(e)
	return e, p.symbol(')')
}

// templateValues reads values, or keywords, but not both.
func (p *parser) templateValues(e *Expr) {
	p.keywords(e, (*parser).templateValue)
	if len(e.Keywords) > 0 {
		return
	}
	for start := p.pos; p.symbol(','); start = p.pos {
		v, ok := p.templateValue()
		if !ok {
			p.pos = start
			return
		}
		e.Args = append(e.Args, v)
	}
}

func (p *parser) templateValue() (*Expr, bool) {
	p.blanks()
	if e, ok := p.number(); ok {
		return e, true
	}
	return p.quoted()
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// name = letter { letter | digit }
func (p *parser) name() (string, bool) {
	start := p.pos
	p.blanks()
	begin := p.pos
	for p.pos < len(p.s) && (letter(p.s[p.pos]) || p.pos > begin && digit(p.s[p.pos])) {
		p.pos++
	}
	if p.pos == begin {
		p.pos = start
		return "", false
	}
	return p.s[begin:p.pos], true
}
