package parsers_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// wrap writes lines as kind does, some of them in parts, with rng.
func wrap(kind string, log []byte, rng *rand.Rand) []byte {
	var out bytes.Buffer
	second := 0
	for line := range bytes.Lines(log) {
		second += rng.IntN(2)
		parts := [][]byte{bytes.TrimSuffix(line, []byte("\n"))}
		for kind != "syslog" && rng.IntN(4) == 0 {
			last := parts[len(parts)-1]
			n := rng.IntN(len(last) + 1)
			parts = append(parts[:len(parts)-1], last[:n], last[n:])
		}
		for i, part := range parts {
			whole := i == len(parts)-1
			stamp := fmt.Sprintf("2026-11-20T21:%02d:%02d.%09dZ", second/60%60, second%60, rng.IntN(1e9))
			switch kind {
			case "cri":
				fmt.Fprintf(&out, "%s stdout %s %s\n", stamp, map[bool]string{true: "F", false: "P"}[whole], part)
			case "docker":
				fmt.Fprintf(&out, "{\"log\":\"%s%s\",\"stream\":\"stdout\",\"time\":%q}\n", escaped(part), map[bool]string{true: `\n`}[whole], stamp)
			case "syslog":
				fmt.Fprintf(&out, "<%d>%s web1 app[%d]: %s\n", rng.IntN(192), stamp, rng.IntN(100), part)
			}
		}
	}
	return out.Bytes()
}

// escaped writes a JSON string as docker does, but for bytes that are not UTF-8.
func escaped(s []byte) []byte {
	var out []byte
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ' || strings.IndexByte("<>&", c) >= 0:
			out = fmt.Appendf(out, "\\u%04x", c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// What is wrapped and unwrapped gives what the lines themselves give, for all
// parsers and wrappings and any cut.
func TestUnwrapGivesTheLinesBack(t *testing.T) {
	rng := logtimeRand(t)
	unwrapped := unwrapCases(t)
	for _, c := range logCases(t)[:len(logCases(t))-len(unwrapped)] {
		c.log = firstLines(c.log, 32<<10)
		for _, kind := range []string{"cri", "docker", "syslog"} {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				want := read(t, c, setup{})
				w := c
				var err error
				w.factory, err = parsers.Unwrap(kind, c.factory)
				require.NoError(t, err)
				w.joins = w.factory.Joins(newWorker(t, w, setup{}).parser)
				assert.Equal(t, kind != "syslog" || c.joins, w.joins)
				w.log = wrap(kind, c.log, rng)
				for range 3 {
					got := read(t, w, setup{workers: workers(w, rng), rng: rng, spoil: true})
					assert.Equal(t, want.stats.Skipped, got.stats.Skipped)
					assert.Equal(t, want.stats.Rejected, got.stats.Rejected)
					assert.Equal(t, bytes.Count(w.log, []byte("\n")), got.stats.Lines)
					assert.Zero(t, got.stats.Untimed)
					assert.True(t, got.timed)
					got.stats, got.first, got.last, got.timed = want.stats, want.first, want.last, want.timed
					assertSame(t, want, got)
				}
			})
		}
	}
}

// Parts of lines whose rest does not come, or comes too late, take bounded
// memory, and are given up at the same place for any cut.
func TestUnwrapGivesUpEndlessParts(t *testing.T) {
	rng := logtimeRand(t)
	var log bytes.Buffer
	for i := range 40000 {
		stream := map[bool]string{true: "stderr", false: "stdout"}[i%5 == 0]
		fmt.Fprintf(&log, "2026-11-20T21:59:40Z %s P %d %s\n", stream, i, strings.Repeat("x", rng.IntN(100)))
	}
	f, _, _ := parsers.Find("regex")
	f, err := parsers.Unwrap("cri", f)
	require.NoError(t, err)
	c := logCase{factory: f, log: log.Bytes(), args: []string{"--counter=lines=^"}, joins: true}
	whole := read(t, c, setup{})
	assert.Equal(t, 40000, whole.stats.Lines)
	assert.Less(t, whole.batches[0].Samples[0].Sum, 20.0)
	for range 3 {
		got := read(t, c, setup{rng: rng, spoil: true})
		assertSame(t, whole, got)
	}

	rec := metric.NewRecorder(metric.RecorderOptions{})
	p, err := f.New(parsers.Options{Args: c.args}, rec)
	require.NoError(t, err)
	st := p.Parse(parsers.Block{Bytes: c.log}, rec)
	assert.LessOrEqual(t, st.Held, parsers.MaxHeld)
	problems := p.(parsers.Reporter).Problems()
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "were cut")
	assert.Empty(t, p.(parsers.Reporter).Problems())
}

