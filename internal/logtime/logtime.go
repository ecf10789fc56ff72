// Package logtime reads the time stamps at the start of log lines.
//
// It promises whole Unix seconds without allocation, one look-up for a stamp
// that reads as the one before it, and for stamps that say too little one
// documented choice: no zone means the Reader's, in an hour that a clock shows
// twice it is the first, and no year means the latest year that does not put
// the stamp more than a day after the file's last change. It does not guess
// at layouts it does not know. Start from [Reader].
package logtime

import "time"

// Reader reads stamps for one worker; it is not safe for concurrent use.
type Reader struct {
	zone   *time.Location
	newest int64 // Unix seconds
	// The last stamp and its value; within a second all lines start alike.
	text [32]byte
	len  int
	unix int64
}

// New returns a Reader for stamps in zone; nil means time.Local.
func New(zone *time.Location) *Reader {
	if zone == nil {
		zone = time.Local
	}
	return &Reader{zone: zone}
}

// Newest tells when the file was last changed, in Unix seconds: the latest
// that a stamp without a year can be, but for a day.
func (r *Reader) Newest(mtime int64) {
	if r.newest != mtime {
		r.newest, r.len = mtime, 0
	}
}

// cached returns the value of text if it is the last stamp.
func (r *Reader) cached(text []byte) (int64, bool) {
	return r.unix, len(text) == r.len && string(text) == string(r.text[:r.len])
}

// keep remembers the value of text, which is at most 32 bytes.
func (r *Reader) keep(text []byte, unix int64) {
	r.len, r.unix = copy(r.text[:], text), unix
}

// RFC3164 reads "Nov  1 03:08:44"; the day may be padded by a space or a 0, or
// not at all, as some programs write it. n is the length of the stamp.
func (r *Reader) RFC3164(b []byte) (unix int64, n int, ok bool) {
	size := len("Nov  1 03:08:44")
	if len(b) >= size && b[5] == ' ' {
		size-- // "Nov 1 03:08:44"
	}
	if len(b) < size {
		return 0, 0, false
	}
	b = b[:size]
	if unix, ok = r.cached(b); ok {
		return unix, size, true
	}
	c := civil{month: month(b), day: padded(b[4 : size-9]), ok: b[3] == ' ' && b[size-9] == ' '}
	c.clock(b[size-8:])
	if unix, ok = r.Unix(0, c.month, c.day, c.hour, c.min, c.sec); !ok || !c.ok {
		return 0, 0, false
	}
	r.keep(b, unix)
	return unix, size, true
}

// ISO8601 reads "2026-11-21 02:35:01", with 'T' in place of the space (RFC
// 3339), with a fraction after '.' or ',', which is cut, and with a zone
// ("Z", "+01:00", "+0100", "+01") that may follow directly.
func (r *Reader) ISO8601(b []byte) (unix int64, n int, ok bool) {
	if len(b) < 19 || b[10] != ' ' && b[10] != 'T' {
		return 0, 0, false
	}
	n = fraction(b, 19)
	offset, hasZone, n := zone(b, n)
	if hasZone {
		unix, ok = r.dashed(b[:19], '-', time.UTC)
		return unix - offset, n, ok
	}
	unix, ok = r.dashed(b[:19], '-', r.zone)
	return unix, n, ok
}

// NginxError reads "2026/11/21 02:35:01", as nginx starts its error log's lines.
func (r *Reader) NginxError(b []byte) (unix int64, n int, ok bool) {
	if len(b) < 19 || b[10] != ' ' {
		return 0, 0, false
	}
	unix, ok = r.dashed(b[:19], '/', r.zone)
	return unix, 19, ok
}

// dashed reads a date with sep between its parts, any byte, and a time of day.
func (r *Reader) dashed(b []byte, sep byte, loc *time.Location) (unix int64, ok bool) {
	var key [20]byte // the same text means another second in another zone
	copy(key[:], b)
	if loc == time.UTC {
		key[19] = 'Z'
	}
	if unix, ok = r.cached(key[:]); ok {
		return unix, true
	}
	c := civil{year: number(b[0:4]), month: number(b[5:7]), day: number(b[8:10]), ok: b[4] == sep && b[7] == sep}
	c.clock(b[11:])
	if unix, ok = c.unix(loc); ok {
		r.keep(key[:], unix)
	}
	return unix, ok
}

// CLF reads "20/Nov/2026:10:00:00 -0500", the time of access logs.
func (r *Reader) CLF(b []byte) (unix int64, n int, ok bool) {
	const size = len("20/Nov/2026:10:00:00 -0500")
	if len(b) < size {
		return 0, 0, false
	}
	b = b[:size]
	if unix, ok = r.cached(b); ok {
		return unix, size, true
	}
	c := civil{day: number(b[0:2]), month: month(b[3:]), year: number(b[7:11]),
		ok: b[2] == '/' && b[6] == '/' && b[11] == ':' && b[20] == ' '}
	c.clock(b[12:])
	offset, hasZone, _ := zone(b, 21)
	unix, ok = c.unix(time.UTC)
	if !ok || !hasZone {
		return 0, 0, false
	}
	unix -= offset
	r.keep(b, unix)
	return unix, size, true
}

// ApacheError reads "Fri Nov 21 02:35:01.123456 2026", and without the fraction.
func (r *Reader) ApacheError(b []byte) (unix int64, n int, ok bool) {
	if len(b) < 24 || b[3] != ' ' || b[7] != ' ' || b[10] != ' ' {
		return 0, 0, false
	}
	n = fraction(b, 19)
	if len(b) < n+5 || n+5 > len(r.text) || b[n] != ' ' {
		return 0, 0, false
	}
	n += 5
	if unix, ok = r.cached(b[:n]); ok {
		return unix, n, true
	}
	c := civil{year: number(b[n-4 : n]), month: month(b[4:]), day: padded(b[8:]), ok: true}
	c.clock(b[11:])
	if unix, ok = c.unix(r.zone); ok {
		r.keep(b[:n], unix)
	}
	return unix, n, ok
}

// Epoch reads Unix seconds, with a fraction or without: "1763694524.123". The
// seconds have at most 11 digits; a stamp in milliseconds, of 13, is read too.
func (r *Reader) Epoch(b []byte) (unix int64, n int, ok bool) {
	for n < len(b) && isDigit(b[n]) {
		if n == 13 {
			return 0, 0, false
		}
		unix = unix*10 + int64(b[n]-'0')
		n++
	}
	switch {
	case n == 0 || n == 12:
		return 0, 0, false
	case n == 13:
		return unix / 1000, n, true
	}
	return unix, fraction(b, n), true
}

// Any reads a stamp in any of the layouts that tell themselves apart: RFC
// 3164, ISO 8601, Apache's and nginx's error logs, CLF with or without '['.
func (r *Reader) Any(b []byte) (unix int64, n int, ok bool) {
	skip := 0
	if len(b) > 0 && b[0] == '[' {
		skip, b = 1, b[1:]
	}
	if len(b) < 15 {
		return 0, 0, false
	}
	switch {
	case b[4] == '-':
		unix, n, ok = r.ISO8601(b)
	case b[4] == '/':
		unix, n, ok = r.NginxError(b)
	case b[2] == '/':
		unix, n, ok = r.CLF(b)
	case b[3] == ' ' && (b[6] == ' ' || b[5] == ' '):
		unix, n, ok = r.RFC3164(b)
	case b[3] == ' ' && b[7] == ' ':
		unix, n, ok = r.ApacheError(b)
	}
	return unix, n + skip, ok
}
