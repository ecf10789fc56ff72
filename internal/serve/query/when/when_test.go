package when_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

func TestOffset(t *testing.T) {
	for s, want := range map[string]int64{
		"": 0, "1s": 1, "-5min": -300, "+1h": 3600, "1d6h": 108000, "2weeks": 1209600, "1mon": 2592000, "1y": 31536000, "1hours": 3600, "-1d2h": -93600, "-": 0,
	} {
		got, err := when.Offset(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"x", "1", "1x", "1m", "1h-2h", "99999999999999999999y", "5000y", "1hx2", strings.Repeat("900y", 100)} {
		_, err := when.Offset(s)
		assert.ErrorIs(t, err, when.ErrTime, s)
	}
}

// The file is what graphite-web answers, for zones whose clocks change by an hour, by half an hour and never, on the days when they
// do and on others.
func TestParseIsWhatGraphiteWebAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/attime.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			continue
		}
		zone, err := time.LoadLocation(f[0])
		require.NoError(t, err)
		now, err := strconv.ParseInt(f[1], 10, 64)
		require.NoError(t, err)
		got, err := when.Parse(f[2], now, zone)
		if f[3] == "error" {
			require.ErrorIs(t, err, when.ErrTime, line)
			continue
		}
		require.NoError(t, err, line)
		assert.Equal(t, f[3], strconv.FormatInt(got, 10), line)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"6pm+yesterday", "12:3", "1/2/3", "jan", "20261399", "-", ":", "1:", "9am9pm"} {
		f.Add(s)
	}
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		if unix, err := when.Parse(s, 1793498400, zone); err == nil && (unix > 1<<40 || unix < -1<<40) {
			t.Fatal(s, unix)
		}
	})
}
