package picture

import (
	"iter"
	"time"
)

// A span of time between two labels: so many seconds, days or months. Only one
// of them is not 0. Seconds are those of the clock on the wall: with 6 h there is
// a label at 06:00 also on the day that has 23 hours.
type span struct {
	seconds      int64
	days, months int
	format       string // of a label
	finer        int    // parts that lines cut it into
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// spans has the distances that labels may have, shortest first. All divide
// what the next larger thing on a clock or calendar is made of.
func spans() []span {
	return []span{
		{seconds: 1, format: "15:04:05", finer: 1}, {seconds: 2, format: "15:04:05", finer: 2}, {seconds: 5, format: "15:04:05", finer: 5},
		{seconds: 10, format: "15:04:05", finer: 2}, {seconds: 15, format: "15:04:05", finer: 3}, {seconds: 30, format: "15:04:05", finer: 3},
		{seconds: minute, format: "15:04", finer: 2}, {seconds: 2 * minute, format: "15:04", finer: 2}, {seconds: 5 * minute, format: "15:04", finer: 5},
		{seconds: 10 * minute, format: "15:04", finer: 2}, {seconds: 15 * minute, format: "15:04", finer: 3}, {seconds: 30 * minute, format: "15:04", finer: 3},
		{seconds: hour, format: "15:04", finer: 2}, {seconds: 2 * hour, format: "15:04", finer: 2}, {seconds: 3 * hour, format: "15:04", finer: 3},
		{seconds: 4 * hour, format: "15:04", finer: 4}, {seconds: 6 * hour, format: "15:04", finer: 3}, {seconds: 12 * hour, format: "15:04", finer: 2},
		{days: 1, format: "Mon 2 Jan", finer: 4}, {days: 2, format: "2 Jan", finer: 2}, {days: 7, format: "2 Jan", finer: 7}, {days: 14, format: "2 Jan", finer: 2},
		{months: 1, format: "Jan 2006", finer: 1}, {months: 2, format: "Jan 2006", finer: 2}, {months: 3, format: "Jan 2006", finer: 3}, {months: 6, format: "Jan 2006", finer: 6},
		{months: 12, format: "2006", finer: 4}, {months: 24, format: "2006", finer: 2}, {months: 60, format: "2006", finer: 5},
		{months: 120, format: "2006", finer: 2}, {months: 240, format: "2006", finer: 2}, {months: 600, format: "2006", finer: 5}, {months: 1200, format: "2006", finer: 2},
	}
}

// length is about how many seconds it is.
func (s span) length() int64 {
	return s.seconds + int64(s.days)*day + int64(s.months)*(30*day+10*hour+29*minute+6)
}

// ticks yields the times from and to inclusive at which a clock in the zone
// shows a multiple of s, in order.
func (s span) ticks(from, to int64, zone *time.Location) iter.Seq[time.Time] {
	if s.seconds == 0 {
		return s.dates(from, to, zone)
	}
	return func(yield func(time.Time) bool) {
		for t := round(time.Unix(from, 0).In(zone), s.seconds); t.Unix() <= to && yield(t); {
			t = round(t.Add(time.Second), s.seconds)
		}
	}
}

// dates yields the midnights at which s begins. Weeks begin on Monday.
func (s span) dates(from, to int64, zone *time.Location) iter.Seq[time.Time] {
	start := time.Unix(from, 0).In(zone)
	days := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC).Unix() / day
	months := start.Year()*12 + int(start.Month()) - 1
	if s.days > 0 {
		const thursday = 3 // was the first day of 1970
		days -= (days + thursday*int64(min(s.days/7, 1))) % int64(s.days)
	} else {
		months -= months % s.months
	}
	return func(yield func(time.Time) bool) {
		for last := from - 1; ; {
			t := midnight(time.Unix(days*day, 0).UTC(), zone)
			if s.months > 0 {
				t = midnight(time.Date(0, time.Month(months+1), 1, 0, 0, 0, 0, time.UTC), zone)
			}
			if t.Unix() > to || t.Unix() > last && !yield(t) {
				return
			}
			last = max(last, t.Unix()) // a zone that crosses the date line has no such day
			days, months = days+int64(s.days), months+s.months
		}
	}
}

// midnight is when the day d of the calendar begins; where clocks go forward
// at midnight, an hour later.
func midnight(d time.Time, zone *time.Location) time.Time {
	m := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
	if m.Day() != d.Day() { // an hour before the gap
		m = m.Add(time.Hour)
	}
	return m
}

// round is the first time from t on at which a clock on the wall shows a
// multiple of step seconds since midnight.
func round(t time.Time, step int64) time.Time {
	for range 4 { // a zone does not change its clocks twice within one step
		_, offset := t.Zone()
		over := (t.Unix() + int64(offset)) % step
		if over < 0 {
			over += step
		}
		if over == 0 {
			return t
		}
		next := t.Add(time.Duration(step-over) * time.Second)
		_, end := t.ZoneBounds()
		if end.IsZero() || next.Before(end) {
			return next
		}
		t = end // the clocks change before: look again from there
	}
	return t
}
