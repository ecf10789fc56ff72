package parsers_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

type log4jTruth struct {
	Lines       int
	LayoutRegex string                           `json:"layout_regex"`
	ByLevel     map[string]int                   `json:"header_lines_by_level"`
	Headers     int                              `json:"header_lines"`
	Emitted     struct{ Events, Throwables int } `json:"emitted_by_application"`
}

// thrown counts the events with a throwable by the truth's expression for first lines.
func (l log4jTruth) thrown(log []byte) (n int) {
	first := regexp.MustCompile(l.LayoutRegex)
	throwable := regexp.MustCompile(`^(\tat |Caused by: |[\w.$]*\.\w*(Exception|Error|Throwable)(: |\r?$))`)
	counted := true
	for line := range bytes.SplitSeq(log, []byte("\n")) {
		switch {
		case first.Match(line):
			counted = false
		case !counted && throwable.Match(line):
			counted = true
			n++
		}
	}
	return n
}

var log4jLogs = []string{
	"nasty-log4j1", "pub-kafka", "real-log4j-logsterstyle", "real-log4j1-pattern", "real-log4j1-simple",
	"real-log4j1-ttcclayout", "real-log4j2-default", "real-log4j2-iso8601",
}

// log4jPatterns are the conversion patterns that wrote the logs.
var log4jPatterns = map[string]string{
	"nasty-log4j1":            "%d{ISO8601} %-5p [%c] %x - %m%n",
	"pub-kafka":               "[%d] %p %m (%c)%n",
	"real-log4j-logsterstyle": "%d{HH:mm:ss} %p %c - %m%n",
	"real-log4j1-pattern":     "%d{ISO8601} %-5p [%c] %x - %m%n",
	"real-log4j1-simple":      "%p - %m%n",
	"real-log4j1-ttcclayout":  "%d{ISO8601} [%t] %p %c - %m%n", // the NDC is there only when it is not empty
	"real-log4j2-default":     "%d{HH:mm:ss.SSS} [%t] %-5level %logger{36} - %msg%n",
	"real-log4j2-iso8601":     "%d{ISO8601} [%t] %-5p %c - %m%n",
}

func TestLog4jCountsAsTheTruth(t *testing.T) {
	for _, name := range log4jLogs {
		for _, args := range [][]string{nil, {"--pattern=" + log4jPatterns[name]}} {
			t.Run(strings.Join(append([]string{name}, args...), " "), func(t *testing.T) {
				var truth log4jTruth
				log := joinedLog(t, "log4j", name, &truth)
				r := joinedRun(t, "Log4jParser", parsers.Options{Args: args}, log, nil)
				for _, level := range []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} {
					assert.EqualValues(t, truth.ByLevel[level], r.value(level), level)
				}
				assert.EqualValues(t, truth.Headers, r.value("numEvents"))
				assert.Equal(t, parsers.Stats{Lines: truth.Lines}, r.stats)
				assert.EqualValues(t, truth.thrown(log), r.value("numExceptions"))
				// Where messages hold lines like the layout's own, the events with
				// throwables are as little to be told as the events.
				if truth.Emitted.Events == truth.Headers {
					assert.EqualValues(t, truth.Emitted.Throwables, r.value("numExceptions"))
				}
			})
		}
	}
}

func TestLog4jJSONLayout(t *testing.T) {
	var truth struct {
		Lines   int            `json:"lines"`
		ByLevel map[string]int `json:"by_level"`
		Sums    map[string]struct {
			Count int
		} `json:"numeric_sums"`
	}
	log := joinedLog(t, "json", "real-log4j2-json", &truth)
	r := joinedRun(t, "Log4jParser", parsers.Options{WantTime: true}, log, nil)
	for level, n := range truth.ByLevel {
		assert.EqualValues(t, n, r.value(level), level)
	}
	assert.EqualValues(t, truth.Lines, r.value("numEvents"))
	assert.EqualValues(t, truth.Sums["thrown.commonElementCount"].Count, r.value("numExceptions"))
	assert.Equal(t, parsers.Stats{Lines: truth.Lines}, r.stats)
}

// A run starts where the one before ended, at the first line of an event, but a
// log's first run starts anywhere, even at a line in a message that looks like
// a first line.
func TestLog4jFromAnyLine(t *testing.T) {
	for _, name := range log4jLogs {
		t.Run(name, func(t *testing.T) {
			var truth log4jTruth
			log := joinedLog(t, "log4j", name, &truth)
			layout := regexp.MustCompile(truth.LayoutRegex)
			lines := bytes.SplitAfter(log, []byte("\n"))
			events := 0
			for n := len(lines) - 2; n >= 0; n-- {
				first := layout.Match(lines[n])
				if first {
					events++
				}
				if n%7 > 0 { // a start at each line takes a while
					continue
				}
				r := joinedRun(t, "Log4jParser", parsers.Options{}, bytes.Join(lines[n:], nil), nil)
				if got := int(r.value("numEvents")); first {
					require.Equal(t, events, got, "from line %d", n+1)
				} else {
					require.InDelta(t, events, got, 1, "from line %d", n+1)
				}
			}
		})
	}
}

