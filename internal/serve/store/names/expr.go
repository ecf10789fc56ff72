package names

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Expr is one expression of seriesByTag: "k=v", "k!=v", "k=~re" or "k!=~re". The
// zero value is not usable; see [ParseExprs].
type Expr struct {
	key    string
	value  string         // if re is nil
	re     *regexp.Regexp // anchored at the start only
	negate bool
}

// ParseExprs reads the expressions of one search. Regular expressions are Go's, in which a match takes linear time;
// look-around is an error, and so is what becomes too large. The error wraps [ErrPattern].
func ParseExprs(list []string) ([]Expr, error) {
	exprs, left := make([]Expr, len(list)), newRoom()
	for i, s := range list {
		var err error
		if exprs[i], err = parseExpr(s, left); err != nil {
			return nil, err
		}
	}
	return exprs, nil
}

func parseExpr(s string, left *room) (e Expr, err error) {
	at := strings.IndexAny(s, "=!;")
	if at <= 0 || s[at] == ';' || len(s) > maxPattern {
		return e, fmt.Errorf("%w: %q is not key=value, key!=value, key=~regex or key!=~regex", ErrPattern, cut(s))
	}
	e.key = s[:at]
	rest, negate := strings.CutPrefix(s[at:], "!")
	e.negate = negate
	rest, ok := strings.CutPrefix(rest, "=")
	if !ok || strings.Contains(rest, ";") {
		return e, fmt.Errorf("%w: %q is not key=value, key!=value, key=~regex or key!=~regex", ErrPattern, cut(s))
	}
	text, isRE := strings.CutPrefix(rest, "~")
	if !isRE {
		e.value = rest
		return e, nil
	}
	if e.re, err = left.compile(text); err != nil {
		return e, fmt.Errorf("%w: %q: %w", ErrPattern, cut(s), err)
	}
	return e, nil
}

func cut(s string) string { return s[:min(len(s), 60)] }

// every is after how many matches the context is looked at; one of a regular expression may take long.
func (e *Expr) every() int {
	if e.re != nil {
		return 1
	}
	return checkEvery
}

// holds reports whether the expression without its negation is true of value.
func (e *Expr) holds(value []byte) bool {
	if e.re != nil {
		return e.re.Match(value)
	}
	return string(value) == e.value
}

// takesNone reports whether series without the tag are meant, too.
func (e *Expr) takesNone() bool { return e.holds(nil) != e.negate }

// ErrOnlyNegative means that expressions hold for series that have none of their
// tags. It wraps [ErrPattern].
var ErrOnlyNegative error = onlyNegative{}

type onlyNegative struct{}

func (onlyNegative) Error() string {
	return ErrPattern.Error() + ": at least one expression must not match series without its tag"
}

func (onlyNegative) Unwrap() error { return ErrPattern }

// Tagged returns the series for which all expressions are true, as graphite-web's
// seriesByTag does: a tag that is not there is one with an empty value, and at
// least one expression must ask for a value. Every series has the tag called
// name, its path. They are sorted by name, unless there are more than limit (0:
// none): then the error is [ErrTooMany].
func (x *Index) Tagged(ctx context.Context, exprs []Expr, limit int) ([]Match, error) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	moves := x.moves.Load()
	found, err := x.selectSeries(ctx, exprs)
	if err != nil {
		return nil, err
	}
	var out []Match
	for id := range found.all() {
		if x.isGone(id) {
			continue
		}
		if limit > 0 && len(out) == limit {
			err = ErrTooMany
			break
		}
		// A series that got another name meanwhile may have been found by tags of both.
		if name := x.Name(id); name != "" && (moves%2 == 0 && moves == x.moves.Load() || describes(exprs, name)) {
			out = append(out, Match{Path: name, ID: id, Leaf: true})
		}
	}
	slices.SortFunc(out, func(a, b Match) int { return cmp.Compare(a.Path, b.Path) })
	return out, err
}

// describes reports whether all expressions are true of a canonical name.
func describes(exprs []Expr, name string) bool {
	for _, e := range exprs {
		value := tagOf(name, e.key)
		if e.holds(value) == e.negate {
			return false
		}
	}
	return true
}

// tagOf returns the value of a name's tag, nil when it has none.
func tagOf(name, key string) []byte {
	if key == "name" {
		return Path([]byte(name))
	}
	for k, v := range Tags([]byte(name)) {
		if string(k) == key {
			return v
		}
	}
	return nil
}

// selectSeries returns the series, and some that are gone. Expressions that take
// series without the tag take away those whose tag says otherwise.
func (x *Index) selectSeries(ctx context.Context, exprs []Expr) (found bitset, err error) {
	first := true
	for _, e := range exprs {
		if e.takesNone() {
			continue
		}
		s, err := x.having(ctx, &e, !e.negate)
		if err != nil {
			return nil, err
		}
		if first {
			found = s
		} else {
			found.and(s)
		}
		first = false
	}
	if first {
		return nil, ErrOnlyNegative
	}
	for _, e := range exprs {
		if e.takesNone() {
			s, err := x.having(ctx, &e, e.negate)
			if err != nil {
				return nil, err
			}
			found.andNot(s)
		}
	}
	return found, nil
}

// having returns the series that have the tag with a value of which e, without
// its negation, is true, or is not.
func (x *Index) having(ctx context.Context, e *Expr, is bool) (s bitset, err error) {
	if is && e.re == nil {
		if v, ok := x.valueNode([]byte(e.key), []byte(e.value)); ok {
			x.addItems(&s, v)
		}
		if n, ok := x.walkPlain(e); ok {
			if series := x.nodes.at(n).series.Load(); series != 0 {
				s.add(series - 1)
			}
		}
		return s, nil
	}
	if k, ok := x.step(keysRoot, []byte(e.key)); ok {
		for i, v := range x.kids(k, x.byLabel) {
			if i%e.every() == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if e.holds(x.label(v)) == is {
				x.addItems(&s, v)
			}
		}
	}
	if e.key != "name" {
		return s, nil
	}
	return s, x.eachPlain(ctx, e.every(), func(id uint32, name []byte) {
		if e.holds(name) == is {
			s.add(id)
		}
	})
}

// walkPlain returns the node of the plain name that e asks for.
func (x *Index) walkPlain(e *Expr) (uint32, bool) {
	if e.key != "name" || strings.Contains(e.value, ";") {
		return 0, false
	}
	return x.walk([]byte(e.value))
}

// eachPlain calls f for all names without tags, and looks at ctx after so many.
func (x *Index) eachPlain(ctx context.Context, every int, f func(id uint32, name []byte)) (err error) {
	i := 0
	x.each(plainRoot, nil, '.', func(id uint32, name []byte) bool {
		if i++; i%every == 0 {
			if err = ctx.Err(); err != nil {
				return false
			}
		}
		f(id, name)
		return true
	})
	return err
}

// items are the series below a tag's value, in no order, some of them gone.
func (x *Index) items(v uint32) []uint32 {
	k := x.nodes.at(v).kids.Load()
	if k == 0 {
		return nil
	}
	if k&only != 0 {
		return []uint32{k &^ only}
	}
	items, _ := x.lists.at(k).Load().load()
	return items
}

func (x *Index) addItems(s *bitset, v uint32) {
	for _, id := range x.items(v) {
		s.add(id)
	}
}
