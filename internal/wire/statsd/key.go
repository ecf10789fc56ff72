package statsd

import (
	"bytes"
	"slices"
)

// AppendKey appends the key under which node's daemon keeps a name with its
// tags: "name;k=v;k2=v2". It does not clean it; see [AppendCleanKey].
func AppendKey(dst, name, tags []byte) []byte {
	dst = append(dst, name...)
	for more := len(tags) > 0; more; {
		var tag []byte
		tag, tags, more = bytes.Cut(tags, []byte{','})
		dst = append(dst, ';')
		start := len(dst)
		dst = append(dst, tag...)
		replaceFirst(dst[start:], ';', '_')
		replaceFirst(dst[start:], ':', '=')
	}
	return dst
}

func replaceFirst(b []byte, from, to byte) {
	if i := bytes.IndexByte(b, from); i >= 0 {
		b[i] = to
	}
}

// AppendCleanKey appends key as node's daemon cleans it: a run of blanks
// becomes '_', '/' becomes '-', and all but letters, digits and "_-.;=" goes.
func AppendCleanKey(dst, key []byte) []byte {
	blank := false
	for _, c := range key {
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			if !blank {
				dst = append(dst, '_')
			}
			blank = true
			continue
		case c == '/':
			dst = append(dst, '-')
		case plain(c) || c == ';' || c == '=':
			dst = append(dst, c)
		}
		blank = false
	}
	return dst
}

// SortTags brings the tags of key, "name;k=v;k2=v2", into the order of their
// keys, so that a series has one key in whatever order its tags were sent. Of
// tags with the same key the last stands; one without a value gets the value
// "true", for Graphite takes none without; empty ones go. It returns the key,
// in place when it can.
func SortTags(key []byte) []byte {
	name, rest, tagged := bytes.Cut(key, []byte{';'})
	if !tagged {
		return key
	}
	tags := slices.DeleteFunc(bytes.Split(rest, []byte{';'}), func(t []byte) bool { return len(tagKey(t)) == 0 })
	for i, t := range tags {
		if k := tagKey(t); len(k)+1 >= len(t) {
			tags[i] = append(slices.Clone(k), "=true"...)
		}
	}
	slices.SortStableFunc(tags, func(a, b []byte) int { return bytes.Compare(tagKey(a), tagKey(b)) })
	sorted := slices.Clone(name)
	for i, t := range tags {
		if i+1 == len(tags) || !bytes.Equal(tagKey(t), tagKey(tags[i+1])) {
			sorted = append(append(sorted, ';'), t...)
		}
	}
	return sorted
}

func tagKey(tag []byte) []byte {
	key, _, _ := bytes.Cut(tag, []byte{'='})
	return key
}
