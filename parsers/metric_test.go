package parsers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

type metricTruth struct {
	Lines      int
	CountSums  map[string]float64 `json:"count_sums"`
	CountLines map[string]uint64  `json:"count_lines"`
	Times      map[string]map[string]float64
	Logster    struct {
		Runs []struct {
			Options *string
			Stdout  []string
		}
	}
}

func TestMetricCountsAsTheTruth(t *testing.T) {
	for name, rejected := range map[string]int{"nasty-metric": 12 + 11 + 11 + 8, "real-log4j-metrics": 0} {
		t.Run(name, func(t *testing.T) {
			var truth metricTruth
			log := joinedLog(t, "metric", name, &truth)
			r := joinedRun(t, "MetricParser", parsers.Options{}, log, nil)
			require.Len(t, r.samples, len(truth.CountSums)+len(truth.Times))
			matched := 0
			for path, sum := range truth.CountSums {
				s := r.samples[metric.CleanName(path)]
				assert.InEpsilon(t, sum, s.Sum, 1e-12, path)
				assert.Equal(t, truth.CountLines[path], s.Count, path)
				matched += int(s.Count)
			}
			for path, want := range truth.Times {
				assert.EqualValues(t, want["count"], r.samples[metric.CleanName(path)].Count, path)
				matched += int(want["count"])
			}
			assert.Equal(t, parsers.Stats{Lines: truth.Lines, Rejected: rejected, Skipped: truth.Lines - rejected - matched}, r.stats)

			args := []string{"--percentiles=50,90,95,99"}
			r = joinedRun(t, "MetricLogster", parsers.Options{Args: args}, log, nil)
			for path, want := range truth.Times {
				for p, suffix := range map[string]string{"mean": "mean", "p50_lin": "median", "p90_lin": "90th_percentile", "p95_lin": "95th_percentile", "p99_lin": "99th_percentile"} {
					s := r.samples[metric.CleanName(path)+"."+suffix]
					assert.InDelta(t, want[p], s.Last, 1e-6, path)
					assert.Equal(t, metric.PyFloat, s.Form)
				}
			}
			require.Len(t, r.samples, len(truth.CountSums)+6*len(truth.Times))
		})
	}
}

// Logster is right on these logs but for their last lines.
func TestMetricLogsterPrintsAsLogster(t *testing.T) {
	for _, name := range []string{"nasty-metric", "real-log4j-metrics"} {
		var truth metricTruth
		log := joinedLog(t, "metric", name, &truth)
		for _, run := range truth.Logster.Runs {
			var args []string
			if run.Options != nil {
				args = strings.Fields(*run.Options)
			}
			r := joinedRun(t, "MetricLogster", parsers.Options{Args: args}, log, nil)
			require.Len(t, r.samples, len(run.Stdout))
			for _, line := range run.Stdout {
				var path string
				var want float64
				_, err := fmt.Sscan(line, &path, &want)
				require.NoError(t, err)
				s, ok := r.samples[metric.CleanName(path)]
				require.True(t, ok, path)
				assert.InEpsilon(t, want, s.Last, 1e-12, path)
			}
		}
	}
}

func TestMetricLines(t *testing.T) {
	log := `METRIC_COUNT metric=a value=1 METRIC_COUNT metric=a value=2 METRIC_TIME metric=b value=3ms
METRIC_COUNT metric=a value=4
METRIC_COUNT metric=a value=1.2.3
METRIC_COUNT metric=a value=.5, METRIC_COUNT metric=a value=-1
METRIC_COUNT metric=a value=
METRIC_COUNT metric=a value=1e3 METRIC_OTHER
METRIC_TIME metric=b value=2 s
METRIC_TIME metric=b value=7us.
METRIC_TIME metric=b value=5 parsecs
METRIC_
nothing
`
	r := joinedRun(t, "MetricParser", parsers.Options{}, []byte(log), nil)
	assert.Equal(t, parsers.Stats{Lines: 11, Skipped: 1, Rejected: 3}, r.stats)
	assert.EqualValues(t, 1+2+4+.5+1000, r.value("a"))
	assert.InDeltaSlice(t, []float64{7e-6, 3e-3, 2, 5}, r.samples["b"].Dist.Exact(), 1e-15)
	r = joinedRun(t, "MetricLogster", parsers.Options{}, []byte(log), nil)
	assert.Equal(t, "ms", r.samples["b.mean"].Unit)
	assert.InDelta(t, 1007.5/60, r.value("a"), 1e-12)
	assert.InDelta(t, 4, r.value("b.median"), 1e-12)
	assert.Equal(t, []string{"a", "b.mean", "b.median", "b.90th_percentile"}, r.order)
}

func TestMetricUsageErrors(t *testing.T) {
	f, _, _ := parsers.Find("Metric")
	for _, args := range [][]string{{"-p", "x"}, {"-p", "101"}, {"-p", ""}, {"-p", "99.9"}} {
		_, err := f.New(parsers.Options{Args: args, Alias: true}, metric.NewRecorder(metric.RecorderOptions{}))
		var usage *parsers.UsageError
		assert.ErrorAs(t, err, &usage, args)
	}
}
