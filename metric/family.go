package metric

import (
	"bytes"
	"strings"
)

// Family is the series of one name that differ by tags from the log. It is as
// little safe for concurrent use as its Recorder.
type Family struct {
	r    *Recorder
	name string
	kind Kind
	keys []string
	ids  map[string]ID // by the values as in the log, each ended by 0
	key  []byte        // scratch
}

// Family declares series of one name with the given tag keys, which must be
// valid names, sorted and unique; else it panics.
func (r *Recorder) Family(name string, k Kind, keys ...string) *Family {
	for i, key := range keys {
		if !ValidName(key) || i > 0 && keys[i-1] >= key {
			panic("BUG: invalid tag key " + key + " of " + name)
		}
	}
	if !ValidName(name) {
		panic("BUG: invalid family " + name)
	}
	return &Family{r: r, name: name, kind: k, keys: keys, ids: make(map[string]ID)}
}

// ID returns the series with the given tag values, one for each key, making it
// if need be; values are made valid as AppendNode does. Beyond MaxSeries all
// new ones share the series whose tag values are "overflow". The values may be
// changed after the call.
func (f *Family) ID(values ...[]byte) ID {
	f.key = f.key[:0]
	for _, v := range values {
		f.key = append(append(f.key, v...), 0)
	}
	if id, ok := f.ids[string(f.key)]; ok {
		return id
	}
	return f.make(values)
}

func (f *Family) make(values [][]byte) ID {
	f.key = f.key[:0]
	for _, v := range values {
		f.key = append(AppendNode(f.key, v), 0)
	}
	if id, ok := f.ids[string(f.key)]; ok {
		return id
	}
	if !f.r.has(f.seriesKey()) && !f.r.admit() {
		f.key = f.key[:0]
		for range f.keys {
			f.key = append(append(f.key, Overflow...), 0)
		}
		if id, ok := f.ids[string(f.key)]; ok {
			return id
		}
	}
	tags := make(Tags, len(f.keys))
	for i, v := range strings.SplitN(string(f.key), "\x00", len(f.keys)+1)[:len(f.keys)] {
		tags[i] = Tag{f.keys[i], v}
	}
	id := f.r.intern(f.name, tags, f.kind, Shortest)
	f.ids[string(f.key)] = id
	return id
}

// seriesKey is the key of the series whose clean values stand in f.key, in
// the recorder's scratch.
func (f *Family) seriesKey() []byte {
	b := append(append(f.r.key[:0], byte(f.kind)), f.name...)
	rest := f.key
	for _, k := range f.keys {
		n := bytes.IndexByte(rest, 0)
		b = append(append(append(append(b, 0), k...), '='), rest[:n]...)
		rest = rest[n+1:]
	}
	f.r.key = b
	return b
}
