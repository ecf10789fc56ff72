package logtime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/logtime"
)

func TestTimeOfDayIsTheLatestNotAfterNewest(t *testing.T) {
	r := logtime.New(time.UTC)
	newest := time.Date(2026, 11, 21, 0, 0, 30, 0, time.UTC)
	r.Newest(newest.Unix())
	for text, want := range map[string]time.Time{
		"00:00:30.174 x":  newest,
		"00:00:00,999":    newest.Truncate(time.Minute),
		"00:01:30":        newest.Add(time.Minute),
		"00:01:31":        newest.Add(time.Minute + time.Second - 24*time.Hour),
		"23:59:59":        newest.Add(-31 * time.Second),
		"00:00:30.174999": newest,
	} {
		unix, n, ok := r.TimeOfDay([]byte(text))
		assert.True(t, ok, text)
		assert.Equal(t, want.Unix(), unix, text)
		assert.GreaterOrEqual(t, n, 8, text)
	}
	for _, text := range []string{"", "00:00:3", "24:00:00", "00:60:00", "00:00:61", "00-00-00", "aa:bb:cc"} {
		_, _, ok := r.TimeOfDay([]byte(text))
		assert.False(t, ok, text)
	}
}

func TestTimeOfDayForgetsWhenNewestChanges(t *testing.T) {
	r := logtime.New(time.UTC)
	day := int64(24 * 3600)
	r.Newest(10*day + 3600)
	first, _, _ := r.TimeOfDay([]byte("00:30:00"))
	r.Newest(11*day + 3600)
	second, _, _ := r.TimeOfDay([]byte("00:30:00"))
	assert.Equal(t, first+day, second)
}

func TestUTC(t *testing.T) {
	at := time.Date(2026, 11, 21, 2, 35, 1, 0, time.FixedZone("", -5*3600))
	unix, ok := logtime.UTC(2026, 11, 21, 2, 35, 1, -5*3600)
	assert.True(t, ok)
	assert.Equal(t, at.Unix(), unix)
	for _, c := range [][6]int{{0, 11, 21, 2, 35, 1}, {2026, 13, 21, 2, 35, 1}, {2026, 2, 29, 2, 35, 1}, {2026, 11, 21, 24, 35, 1}} {
		_, ok := logtime.UTC(c[0], c[1], c[2], c[3], c[4], c[5], 0)
		assert.False(t, ok, c)
	}
}
