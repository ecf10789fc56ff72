package logformat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/logformat"
)

var levelNames = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

func compile(t testing.TB, pattern string) (*logformat.Pattern, error) {
	t.Helper()
	levels, err := logformat.NewLevels(levelNames)
	require.NoError(t, err)
	return logformat.CompilePattern(pattern, levels)
}

func TestPatternMatches(t *testing.T) {
	for _, c := range []struct{ pattern, line, level string }{
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "2026-11-21 02:35:01,123 [main] INFO  c.e.A - x", "INFO"},
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "2026-11-21T02:35:01,123 [worker [3]] ERROR c.e.A - x", "ERROR"},
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "2026-11-21 02:35:01,123 [main] INFO c.e.A - not padded", ""},
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "2026-11-21 02:35:01.123 [main] ERROR c.e.A - x", ""},
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "2026-11-21 02:35:01,123 [main] ERRORX c.e.A - x", ""},
		{"%d{ISO8601} [%t] %-5p %c - %m%n", "", ""},
		{"%d %5p ${x} %logger{36}:%L %msg", "2026-11-21 02:35:01,123  WARN 8 y c.e.A:17 x", "WARN"},
		{"%5p|%-20.20c|%X{user}|%m", " INFO|c.e.A               ||x", "INFO"},
		{"%p%t%m", "INFOx", ""}, // no word
		{"%p:%t", "INFO:", "INFO"},
		{"%highlight{%-5level} %d{HH:mm:ss.SSS}{UTC} %m", "\x1b[1;31mERROR\x1b[m 02:35:01.123 x", "ERROR"},
		{"%highlight{%-5level} %d{HH:mm:ss.SSS}{UTC} %m", "WARN  02:35:01.123 x", "WARN"},
		{"%red(%p) %m", "\x1b[31mFATAL\x1b[0m x", "FATAL"},
		{"%clr(%d{yyyy-MM-dd HH:mm:ss.SSS}){faint} %clr(%5p) %clr(${PID}){magenta} %clr(---){faint} %clr([%15.15t]){faint} %clr(%-40.40logger{39}){cyan} %clr(:){faint} %m",
			"2026-11-21 02:35:01.123  INFO 4711 --- [           main] c.e.A                                    : x", "INFO"},
		{"100%% $%p %enc{%m}{CRLF}%n", "100% $DEBUG x", "DEBUG"},
		{"%r [%t] %p %c %x - %m%n", "467 [main] INFO c.e.A  - x", "INFO"},
		{"%sn\\t%p %m", "12\tTRACE x", "TRACE"},
		{"%t %p %m", "a INFOX b ERROR c", "ERROR"},
	} {
		p, err := compile(t, c.pattern)
		require.NoError(t, err, c.pattern)
		m, ok := p.Match([]byte(c.line))
		assert.Equal(t, c.level != "", ok, "%s: %s", c.pattern, c.line)
		if ok {
			assert.Equal(t, c.level, levelNames[m.Level], "%s: %s", c.pattern, c.line)
		}
	}
}

func TestPatternErrors(t *testing.T) {
	for pattern, reason := range map[string]string{
		"%m%n":             "no %p",
		"":                 "no %p",
		"%m %p":            "no %p",
		"%d{ISO8601 %p":    "'}' is missing",
		"%!":               "no conversion",
		"%p{length=1} %m":  "other words",
		"%.1p %m":          "other words",
		"%d{yyyy-QQ} %p":   "letter",
		"%highlight{%!} x": "no conversion",
		"%red(%p":          "')' is missing",
		"${x %p":           "'}' is missing",
		"%red %p":          "nothing to paint",
	} {
		_, err := compile(t, pattern)
		assert.ErrorContains(t, err, reason, pattern)
	}
}

