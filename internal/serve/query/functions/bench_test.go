package functions_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
)

// fleet is a query.Source that has the same 1000 series of 8640 values for any
// pattern: its time is not what is measured.
type fleet struct{ series []query.Series }

func newFleet() *fleet {
	const n, points = 1000, 8640
	r := rand.New(rand.NewPCG(1, 2))
	f := &fleet{series: make([]query.Series, n)}
	for i := range f.series {
		values := make([]float64, points)
		for j := range values {
			values[j] = r.Float64() * 100
		}
		s := query.NewSeries(fmt.Sprintf("fleet.host%03d.cpu", i), 0, points*10, 10, values)
		s.Share()
		f.series[i] = *s
	}
	return f
}

func (f *fleet) Fetch(_ context.Context, q query.Fetch) ([][]*query.Series, error) {
	out := make([][]*query.Series, len(q.Patterns))
	for i := range out {
		for j := range f.series {
			s := f.series[j]
			out[i] = append(out[i], &s)
		}
	}
	return out, nil
}

// BenchmarkFunctions evaluates targets over 1000 series of 8640 values.
func BenchmarkFunctions(b *testing.B) {
	e := query.New(query.Options{Functions: functions.Table(), Source: newFleet(), Limits: query.Limits{Bytes: 8 << 30, TotalBytes: 8 << 30}})
	for _, target := range []string{
		"sumSeries(f)", "averageSeries(f)", "maxSeries(f)", "percentileOfSeries(f,95)", "asPercent(f)", "groupByNode(f,1,'sum')",
		"removeBelowPercentile(f,50)", "removeAboveValue(f,50)", "sortByMaxima(f)", "highestAverage(f,10)", "filterSeries(f,'max','>',50)",
		"mostDeviant(f,10)", "removeBetweenPercentile(f,90)", "divideSeriesLists(f,f)",
	} {
		b.Run(target, func(b *testing.B) {
			b.SetBytes(1000 * 8640 * 8)
			b.ReportAllocs()
			for b.Loop() {
				_, err := e.Evaluate(b.Context(), query.Request{Targets: []string{target}, Until: 86400})
				require.NoError(b, err)
			}
		})
	}
}
