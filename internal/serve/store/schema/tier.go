package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tier is one resolution: buckets of Step seconds kept for Keep seconds. A
// bucket's time is that of its start, a multiple of Step.
type Tier struct{ Step, Keep int64 }

// Tiers are of one series, the finest first. Each step divides the next, each
// tier is kept longer than the one before.
type Tiers []Tier

// Limits of tiers. Times in whisper files have 32 bits.
const (
	MaxTiers = 16
	MaxKeep  = 1<<32 - 1 // seconds
)

// units as whisper has them: any beginning of these words. carbon takes the
// first letters only.
var units = []struct {
	name    string
	seconds int64
}{{"seconds", 1}, {"minutes", 60}, {"hours", 3600}, {"days", 86400}, {"weeks", 7 * 86400}, {"years", 365 * 86400}}

// ParseTiers reads retentions, "10s:6h,1m:7d": for each tier its step and how
// long it is kept, or how many points ("60:10080"). A number without a unit is
// of seconds in the first place and of points in the second. The order does not
// matter. The errors are for the one who wrote the text.
func ParseTiers(text string) (Tiers, error) {
	var tiers Tiers
	for _, def := range strings.Split(text, ",") {
		t, err := parseTier(strings.TrimSpace(def))
		if err != nil {
			return nil, err
		}
		tiers = append(tiers, t)
	}
	slices.SortStableFunc(tiers, func(a, b Tier) int { return cmp.Compare(a.Step, b.Step) })
	return tiers, tiers.Validate()
}

func parseTier(def string) (t Tier, err error) {
	step, keep, ok := strings.Cut(def, ":")
	if !ok {
		return t, fmt.Errorf("%q has no colon; write STEP:KEEP, for example 10s:6h", cut(def))
	}
	if t.Step, _, err = parseSpan(step); err != nil {
		return t, err
	}
	n, plain, err := parseSpan(keep)
	if err != nil {
		return t, err
	}
	if t.Step == 0 {
		return t, fmt.Errorf("%q has a step of 0 seconds", cut(def))
	}
	points := n
	if !plain {
		points = n / t.Step
	}
	if points == 0 {
		return t, fmt.Errorf("%q keeps no point: it is shorter than its step", cut(def))
	}
	if points > MaxKeep/t.Step {
		return t, fmt.Errorf("%q is kept for more than %d years", cut(def), MaxKeep/(365*86400))
	}
	t.Keep = points * t.Step
	return t, nil
}

// parseSpan reads "10", "10s", "10seconds"; plain means no unit.
func parseSpan(s string) (n int64, plain bool, err error) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	n, err = strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n > MaxKeep {
		return 0, false, fmt.Errorf("%q is not a number of at most %d with a unit (s, m, h, d, w, y), and no blanks around the colon", cut(s), int64(MaxKeep))
	}
	if digits == len(s) {
		return n, true, nil
	}
	for _, u := range units {
		if strings.HasPrefix(u.name, s[digits:]) {
			return n * u.seconds, false, nil
		}
	}
	return 0, false, fmt.Errorf("%q has no unit of time: %q is not s, m, h, d, w or y", cut(s), cut(s[digits:]))
}

// Validate reports the first of whisper's rules that the tiers break: at least
// one, finest first, no step twice, each step divides the next, each tier is
// longer than the one before, which has enough points to fill a bucket of it.
func (ts Tiers) Validate() error {
	switch {
	case len(ts) == 0:
		return errors.New("no tier")
	case len(ts) > MaxTiers:
		return fmt.Errorf("%d tiers; at most %d", len(ts), MaxTiers)
	}
	for i, t := range ts[1:] {
		if err := follows(ts[i], t); err != nil {
			return err
		}
	}
	return nil
}

func follows(fine, coarse Tier) error {
	switch {
	case fine.Step >= coarse.Step:
		return fmt.Errorf("two tiers have steps of %d seconds; drop one", coarse.Step)
	case coarse.Step%fine.Step != 0:
		return fmt.Errorf("a step of %d seconds is not a multiple of %d, the next finer one", coarse.Step, fine.Step)
	case coarse.Keep <= fine.Keep:
		return fmt.Errorf("the tier of %d seconds is kept for %d seconds, not longer than the finer one of %d seconds (%d)", coarse.Step, coarse.Keep, fine.Step, fine.Keep)
	case fine.Keep < coarse.Step:
		return fmt.Errorf("the tier of %d seconds has %d points, too few for one of %d seconds", fine.Step, fine.Keep/fine.Step, coarse.Step)
	}
	return nil
}

// String returns the tiers as ParseTiers reads them, in seconds and points:
// "10:25920,300:25920".
func (ts Tiers) String() string {
	var b []byte
	for i, t := range ts {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, t.Step, 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, t.Keep/t.Step, 10)
	}
	return string(b)
}

// partitionSteps is how many buckets a partition has at least: at 720 a frame
// of the finest usual tier is two hours, which a day's graph reads twelve of.
const partitionSteps = 720

// Partition returns the span [start,end), Unix seconds, in which the tier's
// bucket that holds t is filed: 720 steps rounded up to 15 minutes, 2 hours, a
// day, a month or a year of UTC; a year for what is longer. A bucket is filed by
// its own start, so one of a step that does not divide the span may reach into
// the next.
func (t Tier) Partition(unix int64) (start, end int64) {
	unix = floor(unix, t.Step)
	span := t.Step * partitionSteps
	for _, fixed := range [...]int64{900, 7200, 86400} {
		if span <= fixed {
			start = floor(unix, fixed)
			return start, start + fixed
		}
	}
	at := time.Unix(unix, 0).UTC()
	if span <= 31*86400 {
		return month(at.Year(), at.Month()), month(at.Year(), at.Month()+1)
	}
	return month(at.Year(), 1), month(at.Year()+1, 1)
}

func month(year int, m time.Month) int64 {
	return time.Date(year, m, 1, 0, 0, 0, 0, time.UTC).Unix()
}

// floor returns the greatest multiple of step that is not above t.
func floor(t, step int64) int64 {
	if t < 0 {
		return t - (t%step+step)%step
	}
	return t - t%step
}
