package logtime

import "time"

// clockSlack is how far, in seconds, a time of day may lie after Newest. It
// covers the skew between two machines' clocks; a day, as for stamps without a
// year, would turn this evening into tomorrow's.
const clockSlack = 60

// TimeOfDay reads "21:59:40", with a fraction after '.' or ',', which is cut.
// The day is the latest on which that time is not more than a minute after
// Newest: a log that spans more than a day cannot be read rightly by it.
func (r *Reader) TimeOfDay(b []byte) (unix int64, n int, ok bool) {
	const size = len("21:59:40")
	if len(b) < size {
		return 0, 0, false
	}
	n = fraction(b, size)
	b = b[:size]
	if unix, ok = r.cached(b); ok {
		return unix, n, true
	}
	c := civil{ok: true}
	c.clock(b)
	if unix, ok = r.Clock(c.hour, c.min, c.sec); !ok || !c.ok {
		return 0, 0, false
	}
	r.keep(b, unix)
	return unix, n, true
}

// Clock returns the Unix second of a time of day by the rule of TimeOfDay; ok
// is false when there is no such time.
func (r *Reader) Clock(hour, min, sec int) (unix int64, ok bool) {
	if hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 60 {
		return 0, false
	}
	limit := r.newest + clockSlack
	day := time.Unix(limit, 0).In(r.zone)
	for back := range 2 {
		unix = firstOf(time.Date(day.Year(), day.Month(), day.Day()-back, hour, min, sec, 0, r.zone)).Unix()
		if unix <= limit {
			return unix, true
		}
	}
	return 0, false
}

// UTC returns the Unix second of a date and time of day in a zone offset
// seconds east of UTC; ok is false when there is no such time. A year of 0 is
// no year.
func UTC(year, month, day, hour, min, sec, offset int) (unix int64, ok bool) {
	c := civil{year, month, day, hour, min, sec, year > 0}
	unix, ok = c.unix(time.UTC)
	return unix - int64(offset), ok
}
