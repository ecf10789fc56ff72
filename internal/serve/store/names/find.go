package names

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/bits"
	"slices"
)

// ErrTooMany means that more was found than the limit; what is returned with
// it is as much as the limit.
var ErrTooMany = errors.New("more matches than the limit")

// Match is what a search found: a series, a node with others below it, or both.
type Match struct {
	Path   string
	ID     uint32 // of the series, if Leaf
	Leaf   bool
	Branch bool
}

// checkEvery is after how many nodes a search looks at its context: about 50 µs.
const checkEvery = 1024

// Find returns the nodes, leaves and branches, whose path matches a pattern of
// Graphite: one part a node, with * ? [a-z] [!a-z] {a,b}, and ** for any number
// of nodes. They are in the order of their parts. A pattern with ';' is the
// name of one series. limit 0 means none. The error wraps [ErrPattern],
// [ErrTooMany], or is the context's.
func (x *Index) Find(ctx context.Context, pattern string, limit int) ([]Match, error) {
	return x.find(ctx, pattern, limit, false)
}

// Expand is Find for series only.
func (x *Index) Expand(ctx context.Context, pattern string, limit int) ([]Match, error) {
	return x.find(ctx, pattern, limit, true)
}

func (x *Index) find(ctx context.Context, pattern string, limit int, leaves bool) ([]Match, error) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	if bytes.IndexByte([]byte(pattern), ';') >= 0 {
		return x.findTagged(pattern), nil
	}
	parts, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	f := finder{x: x, failed: ctx.Err, parts: parts, limit: limit, leaves: leaves}
	err = f.visit(plainRoot, f.closure(1))
	return f.out, err
}

func (x *Index) findTagged(name string) []Match {
	canonical, ok := AppendCanonical(nil, []byte(name))
	if !ok {
		return nil
	}
	if id, ok := x.Get(canonical); ok {
		return []Match{{Path: string(canonical), ID: id, Leaf: true}}
	}
	return nil
}

// finder is one search. It goes through the tree once; a set of bits says which
// parts the node it is at may be matched against: only with ** there is more than
// one.
type finder struct {
	x      *Index
	failed func() error // of the search's context
	parts  []part
	limit  int
	leaves bool

	out   []Match
	path  []byte
	steps int
}

// closure adds what may be matched when a ** stands for nothing.
func (f *finder) closure(set uint64) uint64 {
	for i := range f.parts {
		if set&(1<<i) != 0 && f.parts[i].deep {
			set |= 1 << (i + 1)
		}
	}
	return set
}

// visit goes through what is below n.
func (f *finder) visit(n uint32, set uint64) error {
	if set&(set-1) == 0 {
		p := &f.parts[bits.TrailingZeros64(set)]
		if p.literals != nil {
			return f.visitLiterals(n, p.literals, set<<1)
		}
		return f.visitRange(n, p, set<<1)
	}
	for _, kid := range f.x.kids(n, f.x.byLabel) {
		label := f.x.label(kid)
		if err := f.meet(kid, label, f.advance(set, label)); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) visitLiterals(n uint32, literals []string, next uint64) error {
	for _, text := range literals {
		if kid, ok := f.x.step(n, []byte(text)); ok {
			if err := f.meet(kid, f.x.label(kid), f.closure(next)); err != nil {
				return err
			}
		}
	}
	return nil
}

// visitRange is for one part with globs.
func (f *finder) visitRange(n uint32, p *part, next uint64) error {
	kids := f.x.kids(n, f.x.byLabel)
	prefix := []byte(p.prefix)
	if p.prefix != "" {
		from, _ := slices.BinarySearchFunc(kids, prefix, func(kid uint32, want []byte) int { return bytes.Compare(f.x.label(kid), want) })
		kids = kids[from:]
	}
	next = f.closure(next)
	for _, kid := range kids {
		label := f.x.label(kid)
		if !bytes.HasPrefix(label, prefix) {
			break
		}
		reached := next
		if !p.match(label) {
			reached = 0
		}
		if err := f.meet(kid, label, reached); err != nil {
			return err
		}
	}
	return nil
}

// advance returns the parts after those of set that label matches.
func (f *finder) advance(set uint64, label []byte) (next uint64) {
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		switch p := &f.parts[i]; {
		case p.deep:
			next |= 1 << i
		case p.match(label):
			next |= 1 << (i + 1)
		}
	}
	return f.closure(next)
}

// meet takes a node that is to be matched against set; the bit after the last
// part means that it is found.
func (f *finder) meet(n uint32, label []byte, set uint64) error {
	if f.steps++; f.steps%checkEvery == 0 {
		if err := f.failed(); err != nil {
			return err
		}
	}
	if set == 0 {
		return nil
	}
	size := len(f.path)
	if size > 0 {
		f.path = append(f.path, '.')
	}
	f.path = append(f.path, label...)
	err := f.reach(n, set)
	f.path = f.path[:size]
	return err
}

func (f *finder) reach(n uint32, set uint64) error {
	end := uint64(1) << len(f.parts)
	if set&end != 0 {
		if err := f.emit(n); err != nil {
			return err
		}
	}
	if set &^= end; set != 0 {
		return f.visit(n, set)
	}
	return nil
}

func (f *finder) emit(n uint32) error {
	series := f.x.nodes.at(n).series.Load()
	m := Match{Leaf: series != 0}
	if m.Leaf {
		m.ID = series - 1
	}
	if !f.leaves {
		m.Branch = f.x.liveKids(n) > 0
	}
	if !m.Leaf && !m.Branch {
		return nil
	}
	if f.limit > 0 && len(f.out) == f.limit {
		return ErrTooMany
	}
	m.Path = string(f.path)
	f.out = append(f.out, m)
	return nil
}

// label returns the text of a node.
func (x *Index) label(n uint32) []byte { return x.labels.text(x.nodes.at(n).label) }

// All yields every series: plain names first, then those with tags, each in the
// order of their parts. name is valid until the next.
func (x *Index) All() iter.Seq2[uint32, []byte] {
	return func(yield func(id uint32, name []byte) bool) {
		epoch := x.grace.enter()
		defer x.grace.leave(epoch)
		_ = x.each(plainRoot, nil, '.', yield) && x.each(taggedRoot, nil, ';', yield)
	}
}

// each yields what is below n, whose name is path.
func (x *Index) each(n uint32, path []byte, sep byte, yield func(uint32, []byte) bool) bool {
	for _, kid := range x.kids(n, x.byLabel) {
		name := path
		if len(name) > 0 {
			name = append(name, sep)
		}
		name = append(name, x.label(kid)...)
		if series := x.nodes.at(kid).series.Load(); series != 0 && !yield(series-1, name) {
			return false
		}
		if !x.each(kid, name, sep, yield) {
			return false
		}
		path = name[:len(path)] // the memory may have moved
	}
	return true
}