// A joined record that begins between the parts of another stream's line cannot be
// held; nothing of it is lost or counted twice.
func TestUnwrapOfRecordsAmongParts(t *testing.T) {
	log := `2026-11-20T21:59:40.1Z stderr P half
2026-11-20T21:59:40.2Z stdout F 2026-11-20 21:59:40,200 [main] ERROR a.B - one
2026-11-20T21:59:40.3Z stderr F  a line
2026-11-20T21:59:40.4Z stdout F java.lang.RuntimeException: x
2026-11-20T21:59:40.5Z stdout F 2026-11-20 21:59:40,500 [main] ERROR a.B - two
`
	f, _, _ := parsers.Find("log4j")
	f, err := parsers.Unwrap("cri", f)
	require.NoError(t, err)
	rng := logtimeRand(t)
	for range 50 {
		got := read(t, logCase{factory: f, log: []byte(log), joins: true}, setup{rng: rng, spoil: true})
		assert.Equal(t, 5, got.stats.Lines)
		sums := make(map[string]float64)
		for _, s := range got.batches[0].Samples {
			sums[s.Name] = s.Sum
		}
		assert.Equal(t, []float64{2, 2, 1}, []float64{sums["numEvents"], sums["ERROR"], sums["numExceptions"]})
	}
}

// Each line counts at the second of its own prefix, records at that of their start.
func TestUnwrapWantTime(t *testing.T) {
	for _, c := range unwrapCases(t) {
		if c.name != "cri/log4j-shop" {
			continue
		}
		events := make(map[int64]float64)
		for _, b := range read(t, c, setup{interval: 60}).batches {
			for _, s := range b.Samples {
				if s.Name == "numEvents" {
					events[b.Start] = s.Sum
				}
			}
		}
		// The third event goes on in the next second, and so is of that.
		assert.Equal(t, map[int64]float64{1795211940: 2, 1795212000: 2, 1795212300: 1}, events)
	}
}

func TestUnwrapUnknown(t *testing.T) {
	f, _, _ := parsers.Find("access")
	_, err := parsers.Unwrap("dcoker", f)
	assert.EqualError(t, err, `there is no wrapping called "dcoker"; did you mean docker?`)
	_, err = parsers.Unwrap("xyz", f)
	assert.EqualError(t, err, `there is no wrapping called "xyz"; there are cri, docker, syslog`)
	f, err = parsers.Unwrap("cri", f)
	require.NoError(t, err)
	_, err = f.New(parsers.Options{Args: []string{"--nope"}}, metric.NewRecorder(metric.RecorderOptions{}))
	var usage *parsers.UsageError
	require.ErrorAs(t, err, &usage)
}

// A record without an end, of which each line is of another second, takes time in
// proportion to its length.
func TestUnwrapOfRecordsOverManySeconds(t *testing.T) {
	var log bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&log, "2026-11-20T%02d:%02d:%02dZ stdout F no start\n", i/3600, i/60%60, i%60)
	}
	inner := new(countingParser)
	f := inner.factory(t)
	rec := metric.NewRecorder(metric.RecorderOptions{Interval: 60})
	p, err := f.New(parsers.Options{WantTime: true}, rec)
	require.NoError(t, err)
	rec.Block(0)
	st := p.Parse(parsers.Block{Bytes: log.Bytes(), Final: true}, rec)
	assert.Equal(t, 20000, st.Lines)
	assert.Less(t, inner.bytes, 20*log.Len())
}

// countingParser holds all until the log's end.
type countingParser struct{ bytes int }

func (p *countingParser) Parse(b parsers.Block, _ *metric.Recorder) (st parsers.Stats) {
	p.bytes += len(b.Bytes)
	if b.Final {
		return parsers.Stats{Lines: bytes.Count(b.Bytes, []byte("\n"))}
	}
	return parsers.Stats{Held: len(b.Bytes)}
}

// factory makes the parser of a wrapped log.
func (p *countingParser) factory(t *testing.T) parsers.Factory {
	t.Helper()
	f, err := parsers.Unwrap("cri", parsers.Factory{Name: "counting", Sequential: true, New: func(parsers.Options, *metric.Recorder) (parsers.Parser, error) {
		return p, nil
	}})
	require.NoError(t, err)
	return f
}

// A record that may be held, but not with all that is around its lines, ends.
func TestUnwrapHoldsNoMoreThanItMay(t *testing.T) {
	line := "2026-11-20T21:59:40Z stdout F x\n"
	for n, held := range map[int]bool{parsers.MaxHeld / len(line): true, parsers.MaxHeld/len(line) + 1: false} {
		p, err := new(countingParser).factory(t).New(parsers.Options{}, metric.NewRecorder(metric.RecorderOptions{}))
		require.NoError(t, err)
		log := []byte(strings.Repeat(line, n))
		st := p.Parse(parsers.Block{Bytes: log}, nil)
		if held {
			assert.Equal(t, parsers.Stats{Held: len(log)}, st)
		} else {
			assert.Equal(t, parsers.Stats{Lines: n}, st)
		}
	}
}
