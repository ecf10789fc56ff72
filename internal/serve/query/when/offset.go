// Package when reads Graphite's times: -5min, noon+yesterday, 04:00_20260501.
//
// It promises graphite-web's answers. It knows no clock: what is now is said by who asks. Start
// from Parse; lengths alone are read by Offset.
package when

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrTime is wrapped by errors about texts that are no times.
var ErrTime = errors.New("not a time")

// maxOffset bounds lengths, in seconds: a thousand years.
const maxOffset = 1000 * 365 * 86400

// Offset returns a length of time in seconds: "1h", "-1d6h", "" is 0. A month has 30 days, a year 365.
func Offset(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	rest, sign := s, int64(1)
	switch {
	case s[0] == '-':
		rest, sign = s[1:], -1
	case s[0] == '+':
		rest = s[1:]
	case !digit(s[0]):
		return 0, fmt.Errorf("%w: invalid offset %q", ErrTime, clip(s))
	}
	total := int64(0)
	for rest != "" {
		n, after, err := part(rest)
		if err != nil {
			return 0, err
		}
		if total += sign * n; total > maxOffset || total < -maxOffset {
			return 0, fmt.Errorf("%w: %q is too far", ErrTime, clip(s))
		}
		rest = after
	}
	return total, nil
}

// part reads a number with its unit.
func part(s string) (sec int64, rest string, err error) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 40)
	if err != nil {
		return 0, "", fmt.Errorf("%w: no number at %q", ErrTime, clip(s))
	}
	j := i
	for j < len(s) && letter(s[j]) {
		j++
	}
	u, ok := unit(s[i:j])
	if !ok {
		return 0, "", fmt.Errorf("%w: invalid offset unit %q", ErrTime, clip(s[i:j]))
	}
	return n * u, s[j:], nil
}

// unit returns the seconds of one, by the beginning of its name.
func unit(s string) (int64, bool) {
	for _, u := range units {
		if strings.HasPrefix(s, u.prefix) {
			return u.sec, true
		}
	}
	return 0, false
}

var units = []struct {
	prefix string
	sec    int64
}{{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"mon", 30 * 86400}, {"y", 365 * 86400}}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// clip bounds what of a text an error shows.
func clip(s string) string { return s[:min(len(s), 40)] }
