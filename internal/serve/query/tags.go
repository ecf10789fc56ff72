package query

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// Tag is a key with its value. Numbers among values are as Python prints them.
type Tag struct{ Key, Value string }

// Tags are those of a series, in the order in which they came. They are values: With and
// Without return others, and nobody writes to the elements, so that series may share them.
type Tags []Tag

// Get returns the value of a key, "" when it is not there.
func (t Tags) Get(key string) string {
	v, _ := t.Lookup(key)
	return v
}

// Lookup returns the value of a key, and whether it is there.
func (t Tags) Lookup(key string) (string, bool) {
	for _, tag := range t {
		if tag.Key == key {
			return tag.Value, true
		}
	}
	return "", false
}

// With returns tags in which key has value.
func (t Tags) With(key, value string) Tags {
	out := make(Tags, len(t), len(t)+1)
	copy(out, t)
	for i := range out {
		if out[i].Key == key {
			out[i].Value = value
			return out
		}
	}
	return append(out, Tag{key, value})
}

// Without returns tags without key.
func (t Tags) Without(key string) Tags {
	out := make(Tags, 0, len(t))
	for _, tag := range t {
		if tag.Key != key {
			out = append(out, tag)
		}
	}
	return out
}

// Common returns those that all series have with the same value.
func Common(list []*Series) Tags {
	if len(list) == 0 {
		return nil
	}
	common := list[0].Tags
	for _, s := range list[1:] {
		common = common.in(s.Tags)
	}
	return common
}

func (t Tags) in(other Tags) Tags {
	for i, tag := range t {
		if v, ok := other.Lookup(tag.Key); !ok || v != tag.Value {
			out := append(make(Tags, 0, len(t)), t[:i]...)
			for _, rest := range t[i+1:] {
				if v, ok := other.Lookup(rest.Key); ok && v == rest.Value {
					out = append(out, rest)
				}
			}
			return out
		}
	}
	return t
}

// ParseTags returns the tags in a name, "path;k=v": also called name, the path. The name of a
// function's result, "f(...)", and one whose tags are none, is its own only tag.
func ParseTags(name string) Tags {
	if !strings.ContainsAny(name, ";{") || isCall(name) {
		return Tags{{"name", name}}
	}
	canonical, ok := names.AppendCanonical(nil, []byte(name))
	if !ok {
		return Tags{{"name", name}}
	}
	var tags Tags
	for k, v := range names.Tags(canonical) {
		tags = append(tags, Tag{string(k), string(v)})
	}
	return append(tags, Tag{"name", string(names.Path(canonical))})
}

// isCall reports whether name is letters with something in parentheses behind them.
func isCall(name string) bool {
	i := 0
	for i < len(name) && (name[i]|0x20 >= 'a' && name[i]|0x20 <= 'z') {
		i++
	}
	return i > 0 && len(name) >= i+3 && name[i] == '(' && name[len(name)-1] == ')'
}
