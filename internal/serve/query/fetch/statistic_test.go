package fetch_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/fetch"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
)

func TestStatisticsAreOfTheColumnsThatAreKept(t *testing.T) {
	db := filled(t, 3600, "a.x", "t;host=a")
	e := query.New(query.Options{Functions: functions.Table(), Source: fetch.New(db)})
	minute := int64(now - now%60)
	eval := func(target string, points int) (*query.Series, error) {
		list, err := e.Evaluate(t.Context(), query.Request{Targets: []string{target}, From: minute - 660, Until: minute - 60, Now: now, MaxDataPoints: points})
		if err != nil {
			return nil, err
		}
		require.Len(t, list, 1, target)
		return list[0], nil
	}
	first := float64((minute-600)%100_000) / 10 // of the six values in the first minute, each one more than the one before
	for statistic, want := range map[string]float64{
		"min": first, "max": first + 5, "count": 6, "sum": 6*first + 15, "average": first + 2.5, "stddev": math.Sqrt(17.5 / 6),
	} {
		s, err := eval("statistic(a.x,'"+statistic+"')", 10)
		require.NoError(t, err)
		assert.EqualValues(t, 60, s.Step, "ten points of ten minutes are enough")
		assert.InDelta(t, want, s.Values[0], 1e-4, statistic)
		assert.Equal(t, `statistic(a.x,"`+statistic+`")`, s.Name)
		assert.Equal(t, query.Tags{{Key: "name", Value: "a.x"}, {Key: "statistic", Value: statistic}}, s.Tags)
	}
	s, err := eval("statistic(a.x,'max')", 60)
	require.NoError(t, err)
	assert.EqualValues(t, 10, s.Step)
	s, err = eval("scale(statistic(seriesByTag('name=t'),'max'),2)", 0)
	require.NoError(t, err)
	assert.EqualValues(t, 10, s.Step)
	assert.Equal(t, `scale(statistic(t;host=a,"max"),2)`, s.Name)
	for _, target := range []string{"statistic(a.x)", "statistic(a.x,'median')", "statistic(scale(a.x,2),'min')", "statistic(a.x,'min',1)"} {
		_, err := eval(target, 0)
		assert.ErrorContains(t, err, "statistic()", target)
	}
}
