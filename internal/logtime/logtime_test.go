package logtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

func TestLayouts(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	r := New(berlin)
	r.Newest(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Unix())
	type read func([]byte) (int64, int, bool)
	f := func(fn read, text, want string, n int) {
		t.Helper()
		for range 2 { // the second time from the cache
			unix, size, ok := fn([]byte(text))
			require.True(t, ok, text)
			assert.Equal(t, want, time.Unix(unix, 0).UTC().Format(time.RFC3339), text)
			assert.Equal(t, n, size, text)
		}
		any, size, ok := r.Any([]byte(text))
		if unix, _, _ := fn([]byte(text)); ok {
			assert.Equal(t, unix, any, text)
			assert.Equal(t, n, size, text)
		}
	}
	f(r.RFC3164, "Nov 21 03:08:44 mail", "2026-11-21T02:08:44Z", 15)
	f(r.RFC3164, "Nov  1 03:08:44 mail", "2026-11-01T02:08:44Z", 15)
	f(r.RFC3164, "Nov 01 03:08:44 mail", "2026-11-01T02:08:44Z", 15)
	f(r.RFC3164, "Nov 1 03:08:44 mail", "2026-11-01T02:08:44Z", 14)
	f(r.RFC3164, "Dec 31 23:59:60 mail", "2025-12-31T23:00:00Z", 15)
	f(r.RFC3164, "Feb 29 12:00:00 mail", "2024-02-29T11:00:00Z", 15)
	f(r.ISO8601, "2026-11-21 02:35:01,123 INFO", "2026-11-21T01:35:01Z", 23)
	f(r.ISO8601, "2026-11-21T02:35:01.123456+05:30 x", "2026-11-20T21:05:01Z", 32)
	f(r.ISO8601, "2026-11-21T02:35:01Z x", "2026-11-21T02:35:01Z", 20)
	f(r.ISO8601, "2026-11-21T02:35:01-0800 x", "2026-11-21T10:35:01Z", 24)
	f(r.ISO8601, "2026-11-21T02:35:01+01", "2026-11-21T01:35:01Z", 22)
	f(r.ISO8601, "2026-11-21 02:35:01", "2026-11-21T01:35:01Z", 19)
	f(r.NginxError, "2026/11/21 02:35:01 [error]", "2026-11-21T01:35:01Z", 19)
	f(r.CLF, "20/Nov/2026:10:00:00 -0500] ", "2026-11-20T15:00:00Z", 26)
	f(r.ApacheError, "Fri Nov 21 02:35:01.123456 2026] x", "2026-11-21T01:35:01Z", 31)
	f(r.ApacheError, "Fri Nov 21 02:35:01 2026] x", "2026-11-21T01:35:01Z", 24)
	f(r.Epoch, "1763694524.123 x", "2025-11-21T03:08:44Z", 14)
	f(r.Epoch, "1763694524123 x", "2025-11-21T03:08:44Z", 13)
	unix, n, ok := r.Any([]byte("[20/Nov/2026:10:00:00 -0500]"))
	require.True(t, ok)
	assert.EqualValues(t, 27, n)
	assert.EqualValues(t, 1795186800, unix)
}

func TestNotAStamp(t *testing.T) {
	r := New(time.UTC)
	for _, text := range []string{"", "Nov", "Nov 21 03:08:4", "Nov 32 03:08:44", "Nov 21 24:08:44", "Nov 21 03:60:44", "Nox 21 03:08:44",
		"2026-13-21 02:35:01", "2026-02-30 02:35:01", "2026-11-21x02:35:01", "20/Nov/2026:10:00:00 x0500", "20/Nov/2026:10:00:00 ",
		"Fri Nov 21 02:35:01.123456", "99999999999999", "x", "2026/11/21", "-026-11-21 02:35:01"} {
		for i, fn := range []func([]byte) (int64, int, bool){r.RFC3164, r.ISO8601, r.NginxError, r.CLF, r.ApacheError, r.Epoch, r.Any} {
			if i == 5 && text != "" && isDigit(text[0]) && len(text) < 14 {
				continue // seconds, as far as they go
			}
			if _, _, ok := fn([]byte(text)); ok && !(i == 5 && isDigit(text[0])) {
				t.Errorf("layout %d took %q", i, text)
			}
		}
	}
}

// A log written over New Year and read in January.
func TestYearOfAStampWithoutOne(t *testing.T) {
	r := New(time.UTC)
	r.Newest(time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC).Unix())
	old, _, _ := r.RFC3164([]byte("Dec 31 23:59:59"))
	young, _, _ := r.RFC3164([]byte("Jan  1 00:00:01"))
	assert.Equal(t, int64(2), young-old)
	r.Newest(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
	young, _, _ = r.RFC3164([]byte("Jan  1 00:00:01"))
	assert.Equal(t, "2027-01-01T00:00:01Z", time.Unix(young, 0).UTC().Format(time.RFC3339), "a clock that is a little behind")
}

// On 2026-10-25 clocks in Berlin showed 02:30 twice.
func TestHourThatOccursTwiceIsTheFirst(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		loc := zoneOf(t, name)
		r := New(loc)
		for unix := int64(1767225600); unix < 1767225600+366*86400; unix += 900 {
			wall := time.Unix(unix, 0).In(loc)
			got, _, ok := r.ISO8601([]byte(wall.Format("2006-01-02 15:04:05")))
			require.True(t, ok)
			require.LessOrEqual(t, got, unix, name)
			require.Equal(t, wall.Format("15:04:05"), time.Unix(got, 0).In(loc).Format("15:04:05"))
			if got != unix {
				_, a := time.Unix(got, 0).In(loc).Zone()
				_, b := wall.Zone()
				require.Equal(t, unix-got, int64(a-b), name)
			}
		}
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	r := New(zoneOf(t, "Europe/Berlin"))
	r.Newest(1795186800)
	lines := [][]byte{[]byte("Nov 21 03:08:44 mail"), []byte("Nov 21 03:08:45 mail"), []byte("2026-11-21T02:35:01.123456+05:30 x")}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for _, l := range lines {
			r.Any(l)
		}
	}))
}

func FuzzAny(f *testing.F) {
	for _, s := range []string{"Nov 21 03:08:44", "2026-11-21T02:35:01.123456+05:30", "20/Nov/2026:10:00:00 -0500", "Fri Nov 21 02:35:01.123456 2026", "2026/11/21 02:35:01"} {
		f.Add([]byte(s))
	}
	cold, warm := New(time.UTC), New(time.UTC)
	f.Fuzz(func(t *testing.T, b []byte) {
		cold.len = 0
		u1, n1, ok1 := cold.Any(b)
		u2, n2, ok2 := warm.Any(b)
		if u1 != u2 || n1 != n2 || ok1 != ok2 {
			t.Fatalf("%q: %d %d %v without, %d %d %v with a cache", b, u1, n1, ok1, u2, n2, ok2)
		}
		if ok1 && n1 > len(b) {
			t.Fatalf("%q: stamp of %d bytes", b, n1)
		}
	})
}

func BenchmarkRFC3164(b *testing.B) {
	r := New(time.UTC)
	line := []byte("Nov 21 03:08:44 mail postfix/smtp[123]: ")
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		r.RFC3164(line)
	}
}
