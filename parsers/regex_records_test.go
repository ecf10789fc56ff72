package parsers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

func newRecords(t *testing.T, args ...string) (*regexParser, *metric.Recorder) {
	t.Helper()
	rec := metric.NewRecorder(metric.RecorderOptions{})
	p, err := newRegex(Options{Args: args}, rec)
	require.NoError(t, err)
	return p.(*regexParser), rec
}

// parseHeld parses log in blocks of at least size bytes that start with what was held.
func parseHeld(t *testing.T, p *regexParser, rec *metric.Recorder, log string, size func() int) (st Stats) {
	t.Helper()
	for start, end := 0, 0; ; {
		end = nextLine([]byte(log), min(len(log), end+size()))
		b := Block{Bytes: []byte(log)[start:end], Final: end == len(log)}
		rec.Block(0)
		got := p.Parse(b, rec)
		require.LessOrEqual(t, got.Held, MaxHeld)
		start = end - got.Held
		st.Add(got)
		if b.Final {
			require.Zero(t, got.Held)
			return st
		}
	}
}

// A record longer than may be held is cut at the same line however the log is
// read, and that is said.
func TestHugeRecordsAreCut(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	line := strings.Repeat("x", 99) + "\n"
	log := "start one\n" + strings.Repeat(line, 3<<20/100) + "start two\n" + line + strings.Repeat("y", 2<<20) + "\n" + line
	var want Stats
	for i, size := range []func() int{
		func() int { return len(log) },
		func() int { return 256 << 10 },
		func() int { return 1 + rng.IntN(400<<10) },
	} {
		p, rec := newRecords(t, "--multiline-start=^start", "--counter=starts=(?m)^start")
		st := parseHeld(t, p, rec, log, size)
		if i == 0 {
			want = st
			problems := p.Problems()
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], "5 records were longer than 1024 KiB and were cut")
			assert.Empty(t, p.Problems())
		}
		assert.Equal(t, want, st)
		assert.Equal(t, strings.Count(log, "\n"), st.Lines)
		assert.Equal(t, (MaxHeld-10)/100+1, st.Rejected, "rules are not tried on so long a text")
	}
}

func TestRecordsOfOneLineAreLines(t *testing.T) {
	var log bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	p, rec := newRecords(t, "--multiline-start=^", "--counter=n=7")
	assert.True(t, p.Joins())
	got := p.Parse(Block{Bytes: log.Bytes(), Final: true}, rec)
	lines, rec := newRecords(t, "--counter=n=7")
	assert.False(t, lines.Joins())
	assert.Equal(t, lines.Parse(Block{Bytes: log.Bytes()}, rec), got)
}