func TestLog4jHoldsTheLastEvent(t *testing.T) {
	rng := joinedRand(t)
	for _, name := range log4jLogs {
		t.Run(name, func(t *testing.T) {
			var truth log4jTruth
			log := joinedLog(t, "log4j", name, &truth)
			opt := parsers.Options{WantTime: true, Zone: time.UTC}
			want := joinedRun(t, "Log4jParser", opt, log, nil)
			for range 20 {
				got := joinedRun(t, "Log4jParser", opt, log, rng)
				require.Equal(t, want.stats, got.stats)
				require.Equal(t, want.samples, got.samples)
			}
		})
	}
}

func TestLog4jDoesNotHoldMoreThanItMay(t *testing.T) {
	rec := metric.NewRecorder(metric.RecorderOptions{})
	f, _, _ := parsers.Find("Log4j")
	p, err := f.New(parsers.Options{}, rec)
	require.NoError(t, err)
	frames := bytes.Repeat([]byte("\tat App.deep(App.java:9)\n"), parsers.MaxHeld/25+1)
	st := p.Parse(parsers.Block{Bytes: append([]byte("INFO - x\n"), frames...)}, rec)
	assert.Equal(t, parsers.Stats{Lines: 2 + parsers.MaxHeld/25}, st)
	rec.Block(1)
	st = p.Parse(parsers.Block{Bytes: []byte("Caused by: x\nERROR - y\n"), Seq: 1}, rec)
	assert.Equal(t, parsers.Stats{Lines: 1, Held: len("ERROR - y\n")}, st)
	st = p.Parse(parsers.Block{Bytes: []byte("ERROR - y\n"), Seq: 2, Final: true}, rec)
	assert.Equal(t, parsers.Stats{Lines: 1}, st)
	b := metric.Batch{End: 60}
	rec.Flush(&b)
	i := slices.IndexFunc(b.Samples, func(s metric.Sample) bool { return s.Name == "numExceptions" })
	assert.EqualValues(t, 1, b.Samples[i].Sum)
}

func TestLog4jLayouts(t *testing.T) {
	opt := parsers.Options{WantTime: true, Zone: time.UTC}
	at := time.Date(2026, 11, 20, 21, 59, 41, 0, time.UTC)
	day := time.Date(2026, 11, 21, 21, 59, 41, 0, time.UTC) // the latest such time of day
	for line, want := range map[string]struct {
		level string
		time  time.Time
	}{
		"2026-11-20 21:59:41,483 ERROR [main] c.e.A - x":                                     {"ERROR", at},
		"2026-11-20T21:59:41.483+0100 [main] WARN  c.e.A - x":                                {"WARN", at.Add(-time.Hour)},
		"2026-11-20 21:59:41.483  INFO 45469 --- [main] c.e.A : x":                           {"INFO", at},
		"[2026-11-20 21:59:41,483][DEBUG][o.e.n.Node] x":                                     {"DEBUG", at},
		"[2026-11-20 21:59:41,483] [main] [TRACE] x":                                         {"TRACE", at},
		"2026-11-20 21:59:41,483 [worker [3]] FATAL c.e.A - x":                               {"FATAL", at},
		"2026-11-20 21:59:41,483 [ERROR-pool] [INFO ] c.e.A - x":                             {"INFO", at},
		"20 Nov 2026 21:59:41,483 WARN c.e.A - x":                                            {"WARN", at},
		"WARN  2026-11-20 21:59:41,483 c.e.A - x":                                            {"WARN", at},
		"[WARN] [2026-11-20 21:59:41,483] c.e.A - x":                                         {"WARN", at},
		"21:59:41,483 [main] ERROR c.e.A - x":                                                {"ERROR", day},
		"21:59:41 ERROR x":                                                                   {"ERROR", day},
		"467 [main] INFO  c.e.A ctx - x":                                                     {"INFO", time.Time{}},
		"FATAL - x":                                                                          {"FATAL", time.Time{}},
		`{"level":"WARN","timeMillis":1795211981123,"message":"ERROR"}`:                      {"WARN", at},
		`{"@timestamp":"2026-11-20T21:59:41.483Z","log.level":"INFO","ecs.version":"1.2.0"}`: {"INFO", at},
		`{"@timestamp":"2026-11-20T21:59:41.483Z","level":"INFO"}`:                           {"INFO", at},
		"<137>1 2026-11-20T21:59:41.483Z fe80::1%eth0 app 4711 - - x":                        {"FATAL", at},
		"2026-11-20 21:59:41,483 NOTICE c.e.A - x [main] ERROR c.e.A - forged":               {"", time.Time{}},
		"2026-11-20 21:59:41,483 [main] NOTICE c.e.A - x [main] ERROR c.e.A - forged":        {"", time.Time{}},
		"2026-11-20 21:59:41,483 ERRORX [main] c.e.A - x":                                    {"", time.Time{}},
		" 2026-11-20 21:59:41,483 ERROR [main] c.e.A - x":                                    {"", time.Time{}},
		"2026-11-20 ERROR [main] c.e.A - x y":                                                {"ERROR", time.Time{}}, // one token, as Logster has it
		"ERROR not a first line":                                                             {"", time.Time{}},
		`{"level":"WARN"`:                                                                    {"", time.Time{}},
	} {
		rec := metric.NewRecorder(metric.RecorderOptions{Interval: 1})
		f, _, _ := parsers.Find("Log4j")
		p, err := f.New(opt, rec)
		require.NoError(t, err)
		rec.Block(0)
		newest := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC).Unix()
		st := p.Parse(parsers.Block{Bytes: []byte(line + "\r\n"), Newest: newest, Final: true}, rec)
		if want.level == "" {
			assert.Equal(t, parsers.Stats{Lines: 1, Rejected: 1, Untimed: 1}, st, line)
			continue
		}
		first, _, timed := rec.Span()
		assert.Equal(t, !want.time.IsZero(), timed, line)
		if timed {
			assert.Equal(t, want.time, time.Unix(first, 0).UTC(), line)
		}
		for _, start := range rec.Intervals() {
			b := metric.Batch{End: 1}
			rec.FlushInterval(start, &b)
			for _, s := range b.Samples {
				assert.EqualValues(t, map[bool]int{true: 1}[s.Name == want.level || s.Name == "numEvents"], s.Sum, "%s in %s", s.Name, line)
			}
		}
	}
}

