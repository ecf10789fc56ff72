package store

import (
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// tier is one resolution: its keys begin with both numbers.
type tier struct{ step, keep uint32 } // seconds

// expired reports whether a second is beyond what the tier keeps.
func (t tier) expired(second uint32, now int64) bool {
	return int64(second)+int64(t.keep) < now
}

// tierSet is what a series has: its tiers, the finest first, and those that it
// had before a change of the schemas, which can be read until they expire.
type tierSet struct {
	tiers  []tier
	former []tier
}

func (a tierSet) equal(b tierSet) bool {
	return slices.Equal(a.tiers, b.tiers) && slices.Equal(a.former, b.former)
}

// all returns the tiers, then the former ones: late changes tell theirs by its
// place among them.
func (a tierSet) all() []tier { return slices.Concat(a.tiers, a.former) }

// alike returns tier k, and those of its step that the series had before.
func (a tierSet) alike(k int) []tier {
	out := a.tiers[k : k+1 : k+1]
	for _, f := range a.former {
		if f.step == out[0].step {
			out = append(out, f)
		}
	}
	return out
}

// longest returns the longest retention, in seconds.
func longest(tiers []tier) (keep uint32) {
	for _, t := range tiers {
		keep = max(keep, t.keep)
	}
	return keep
}

// intern returns the number of a set, which stays as long as the DB is open.
func (h *head) intern(set tierSet) uint16 {
	if i := slices.IndexFunc(h.sets, set.equal); i >= 0 {
		return uint16(i)
	}
	h.sets = append(h.sets, set)
	return uint16(len(h.sets) - 1)
}

func tiersOf(ts schema.Tiers) []tier {
	out := make([]tier, len(ts))
	for i, t := range ts {
		out[i] = tier{uint32(t.Step), uint32(t.Keep)}
	}
	return out
}