func TestDateReadsWhatItsFormatWrites(t *testing.T) {
	at := time.Date(2026, 11, 1, 21, 5, 9, 123e6, time.FixedZone("", 3600))
	for format, layout := range map[string]string{
		"ISO8601":                      "2006-01-02 15:04:05,000",
		"":                             "2006-01-02T15:04:05,000",
		"DATE":                         "02 Jan 2006 15:04:05,000",
		"COMPACT":                      "20060102150405000"[:14],
		"yyyy-MM-dd'T'HH:mm:ss.SSSXXX": "2006-01-02T15:04:05.000-07:00",
		"yyyy/MM/dd HH:mm:ss Z":        "2006/01/02 15:04:05 -0700",
		"EEE MMM d HH:mm:ss zzz yyyy":  "Mon Jan 2 15:04:05 MST 2006",
		"dd.MM.yy hh:mm:ss a":          "02.01.06 03:04:05 PM",
		"MMM dd HH:mm:ss":              "Jan 02 15:04:05",
		"HH 'o''clock' mm:ss":          "15 ",
		"ABSOLUTE":                     "15:04:05,000",
	} {
		d, err := logformat.CompileDate(format)
		require.NoError(t, err, format)
		text := at.Format(layout)
		switch format {
		case "COMPACT":
			text += "123"
		case "EEE MMM d HH:mm:ss zzz yyyy":
			text = strings.Replace(text, "+0100", "CET", 1)
		case "HH 'o''clock' mm:ss":
			text += "o'clock 05:09"
		}
		f, n, ok := d.Read([]byte(text + "x"))
		require.True(t, ok, "%s: %s", format, text)
		assert.Equal(t, len(text), n, format)
		assert.Equal(t, []int{21, 5, 9}, []int{f.Hour, f.Min, f.Sec}, format)
		if f.Month != 0 {
			assert.Equal(t, []int{11, 1}, []int{f.Month, f.Day}, format)
		}
		if f.Year != 0 {
			assert.Equal(t, 2026, f.Year, format)
		}
		if f.Zoned {
			assert.Equal(t, 3600, f.Offset, format)
		}
		for cut := range text {
			_, n, _ := d.Read([]byte(text[:cut]))
			assert.LessOrEqual(t, n, cut)
		}
	}
	for format, text := range map[string]string{"UNIX": "1795229980", "UNIX_MILLIS": "1795229980123"} {
		d, err := logformat.CompileDate(format)
		require.NoError(t, err)
		f, _, ok := d.Read([]byte(text))
		assert.True(t, ok && f.Epoch)
		assert.EqualValues(t, 1795229980, f.Unix)
	}
}

func TestLevels(t *testing.T) {
	_, err := logformat.NewLevels(nil)
	assert.Error(t, err)
	_, err = logformat.NewLevels([]string{"A B"})
	assert.Error(t, err)
	levels, err := logformat.NewLevels([]string{"WARN", "WARNING"})
	require.NoError(t, err)
	for text, want := range map[string]int{"WARN": 0, "WARN ": 0, "WARNING:": 1, "WARNED": -1, "warn": -1, "": -1, "WARN-1": -1} {
		level, _ := levels.At([]byte(text))
		assert.Equal(t, want, level, text)
	}
}

// FuzzPattern looks for patterns and lines that make the scanner panic, leave
// the line, or take more than linear time.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"%d{ISO8601} [%t] %-5p %c - %m%n", "%highlight{%5p}%d{d.M.yy h:m:s a X zzz}%t%r%n", "%t%t%p", "%c%red(%L)%p"} {
		f.Add(pattern, "2026-11-21 02:35:01,123 [main] INFO  c.e.A - x")
		f.Add(pattern, strings.Repeat("\x1b[1m]1", 20)+"INFO")
	}
	f.Fuzz(func(t *testing.T, pattern, line string) {
		p, err := compile(t, pattern)
		if err != nil {
			return
		}
		m, ok := p.Match([]byte(line))
		if ok {
			assert.Less(t, m.Level, len(levelNames))
			assert.LessOrEqual(t, m.Stamp, len(line))
		}
	})
}

// Lines of 1 MiB on which going back over what was seen would take hours.
func TestPatternIsLinear(t *testing.T) {
	for _, pattern := range []string{"%t%highlight{%p} %m", "[%t] %r %p %m", "%c %c %c %c [%t] %p", "%t%d{EEE} %p", "%t%-5L %p"} {
		p, err := compile(t, pattern)
		require.NoError(t, err)
		for _, unit := range []string{"\x1b[m", "\x1b[", "] ", "1", "a", " ", "INFO", "[]", "\x1b[1;1;1;1;1m"} {
			p.Match([]byte(strings.Repeat(unit, 1<<20/len(unit))))
		}
	}
}