func TestLog4jLogster(t *testing.T) {
	var truth log4jTruth
	log := joinedLog(t, "log4j", "real-log4j1-pattern", &truth)
	r := joinedRun(t, "Log4jLogster", parsers.Options{}, log, nil)
	require.Equal(t, []string{"WARN", "ERROR", "FATAL"}, r.order)
	r = joinedRun(t, "Log4jLogster", parsers.Options{Args: []string{"-l", "FATAL,DEBUG,AUDIT"}}, log, nil)
	require.Equal(t, []string{"FATAL", "DEBUG", "AUDIT"}, r.order)
	for name, s := range r.samples {
		assert.Equal(t, metric.Gauge, s.Kind)
		assert.Equal(t, metric.PyFloat, s.Form)
		assert.Empty(t, s.Unit)
		assert.InDelta(t, float64(truth.ByLevel[name])/60, s.Last, 1e-12)
	}
}

func TestLog4jCustomLevels(t *testing.T) {
	log := []byte("12:00:00 NOTICE x\n12:00:00 INFO y\n12:00:00 NOTICE-2 z\n")
	r := joinedRun(t, "Log4jParser", parsers.Options{Args: []string{"--levels=NOTICE"}}, log, nil)
	assert.Equal(t, []string{"NOTICE", "numEvents", "numExceptions"}, r.order)
	assert.EqualValues(t, 1, r.value("NOTICE"))
	assert.EqualValues(t, 2, r.value("numEvents"))
}

func TestLog4jJSONThrowables(t *testing.T) {
	log := []byte(`{"level":"ERROR","thrown":{"name":"E","extendedStackTrace":[]}}
{"level":"ERROR","thrown":null}
{"level":"ERROR","message":"thrown.x"}
{"log.level":"ERROR","error.type":"E","error.stack_trace":"E\n\tat x"}
{"level":"WARN","stack_trace":"E"}
`)
	r := joinedRun(t, "Log4jParser", parsers.Options{}, log, nil)
	assert.EqualValues(t, 5, r.value("numEvents"))
	assert.EqualValues(t, 3, r.value("numExceptions"))
}

// A program that is given another layout is read in it after as many events as
// were known in the old one, at most 64.
func TestLog4jLayoutChanges(t *testing.T) {
	log := []byte(strings.Repeat("INFO - x\n", 1000) + strings.Repeat("12:00:00 WARN x\n", 1000))
	r := joinedRun(t, "Log4jParser", parsers.Options{}, log, nil)
	assert.EqualValues(t, 1000, r.value("INFO"))
	assert.EqualValues(t, 1000-64, r.value("WARN"))
}

func TestLog4jUsageErrors(t *testing.T) {
	f, _, _ := parsers.Find("Log4j")
	for _, args := range [][]string{{"--levels="}, {"--levels=A,,B"}, {"--levels=A B"}, {"--levels=A,A"}, {"--pattern=%m%n"}, {"--pattern=%d %p{length=1} %m"}, {"--bogus"}, {"x"}} {
		_, err := f.New(parsers.Options{Args: args}, metric.NewRecorder(metric.RecorderOptions{}))
		var usage *parsers.UsageError
		assert.ErrorAs(t, err, &usage, args)
	}
}
