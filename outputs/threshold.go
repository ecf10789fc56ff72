package outputs

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// threshold says which values of the metrics with a fitting name alert. Its
// ranges are those of the Monitoring Plugins Development Guidelines:
//
//	10     outside 0 to 10
//	10:    below 10
//	~:10   above 10
//	10:20  outside 10 to 20
//	@10:20 from 10 to 20, both included
type threshold struct {
	names     string // a glob
	text      string // the range as it was given
	low, high float64
	inside    bool // alerts inside the range
}

// parseThresholds reads NAME=RANGE, the name without prefix and suffix.
func parseThresholds(list []string) (all []threshold, err error) {
	for _, text := range list {
		name, text, ok := strings.Cut(strings.TrimSpace(text), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("threshold %q: NAME=RANGE is expected, as numDeferred=0:100", name)
		}
		if _, err := path.Match(name, ""); err != nil {
			return nil, fmt.Errorf("threshold %s=%s: %q is no valid glob", name, text, name)
		}
		t := threshold{names: name, text: text}
		if err := t.parse(); err != nil {
			return nil, fmt.Errorf("threshold %s=%s: %w", name, text, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func (t *threshold) parse() (err error) {
	limits, inside := strings.CutPrefix(t.text, "@")
	t.inside = inside
	low, high, both := strings.Cut(limits, ":")
	if !both {
		low, high = "0", limits
	}
	t.low, t.high = math.Inf(-1), math.Inf(1)
	if low != "~" {
		if t.low, err = rangeNumber(low); err != nil {
			return err
		}
	}
	if high != "" || !both {
		if t.high, err = rangeNumber(high); err != nil {
			return err
		}
	}
	if t.low > t.high {
		return fmt.Errorf("the range ends before it begins")
	}
	return nil
}

func rangeNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("%q is no number; ranges are as 10, 10:, ~:10, 10:20 or @10:20", text)
	}
	return v, nil
}

func (t *threshold) alerts(v float64) bool {
	return (v >= t.low && v <= t.high) == t.inside
}

// thresholdFor returns the first one whose name fits, nil when there is none.
func thresholdFor(list []threshold, name []byte) *threshold {
	for i := range list {
		if ok, _ := path.Match(list[i].names, string(name)); ok { // its syntax was checked
			return &list[i]
		}
	}
	return nil
}
