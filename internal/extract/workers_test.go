package extract_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// logCase is one of a parser's logs in testdata with its options.
type logCase struct {
	name string
	log  []byte // whole lines
	args []string
}

// casesOf returns a parser's logs; each of BASE.args and BASE@VARIANT.args
// makes a case of BASE.log.
func casesOf(t testing.TB, f parsers.Factory) (cases []logCase) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "testdata", "parsers", strings.TrimSuffix(strings.ToLower(f.Name), "parser")))
	require.NoError(t, err)
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, path := range logs {
		log, err := os.ReadFile(path)
		require.NoError(t, err)
		log = log[:bytes.LastIndexByte(log, '\n')+1]
		base := strings.TrimSuffix(path, ".log")
		variants, err := filepath.Glob(base + "@*.args")
		require.NoError(t, err)
		for _, file := range append(variants, base+".args") {
			cases = append(cases, logCase{strings.TrimSuffix(filepath.Base(file), ".args"), log, readArgs(t, dir, file)})
		}
	}
	return cases
}

// joins reports whether f joins lines when it is made with the case's options.
func (c logCase) joins(t testing.TB, f parsers.Factory) bool {
	t.Helper()
	p, err := f.New(parsers.Options{Args: c.args, ReadFile: os.ReadFile}, metric.NewRecorder(metric.RecorderOptions{}))
	require.NoError(t, err)
	return f.Joins(p)
}

// readArgs reads options, one a line, and makes the files that they name absolute.
func readArgs(t testing.TB, dir, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	args := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i := range args {
		args[i] = strings.Replace(args[i], "--rules=", "--rules="+dir+"/", 1)
	}
	return args
}

// TestWorkersAgree runs each parser over its logs with one worker and the log
// in one piece, and with several and the log cut at random into files, which
// ends blocks at those places: the batches are the same.
func TestWorkersAgree(t *testing.T) {
	t.Parallel()
	rnd := newRand(t)
	for _, f := range parsers.Table() {
		for _, name := range []string{f.Name, f.Alias} {
			if name == "" {
				continue
			}
			for _, c := range casesOf(t, f) {
				t.Run(name+" "+c.name, func(t *testing.T) {
					want := c.extract(t, name, 1, nil)
					for range 3 {
						workers := 2 + rnd.IntN(7)
						cuts := rnd
						if c.joins(t, f) { // its records end where a log ends
							cuts = nil
						}
						sameBatch(t, want, c.extract(t, name, workers, cuts), fmt.Sprint(workers, " workers"))
					}
				})
			}
		}
	}
}

// extract runs a job over the log, cut into files by rnd; nil: in one.
func (c logCase) extract(t testing.TB, parser string, workers int, rnd *rand.Rand) *metric.Batch {
	t.Helper()
	dir := memDir(t)
	newest := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var logs []string
	for rest := c.log; len(rest) > 0; {
		n := len(rest)
		if rnd != nil {
			n = rnd.IntN(n)/(1+rnd.IntN(8)) + 1
			n += bytes.IndexByte(rest[n-1:], '\n')
		}
		path := filepath.Join(dir, fmt.Sprintf("%04d.log", len(logs)))
		require.NoError(t, os.WriteFile(path, rest[:n], 0o600))
		require.NoError(t, os.Chtimes(path, newest, newest))
		logs, rest = append(logs, path), rest[n:]
	}
	job, got := newJob(t, parser, c.args, logs...)
	job.Workers, job.Now = workers, func() time.Time { return newest }
	res, err := extract.Run(t.Context(), job)
	require.NoError(t, err)
	require.Len(t, got.batches, 1)
	if !c.joins(t, job.Parser) {
		require.Equal(t, bytes.Count(c.log, []byte("\n")), res.Lines)
	}
	return got.batches[0]
}

func sameBatch(t *testing.T, want, got *metric.Batch, how string) {
	t.Helper()
	require.Len(t, got.Samples, len(want.Samples), how)
	for i := range want.Samples {
		w, g := &want.Samples[i], &got.Samples[i]
		require.Equal(t, []any{w.Name, w.Tags, w.Kind, w.Form, w.Unit}, []any{g.Name, g.Tags, g.Kind, g.Form, g.Unit}, how)
		require.Equal(t, w.Count, g.Count, "%s: %s", how, w.Name)
		if mayBeDerived(w) {
			assert.InDelta(t, w.Last, g.Last, 1e-9*math.Abs(w.Last), "%s: %s", how, w.Name)
			continue
		}
		assert.Equal(t, []float64{w.Min, w.Max, w.Last}, []float64{g.Min, g.Max, g.Last}, "%s: %s", how, w.Name)
		largest := max(-w.Min, w.Max)
		assert.InDelta(t, w.Sum, g.Sum, 1e-12*max(math.Abs(w.Sum), largest), "%s: sum of %s", how, w.Name)
		// What is left of equal values' M2 is rounding, small beside their squares.
		assert.InDelta(t, w.M2, g.M2, max(1e-9*w.M2, 1e-15*float64(w.Count)*largest*largest), "%s: M2 of %s", how, w.Name)
		assert.Equal(t, w.Members.Estimate(), g.Members.Estimate(), "%s: %s", how, w.Name)
		assert.Equal(t, w.Members.Exact(), g.Members.Exact(), "%s: %s", how, w.Name)
		require.Equal(t, w.Dist == nil, g.Dist == nil, "%s: %s", how, w.Name)
		for q := 0.0; w.Dist != nil && q <= 1; q += .125 {
			assert.Equal(t, w.Dist.Quantile(q), g.Dist.Quantile(q), "%s: %s", how, w.Name)
		}
	}
}

// mayBeDerived reports whether a gauge may have been computed from sums.
func mayBeDerived(s *metric.Sample) bool {
	return s.Kind == metric.Gauge && s.Count == 1 && s.Last != math.Trunc(s.Last)
}
