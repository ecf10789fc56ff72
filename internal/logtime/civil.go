package logtime

import "time"

// civil is a date and time of day as a stamp writes them.
type civil struct {
	year, month, day, hour, min, sec int
	ok                               bool
}

// clock reads "hh:mm:ss" into c; b has at least 8 bytes.
func (c *civil) clock(b []byte) {
	c.hour, c.min, c.sec = number(b[0:2]), number(b[3:5]), number(b[6:8])
	c.ok = c.ok && b[2] == ':' && b[5] == ':'
}

func (c *civil) valid() bool {
	return c.ok && c.year >= 0 && c.month >= 1 && c.month <= 12 &&
		c.day >= 1 && c.day <= daysIn(c.month, c.year) &&
		c.hour >= 0 && c.hour <= 23 && c.min >= 0 && c.min <= 59 &&
		c.sec >= 0 && c.sec <= 60 // 60: a leap second, which counts as the next one
}

func (c *civil) unix(loc *time.Location) (int64, bool) {
	if !c.valid() {
		return 0, false
	}
	t := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.min, c.sec, 0, loc)
	if loc == time.UTC {
		return t.Unix(), true
	}
	return firstOf(t).Unix(), true
}

// firstOf returns the earlier of the two times that a clock shows as t when it
// was put back in between; time.Date does not say which it returns.
func firstOf(t time.Time) time.Time {
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return t
	}
	_, offset := t.Zone()
	_, before := start.Add(-1).Zone()
	if earlier := t.Add(-time.Duration(before-offset) * time.Second); before > offset && earlier.Before(start) {
		return earlier
	}
	return t
}

// Unix returns the Unix second of a date and time of day in the Reader's zone;
// with year 0 of the latest year in which it is not more than a day after
// Newest. ok is false when there is no such time.
func (r *Reader) Unix(year, month, day, hour, min, sec int) (unix int64, ok bool) {
	c := civil{year, month, day, hour, min, sec, true}
	if year != 0 {
		return c.unix(r.zone)
	}
	limit := r.newest + 24*3600
	latest := time.Unix(limit, 0).In(r.zone).Year()
	// Eight years reach the last leap year from any year, also over 1900 and 2100.
	for c.year = latest; c.year >= latest-8; c.year-- {
		if unix, ok = c.unix(r.zone); ok && unix <= limit {
			return unix, true
		}
	}
	return 0, false
}

func daysIn(month, year int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// month reads an English month's three letters; 0 when there are none.
func month(b []byte) int {
	switch string(b[:3]) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

// number reads b as digits; -1 when one is none.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// padded reads one or two digits, the first of two may be a space.
func padded(b []byte) int {
	if b[0] == ' ' && len(b) > 1 {
		b = b[1:2]
	}
	return number(b[:min(2, len(b))])
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// fraction returns where a fraction that starts at b[n] ends; n when there is none.
func fraction(b []byte, n int) int {
	if n+1 >= len(b) || b[n] != '.' && b[n] != ',' || !isDigit(b[n+1]) {
		return n
	}
	for n++; n < len(b) && isDigit(b[n]); n++ {
	}
	return n
}

// zone reads a zone at b[n]: its offset in seconds east of UTC, and its end.
func zone(b []byte, n int) (offset int64, ok bool, end int) {
	if n >= len(b) {
		return 0, false, n
	}
	if b[n] == 'Z' {
		return 0, true, n + 1
	}
	if b[n] != '+' && b[n] != '-' || n+3 > len(b) {
		return 0, false, n
	}
	hours, minutes, end := number(b[n+1:n+3]), 0, n+3
	if end < len(b) && b[end] == ':' {
		end++
	}
	if end+2 <= len(b) && number(b[end:end+2]) >= 0 {
		minutes, end = number(b[end:end+2]), end+2
	} else {
		end = n + 3
	}
	if hours < 0 || hours > 23 || minutes > 59 {
		return 0, false, n
	}
	offset = int64(hours*3600 + minutes*60)
	if b[n] == '-' {
		offset = -offset
	}
	return offset, true, end
}
