package when

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse returns the Unix seconds of a text, seen from now in a zone: seconds as they are, or a reference with an
// offset behind it:
//
//	1700000000   now   -5min   now-1d6h   noon+yesterday   midnight   teatime   6pm today   18:30   16:00_20260501
//	20260501   12/31/26   jan 15   monday   tomorrow-1h
//
// Blanks, commas and underscores between do not count, nor does case. What begins with an offset is
// from now. A wall clock time that occurs twice is the one of standard time; one that does not occur is taken as if
// standard time went on. The error wraps ErrTime.
func Parse(s string, now int64, zone *time.Location) (int64, error) {
	text := strings.NewReplacer("_", "", ",", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(s)))
	if allDigits(text) && !dayNumber(text) {
		unix, err := strconv.ParseInt(text, 10, 64)
		if err != nil || unix > lastSecond {
			return 0, fmt.Errorf("%w: %q is too far", ErrTime, clip(s))
		}
		return unix, nil
	}
	ref, offset := text, ""
	if i := strings.IndexByte(text, '+'); i >= 0 {
		ref, offset = text[:i], text[i:]
	} else if i := strings.IndexByte(text, '-'); i >= 0 {
		ref, offset = text[:i], text[i:]
	}
	unix, err := reference(ref, now, zone)
	if err != nil {
		return 0, err
	}
	sec, err := Offset(offset)
	return unix + sec, err
}

// lastSecond is the end of the year 9999: no date has more digits.
const lastSecond = 253402300799

// dayNumber reports whether eight digits are a day, YYYYMMDD, and no seconds.
func dayNumber(s string) bool {
	return len(s) == 8 && s[:4] > "1900" && s[4:6] < "13" && s[6:] < "32"
}

// reference returns the seconds of what stands before an offset.
func reference(s string, now int64, zone *time.Location) (int64, error) {
	if s == "" || s == "now" {
		return now, nil
	}
	hour, minute, rest, err := clock(s)
	if err != nil {
		return 0, err
	}
	today := time.Unix(now, 0).In(zone)
	day, err := dayOf(rest, today)
	if err != nil {
		return 0, err
	}
	if hour > 23 || minute > 59 {
		return 0, fmt.Errorf("%w: no such time of day: %q", ErrTime, clip(s))
	}
	return localize(day.Add(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute), zone), nil
}

// clock reads the time of day that s may begin with: 18:30, 6:30pm, 6pm, noon.
func clock(s string) (hour, minute int, rest string, err error) {
	rest = s
	if i := strings.IndexByte(rest, ':'); i == 1 || i == 2 {
		if hour, err = number(rest[:i]); err == nil {
			minute, err = number(rest[i+1 : min(i+3, len(rest))])
		}
		rest = rest[min(i+3, len(rest)):]
		if after, ok := strings.CutPrefix(rest, "am"); ok {
			rest = after
		} else if after, ok := strings.CutPrefix(rest, "pm"); ok {
			hour, rest = (hour+12)%24, after
		}
	}
	for half, suffix := range []string{"am", "pm"} {
		if i := strings.Index(rest, suffix); err == nil && (i == 1 || i == 2) {
			hour, err = number(rest[:i])
			if half == 1 {
				hour = (hour + 12) % 24
			}
			rest = rest[i+2:]
		}
	}
	for _, n := range named {
		if after, ok := strings.CutPrefix(rest, n.name); ok {
			return n.hour, 0, after, err
		}
	}
	return hour, minute, rest, err
}

var named = []struct {
	name string
	hour int
}{{"noon", 12}, {"midnight", 0}, {"teatime", 16}}

// dayOf returns the midnight, in UTC, of the day that s says, "" being today.
func dayOf(s string, today time.Time) (time.Time, error) {
	y, m, d := today.Date()
	switch {
	case s == "" || s == "today":
		return date(y, int(m), d)
	case s == "yesterday":
		return date(y, int(m), d-1)
	case s == "tomorrow":
		return date(y, int(m), d+1)
	case strings.Count(s, "/") == 2:
		return slashed(s)
	case len(s) == 8 && allDigits(s):
		return exactly(s[:4], s[4:6], s[6:])
	}
	if i := begins(s, months); i >= 0 {
		return exactly(strconv.Itoa(y), strconv.Itoa(i+1), lastDigits(s))
	}
	if i := begins(s, weekdays); i >= 0 {
		return date(y, int(m), d-(int(today.Weekday())-i+7)%7)
	}
	return time.Time{}, fmt.Errorf("%w: unknown day %q", ErrTime, clip(s))
}

var (
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

func begins(s string, list []string) int {
	for i, name := range list {
		if strings.HasPrefix(s, name) {
			return i
		}
	}
	return -1
}

// lastDigits returns the two digits at the end, or the one, or "".
func lastDigits(s string) string {
	for n := 2; n > 0; n-- {
		if len(s) >= n && allDigits(s[len(s)-n:]) {
			return s[len(s)-n:]
		}
	}
	return ""
}

// slashed reads MM/DD/YY and MM/DD/YYYY.
func slashed(s string) (time.Time, error) {
	f := strings.Split(s, "/")
	y, err := number(f[2])
	if err != nil {
		return time.Time{}, err
	}
	if y < 1900 {
		y += 1900
	}
	if y < 1970 {
		y += 100
	}
	return exactly(strconv.Itoa(y), f[0], f[1])
}

// exactly returns a day that there is.
func exactly(year, month, day string) (time.Time, error) {
	y, err1 := number(year)
	m, err2 := number(month)
	d, err3 := number(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if err1 != nil || err2 != nil || err3 != nil || y < 1 || y > 9999 || int(t.Month()) != m || t.Day() != d {
		return t, fmt.Errorf("%w: no such day: %s-%s-%s", ErrTime, clip(year), clip(month), clip(day))
	}
	return t, nil
}

func date(y, m, d int) (time.Time, error) {
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC), nil
}

// localize returns the seconds of a wall clock time, given as if it were UTC, in a zone.
func localize(wall time.Time, zone *time.Location) int64 {
	const day = 86400
	w := wall.Unix()
	offset := func(unix int64) (sec int64, dst bool) {
		t := time.Unix(unix, 0).In(zone)
		_, n := t.Zone()
		return int64(n), t.IsDST()
	}
	before, _ := offset(w - day)
	after, _ := offset(w + day)
	first, firstDST := offset(w - before)
	last, lastDST := offset(w - after)
	switch {
	case first == before && last == after && lastDST && !firstDST:
		return w - before
	case last == after:
		return w - after
	}
	return w - before
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || !allDigits(s) || n > 1e6 {
		return 0, fmt.Errorf("%w: not a number: %q", ErrTime, clip(s))
	}
	return n, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}
