package names

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
)

// TagQuery says which tags or values are asked for.
type TagQuery struct {
	Exprs  []Expr // of the series that have them; none: all series
	Prefix string
	Filter func([]byte) bool // nil: all
	Limit  int               // 0: none; the first in order
}

// Value is a tag's value, and how many series have it.
type Value struct {
	Value string
	Count int
}

func (q *TagQuery) takes(text []byte) bool {
	return strings.HasPrefix(string(text), q.Prefix) && (q.Filter == nil || q.Filter(text))
}

// every is after how many texts the context is looked at; a filter may take long for each.
func (q *TagQuery) every() int {
	if q.Filter != nil {
		return 1
	}
	return checkEvery
}

func (q *TagQuery) full(n int) bool { return q.Limit > 0 && n >= q.Limit }

// Keys returns the names of tags, sorted; with expressions those that the
// expressions do not name already.
func (x *Index) Keys(ctx context.Context, q TagQuery) ([]string, error) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	in, err := x.scope(ctx, q.Exprs)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, k := range x.keyNodes() {
		key := nameKey
		if k != 0 {
			key = x.label(k)
		}
		if q.full(len(out)) {
			break
		}
		if !q.takes(key) || slices.ContainsFunc(q.Exprs, func(e Expr) bool { return e.key == string(key) }) {
			continue
		}
		used, err := x.usesKey(ctx, k, in)
		if err != nil {
			return nil, err
		}
		if used {
			out = append(out, string(key))
		}
	}
	return out, nil
}

// scope returns what tells whether a series is asked for.
func (x *Index) scope(ctx context.Context, exprs []Expr) (func(id uint32) bool, error) {
	if len(exprs) == 0 {
		return func(id uint32) bool { return !x.isGone(id) }, nil
	}
	found, err := x.selectSeries(ctx, exprs)
	return func(id uint32) bool { return found.has(id) && !x.isGone(id) }, err
}

// keyNodes returns the nodes of all keys in order; 0 stands for the key called
// name when only plain names have it.
func (x *Index) keyNodes() []uint32 {
	kids := x.kids(keysRoot, x.byLabel)
	if _, ok := x.step(keysRoot, nameKey); ok || x.liveKids(plainRoot) == 0 {
		return kids
	}
	at := 0
	for at < len(kids) && string(x.label(kids[at])) < string(nameKey) {
		at++
	}
	return slices.Insert(slices.Clone(kids), at, 0)
}

// usesKey reports whether a series that is asked for has the key.
func (x *Index) usesKey(ctx context.Context, k uint32, in func(uint32) bool) (bool, error) {
	if k == 0 || string(x.label(k)) == string(nameKey) {
		found := false
		x.each(plainRoot, nil, '.', func(id uint32, _ []byte) bool {
			found = in(id)
			return !found && ctx.Err() == nil
		})
		if found || ctx.Err() != nil || k == 0 {
			return found, ctx.Err()
		}
	}
	for i, v := range x.kids(k, x.byLabel) {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if slices.ContainsFunc(x.items(v), in) {
			return true, nil
		}
	}
	return false, nil
}

// Values returns the values of a tag, sorted. That a series has the tag is asked
// for with it, so that all expressions may be such as ErrOnlyNegative is about.
func (x *Index) Values(ctx context.Context, key string, q TagQuery) ([]Value, error) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	in, err := x.scope(ctx, q.Exprs)
	if errors.Is(err, ErrOnlyNegative) {
		in, err = x.scope(ctx, append(slices.Clone(q.Exprs), Expr{key: key, negate: true}))
	}
	if err != nil {
		return nil, err
	}
	var out []Value
	isName := key == "name"
	if k, ok := x.step(keysRoot, []byte(key)); ok {
		for i, v := range x.kids(k, x.byLabel) {
			if i%q.every() == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if !isName && q.full(len(out)) {
				break
			}
			if !q.takes(x.label(v)) {
				continue
			}
			n := 0
			for _, id := range x.items(v) {
				if in(id) {
					n++
				}
			}
			if n > 0 {
				out = append(out, Value{string(x.label(v)), n})
			}
		}
	}
	if !isName {
		return out, nil
	}
	return x.withPlain(ctx, out, q, in)
}

// withPlain adds plain names to the values of the tag called name.
func (x *Index) withPlain(ctx context.Context, out []Value, q TagQuery, in func(uint32) bool) ([]Value, error) {
	err := x.eachPlain(ctx, q.every(), func(id uint32, name []byte) {
		if q.takes(name) && in(id) {
			out = append(out, Value{string(name), 1})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Value) int { return cmp.Compare(a.Value, b.Value) })
	sum := out[:0]
	for _, v := range out {
		if n := len(sum); n > 0 && sum[n-1].Value == v.Value {
			sum[n-1].Count += v.Count
			continue
		}
		sum = append(sum, v)
	}
	if q.Limit > 0 && len(sum) > q.Limit {
		sum = sum[:q.Limit]
	}
	return sum, nil
}
