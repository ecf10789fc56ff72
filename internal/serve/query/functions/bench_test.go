package functions_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
)

// fleet is a query.Source that has the same 1000 series of 8640 values for any
// pattern, for "whole" without what is behind the point: its time is not what is measured.
type fleet struct{ series, whole []query.Series }

func newFleet() *fleet {
	return &fleet{series: newSeries(func(v float64) float64 { return v }), whole: newSeries(math.Floor)}
}

func newSeries(form func(float64) float64) []query.Series {
	const n, points = 1000, 8640
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]query.Series, n)
	for i := range list {
		values := make([]float64, points)
		for j := range values {
			values[j] = form(r.Float64() * 100)
		}
		s := query.NewSeries(fmt.Sprintf("fleet.host%03d.cpu", i), 0, points*10, 10, values)
		s.Share()
		list[i] = *s
	}
	return list
}

func (f *fleet) Fetch(_ context.Context, q query.Fetch) ([][]*query.Series, error) {
	out := make([][]*query.Series, len(q.Patterns))
	for i, p := range q.Patterns {
		from := f.series
		if p.Text == "whole" {
			from = f.whole
		}
		for _, s := range from {
			out[i] = append(out[i], &s)
		}
	}
	return out, nil
}

// BenchmarkFunctions evaluates targets over 1000 series of 8640 values, and says what CPU they take on all cores together.
func BenchmarkFunctions(b *testing.B) {
	e := query.New(query.Options{Functions: functions.Table(), Source: newFleet(), Limits: query.Limits{Points: 1 << 30, Bytes: 8 << 30, TotalBytes: 16 << 30}})
	for _, target := range []string{
		"sumSeries(f)", "averageSeries(f)", "maxSeries(f)", "percentileOfSeries(f,95)", "summarize(f,'1h','avg')", "nonNegativeDerivative(f)", "scale(f,2)",
		"timeShift(f,'1d')", "aliasByNode(f,1)", "movingAverage(f,'5min')", "movingMedian(f,'5min')", "movingMax(f,'5min')", "asPercent(f)",
		"groupByNode(f,1,'sum')", "removeBelowPercentile(f,50)", "sortByMaxima(f)", "highestAverage(f,10)", "alias(movingAverage(sumSeries(f),'5min'),'a')",
		"movingAverage(whole,'5min')", "movingAverage(f,'1h')", "movingAverage(whole,'1h')", "movingAverage(f,'6h')", "movingAverage(whole,'6h')", "movingMedian(f,'6h')", "movingMax(f,'6h')", "movingWindow(f,'5min','stddev')", "perSecond(f)", "integral(f)",
		"removeAboveValue(f,50)", "filterSeries(f,'max','>',50)", "mostDeviant(f,10)", "removeBetweenPercentile(f,90)", "divideSeriesLists(f,f)",
		"aggregate(f,'median')", "stddevSeries(f)",
	} {
		b.Run(target, func(b *testing.B) {
			b.SetBytes(1000 * 8640 * 8)
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				_, err := e.Evaluate(b.Context(), query.Request{Targets: []string{target}, Until: 86400})
				require.NoError(b, err)
			}
			b.ReportMetric((cpu()-before)/float64(b.N)*1e3, "cpu-ms/op")
		})
	}
}

// cpu returns the seconds of CPU that the process has taken.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // has no reason to fail
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
