package store

import (
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// maxFrame is the most buckets of a frame: the partitions of the usual tiers fit.
const maxFrame = 1024

// spans knows which frames there are: of each tier the spans, in order and
// apart. Whether a frame is there for a block only its key can tell.
type spans map[tier][]span

// find returns the span that holds second.
func (s spans) find(t tier, second uint32) (span, bool) {
	list := s[t]
	i := s.search(t, second)
	if i == len(list) || list[i].start > second {
		return span{}, false
	}
	return list[i], true
}

// search returns the index of the first span of t that ends after second.
func (s spans) search(t tier, second uint32) int {
	i, _ := slices.BinarySearchFunc(s[t], second, func(a span, second uint32) int {
		if a.end(t) <= second {
			return -1
		}
		return 1
	})
	return i
}

// between returns the spans of t that have a part of [from,until).
func (s spans) between(t tier, from, until uint32) []span {
	list := s[t][s.search(t, from):]
	for i, a := range list {
		if a.start >= until {
			return list[:i]
		}
	}
	return list
}

// make adds the span in which the bucket at start is filed, where there is none:
// the part of its partition that is free around it, before until.
func (s spans) make(t tier, start, until uint32) span {
	var from uint32
	a, b := schema.Tier{Step: int64(t.step), Keep: int64(t.keep)}.Partition(int64(start))
	piece := (int64(start) - a) / (maxFrame * int64(t.step)) // of the partition
	a += piece * maxFrame * int64(t.step)
	b = min(b, a+maxFrame*int64(t.step))
	list := s[t]
	i := s.search(t, start)
	if i > 0 {
		from = max(from, list[i-1].end(t))
	}
	if i < len(list) {
		until = min(until, list[i].start)
	}
	// The first step of a partition may lie before it when the step does not divide it.
	first := max(uint32((a+int64(t.step)-1)/int64(t.step))*t.step, from)
	end := min(uint32((b+int64(t.step)-1)/int64(t.step))*t.step, until)
	made := span{first, (end - first) / t.step}
	s[t] = slices.Insert(list, i, made)
	return made
}

// replace puts one span in the place of those in [from,until); n 0: of none.
func (s spans) replace(t tier, from, until uint32, by ...span) {
	list := s[t]
	i := s.search(t, from)
	j := i
	for j < len(list) && list[j].start < until {
		j++
	}
	s[t] = slices.Replace(list, i, j, by...)
}
