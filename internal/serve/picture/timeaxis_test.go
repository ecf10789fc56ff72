package picture

import (
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func shownTicks(sp span, from, to time.Time, format string) (list []string) {
	for t := range sp.ticks(from.Unix(), to.Unix(), from.Location()) {
		list = append(list, t.Format(format))
	}
	return list
}

func TestTicksWhereClocksChange(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	autumn := time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)
	spring := time.Date(2026, 3, 29, 0, 0, 0, 0, berlin)
	for _, c := range []struct {
		name string
		span span
		from time.Time
		want []string
	}{
		{"an hour twice", span{seconds: hour}, autumn, []string{"00:00 +02", "01:00 +02", "02:00 +02", "02:00 +01", "03:00 +01", "04:00 +01", "05:00 +01"}},
		{"two hours, one of them twice", span{seconds: 2 * hour}, autumn, []string{"00:00 +02", "02:00 +02", "02:00 +01", "04:00 +01"}},
		{"an hour that there is not", span{seconds: hour}, spring, []string{"00:00 +01", "01:00 +01", "03:00 +02", "04:00 +02", "05:00 +02", "06:00 +02", "07:00 +02"}},
		{"on even hours again", span{seconds: 2 * hour}, spring, []string{"00:00 +01", "04:00 +02", "06:00 +02"}},
	} {
		assert.Equal(t, c.want, shownTicks(c.span, c.from, c.from.Add(6*time.Hour), "15:04 -07"), c.name)
	}
	assert.Equal(t, []string{"24 00:00", "25 00:00", "26 00:00"}, shownTicks(span{days: 1}, autumn.Add(-24*time.Hour), autumn.Add(26*time.Hour), "02 15:04"))
}

func TestTicksOfCalendars(t *testing.T) {
	from := time.Date(2026, 11, 20, 5, 0, 0, 0, zone(t, "Asia/Kolkata"))
	assert.Equal(t, []string{"06:00", "12:00", "18:00", "00:00"}, shownTicks(span{seconds: 6 * hour}, from, from.Add(20*time.Hour), "15:04"), "half an hour off")
	assert.Equal(t, []string{"Mon 23 Nov", "Mon 30 Nov", "Mon 7 Dec"}, shownTicks(span{days: 7}, from, from.AddDate(0, 0, 20), "Mon 2 Jan"))
	assert.Equal(t, []string{"1 Jan 2027", "1 Apr 2027"}, shownTicks(span{months: 3}, from, from.AddDate(0, 6, 0), "2 Jan 2006"))
	assert.Equal(t, []string{"2030", "2035"}, shownTicks(span{months: 60}, from, from.AddDate(10, 0, 0), "2006"))
	old := time.Date(1969, 12, 25, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, []string{"Mon 29", "Mon 5"}, shownTicks(span{days: 7}, old, old.AddDate(0, 0, 14), "Mon 2"))
	// Clocks of Beirut go forward at midnight: the day begins at one.
	beirut := time.Date(2026, 3, 28, 12, 0, 0, 0, zone(t, "Asia/Beirut"))
	assert.Equal(t, []string{"29 01:00", "30 00:00"}, shownTicks(span{days: 1}, beirut, beirut.Add(40*time.Hour), "2 15:04"))
}

func TestTicksGoOn(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	zones := []string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Asuncion"}
	for range 300 {
		sp := spans()[r.Intn(len(spans()))]
		z := zone(t, zones[r.Intn(len(zones))])
		from := r.Int63n(2e9)
		last := int64(0)
		n := 0
		for at := range sp.ticks(from, from+sp.length()*50, z) {
			require.Greater(t, at.Unix(), last)
			if sp.seconds > 0 {
				_, offset := at.Zone()
				require.Zero(t, (at.Unix()+int64(offset))%sp.seconds, "%s in %s", at, z)
			}
			last = at.Unix()
			n++
		}
		require.InDelta(t, 50, n, 3, "%+v in %s from %d", sp, z, from)
	}
}

func TestStrftime(t *testing.T) {
	at := time.Date(2026, 3, 5, 4, 7, 9, 12_000_000, time.FixedZone("CET", 3600))
	for format, want := range map[string]string{
		"%H:%M:%S": "04:07:09", "%m/%d": "03/05", "%a %d %b %Y": "Thu 05 Mar 2026", "%A %B %y": "Thursday March 26",
		"%I %p|%l%P": "04 AM| 4am", "%j": "064", "%U %W %V %G %g %u %w": "09 09 10 2026 26 4 4", "%s": "1772680029",
		"%z %Z": "+0100 CET", "%F %T": "2026-03-05 04:07:09", "%-d.%-m. %_H": "5.3.  4", "100%%": "100%", "%": "%", "%q": "%q", "%e": " 5", "%f": "012000", "%C%n": "20 ", "%-": "%-",
	} {
		assert.Equal(t, want, strftime(format, at), format)
	}
}

func TestSpansAreInOrder(t *testing.T) {
	assert.True(t, slices.IsSortedFunc(spans(), func(a, b span) int { return int(a.length() - b.length()) }))
}
