package names

import (
	"bytes"
	"iter"
)

// Tags yields the tags of a canonical name, in its order; without the tag
// called name, which is the path.
func Tags(name []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		_, rest := nextPart(name, ';')
		for len(rest) > 0 {
			var tag []byte
			tag, rest = nextPart(rest, ';')
			key, value, _ := bytes.Cut(tag, equals)
			if !yield(key, value) {
				return
			}
		}
	}
}

// Path returns a canonical name without its tags.
func Path(name []byte) []byte {
	path, _ := nextPart(name, ';')
	return path
}

// allTags yields the tags of a name that has some, the one called name too.
// Plain names are not in the index of tags: their tree is the index of the only
// tag they have.
func allTags(name []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for key, value := range Tags(name) {
			if !yield(key, value) {
				return
			}
		}
		if path := Path(name); len(path) < len(name) {
			yield(nameKey, path)
		}
	}
}

// tag puts the series below the values of its tags. After an error it is below
// none.
func (x *Index) tag(id uint32, name []byte) error {
	done := 0
	for key, value := range allTags(name) {
		v, err := x.makeValue(key, value)
		if err != nil {
			x.detach(id, name, done)
			return err
		}
		x.addKid(v, id, byNumber)
		done++
	}
	return nil
}

// makeValue returns the node of a tag's value.
func (x *Index) makeValue(key, value []byte) (uint32, error) {
	k, err := x.makeStep(keysRoot, key)
	if err != nil {
		return 0, err
	}
	v, err := x.makeStep(k, value)
	if err != nil {
		x.prune(k)
	}
	return v, err
}

// valueNode is makeValue for what is there.
func (x *Index) valueNode(key, value []byte) (uint32, bool) {
	k, ok := x.step(keysRoot, key)
	if !ok {
		return 0, false
	}
	return x.step(k, value)
}

// untag buries a series, which has no node any more, below its tags.
func (x *Index) untag(name []byte) {
	for key, value := range allTags(name) {
		if v, ok := x.valueNode(key, value); ok {
			x.buryKid(v, x.isGone, func(uint32) {})
			x.prune(v)
		}
	}
}

// isGone reports whether a series is no more, or not yet.
func (x *Index) isGone(id uint32) bool {
	at := x.byID.find(id)
	return at == nil || at.Load() == 0
}

// detach takes a series that lives on from below the first n of its tags, at
// once: it could not be told from what belongs there later.
func (x *Index) detach(id uint32, name []byte, n int) {
	for key, value := range allTags(name) {
		if n--; n < 0 {
			return
		}
		v, ok := x.valueNode(key, value)
		if !ok {
			continue
		}
		kids := &x.nodes.at(v).kids
		if k := kids.Load(); k&only != 0 {
			kids.Store(0)
		} else {
			l := x.lists.at(k).Load()
			items, sorted := l.load()
			dead := l.dead.Load()
			x.filterKids(k, items, sorted, func(item uint32) bool { return item == id }, func(uint32) {})
			x.lists.at(k).Load().dead.Store(dead)
		}
		x.prune(v)
	}
}
