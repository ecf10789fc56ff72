package parsers_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// joinedResult is what a parser made of a log, by name and tag values.
type joinedResult struct {
	stats   parsers.Stats
	order   []string
	samples map[string]metric.Sample
}

func (r joinedResult) value(name string) float64 {
	s := r.samples[name]
	return s.Value()
}

// joinedRun reads log with the named parser, in its own or Logster's clothes
// by the name, as one minute's interval; with rng in blocks cut at random line
// ends, where what is held comes again.
func joinedRun(tb testing.TB, name string, opt parsers.Options, log []byte, rng *rand.Rand) joinedResult {
	tb.Helper()
	f, alias, ok := parsers.Find(name)
	require.True(tb, ok, name)
	opt.Alias = alias
	rec := metric.NewRecorder(metric.RecorderOptions{})
	p, err := f.New(opt, rec)
	require.NoError(tb, err)
	r := joinedResult{samples: make(map[string]metric.Sample)}
	log = log[:bytes.LastIndexByte(log, '\n')+1]
	newest := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Unix()
	for start, end, seq := 0, 0, uint64(0); end < len(log); seq++ {
		end = joinedCut(log, end, rng)
		b := parsers.Block{Bytes: log[start:end], Newest: newest, Seq: seq, Final: end == len(log)}
		rec.Block(seq)
		st := p.Parse(b, rec)
		r.stats.Add(st)
		start = end - st.Held
	}
	batch := metric.Batch{Start: 0, End: 60}
	rec.Flush(&batch)
	for _, s := range batch.Samples {
		key := s.Name
		for _, tag := range s.Tags {
			key += "." + tag.Value
		}
		r.order = append(r.order, key)
		r.samples[key] = s
	}
	return r
}

// joinedCut returns where the next block ends.
func joinedCut(log []byte, at int, rng *rand.Rand) int {
	if rng == nil {
		return len(log)
	}
	at = min(len(log)-1, at+rng.IntN(2000))
	return at + bytes.IndexByte(log[at:], '\n') + 1
}

func joinedRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// skipElsewhere skips a test of a log that is not passed on with the project: where
// the collection that has it is not beside the checkout, nothing can make it run.
func skipElsewhere(t *testing.T) {
	t.Helper()
	t.Skip("the log is not in testdata, and the collection that has it is not beside the checkout")
}

// joinedLog returns a log and its truth from testdata, or from the collection
// beside the checkout when it is too large to be in it.
func joinedLog(t *testing.T, kind, name string, truth any) []byte {
	t.Helper()
	stem := filepath.Join("..", "testdata", "parsers", kind, name)
	if _, err := os.Stat(stem + ".log"); os.IsNotExist(err) {
		stem = filepath.Join("..", "..", "shared", "testdata", kind, name)
		if _, err := os.Stat(stem + ".log"); os.IsNotExist(err) {
			skipElsewhere(t)
		}
	}
	text, err := os.ReadFile(stem + ".truth.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, truth))
	log, err := os.ReadFile(stem + ".log")
	require.NoError(t, err)
	return log
}
