package metric

import (
	"errors"
	"fmt"
)

// ErrBadBatch is wrapped by the errors of [ParseBatch] and [Batch.Check].
var ErrBadBatch = errors.New("bad batch")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadBatch, fmt.Sprintf(format, args...))
}

// Check returns an error that wraps [ErrBadBatch] and says why b cannot be
// kept or sent, or nil: names and tags are valid and sorted, kinds and forms
// are known, floats are finite, distributions and members are those of their kind.
func (b *Batch) Check() error {
	if b.Prefix != "" && !ValidName(b.Prefix) || b.Suffix != "" && !ValidName(b.Suffix) {
		return bad("prefix %.100q or suffix %.100q is no valid name", b.Prefix, b.Suffix)
	}
	for i := range b.Samples {
		if err := b.Samples[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sample) check() error {
	switch {
	case !ValidName(s.Name):
		return bad("name %.100q is not valid", s.Name)
	case s.Kind >= kinds || s.Form >= forms:
		return bad("%.100s: kind %d or form %d is unknown", s.Name, s.Kind, s.Form)
	case !validUnit(s.Unit):
		return bad("%.100s: unit %.100q is not printable", s.Name, s.Unit)
	case s.Dist != nil && (s.Kind != Timer || s.Dist.n != s.Count):
		return bad("%.100s: a %s of %d values has a distribution of %d", s.Name, s.Kind, s.Count, s.Dist.n)
	case s.Members != nil && s.Kind != Set:
		return bad("%.100s: a %s has members", s.Name, s.Kind)
	}
	for i, t := range s.Tags {
		if !ValidName(t.Key) || !ValidName(t.Value) || i > 0 && s.Tags[i-1].Key >= t.Key {
			return bad("%.100s: tag %.100q=%.100q is not valid or not in order", s.Name, t.Key, t.Value)
		}
	}
	for _, f := range s.fields() {
		if !finite(*f) {
			return bad("%.100s: %v is not finite", s.Name, *f)
		}
	}
	return nil
}

func finite(v float64) bool { return v-v == 0 }

// validUnit reports whether no output's line can be broken by the text.
func validUnit(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
