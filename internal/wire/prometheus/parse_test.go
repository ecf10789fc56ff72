package prometheus_test

import (
	"fmt"
	"math"
	"testing"

	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

func marshal2(t testing.TB, request *writev2.Request) []byte {
	t.Helper()
	body, err := request.MarshalVT()
	require.NoError(t, err)
	return body
}

// each returns the series of a request of version 2 as text.
func each(p *prometheus.RequestParser, request []byte) (list []string, err error) {
	err = p.Each(request, prometheus.Version2, func(s *prometheus.Received) error {
		line := ""
		for _, l := range s.Labels {
			line += fmt.Sprintf("%s=%s ", l.Name, l.Value)
		}
		for _, one := range s.Samples {
			line += fmt.Sprintf("%x@%d ", math.Float64bits(one.Value), one.Milliseconds)
		}
		list = append(list, fmt.Sprintf("%shistograms=%d exemplars=%d err=%v", line, s.Histograms, s.Exemplars, s.Err))
		return nil
	})
	return list, err
}

func TestEach2(t *testing.T) {
	one := []*writev2.Sample{{Value: 1, Timestamp: -5}}
	request := &writev2.Request{
		Symbols: []string{"", "__name__", "up", "job", "a\xffb", "z"},
		Timeseries: []*writev2.TimeSeries{
			{LabelsRefs: []uint32{1, 2, 3, 5}, Samples: append(one, &writev2.Sample{}), Metadata: &writev2.Metadata{HelpRef: 2}, CreatedTimestamp: 3},
			{LabelsRefs: []uint32{1, 2}, Histograms: []*writev2.Histogram{{Sum: 1}}, Exemplars: []*writev2.Exemplar{{}, {}}},
			{LabelsRefs: []uint32{3, 2, 1, 2}, Samples: one},
			{LabelsRefs: []uint32{1, 4}, Samples: one},
			{LabelsRefs: []uint32{1, 0}, Samples: one},
			{LabelsRefs: []uint32{1, 6}, Samples: one},
			{LabelsRefs: []uint32{1}, Samples: one},
			{},
		},
	}
	for i := range prometheus.MaxLabels + 1 {
		request.Symbols = append(request.Symbols, fmt.Sprintf("l%03d", i))
		request.Timeseries[7].LabelsRefs = append(request.Timeseries[7].LabelsRefs, uint32(6+i), 2)
	}
	var p prometheus.RequestParser
	got, err := each(&p, marshal2(t, request))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"__name__=up job=z 3ff0000000000000@-5 0@0 histograms=0 exemplars=0 err=<nil>",
		"__name__=up histograms=1 exemplars=2 err=<nil>",
		"job=up 3ff0000000000000@-5 histograms=0 exemplars=0 err=" + prometheus.ErrLabelOrder.Error(),
		"3ff0000000000000@-5 histograms=0 exemplars=0 err=" + prometheus.ErrLabel.Error(),
		"3ff0000000000000@-5 histograms=0 exemplars=0 err=" + prometheus.ErrLabel.Error(),
		"__name__=l000 3ff0000000000000@-5 histograms=0 exemplars=0 err=<nil>",
		"3ff0000000000000@-5 histograms=0 exemplars=0 err=" + prometheus.ErrLabelRef.Error(),
	}, got[:7])
	assert.Contains(t, got[7], prometheus.ErrManyLabels.Error())

	p.MaxSamples = 8
	_, err = each(&p, marshal2(t, request))
	require.ErrorIs(t, err, prometheus.ErrTooLarge, "9 with the histogram and the exemplars")
	p.MaxSamples = 0
	request.Timeseries[0].LabelsRefs[0] = math.MaxUint32
	got, err = each(&p, marshal2(t, request))
	require.NoError(t, err)
	assert.Contains(t, got[0], prometheus.ErrLabelRef.Error())
	request.Symbols[0] = "x"
	_, err = each(&p, marshal2(t, request))
	require.ErrorIs(t, err, prometheus.ErrBadRequest)
}

// FuzzRequest2: what Prometheus' own code reads, we read the same.
func FuzzRequest2(f *testing.F) {
	f.Add(marshal2(f, &writev2.Request{Symbols: []string{"", "__name__", "up"}, Timeseries: []*writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2}, Samples: []*writev2.Sample{{Value: 1, Timestamp: 17}}, Exemplars: []*writev2.Exemplar{{LabelsRefs: []uint32{1, 2}}}},
		{LabelsRefs: []uint32{1, 2}, Histograms: []*writev2.Histogram{{Sum: 1}}},
	}}))
	f.Add([]byte("\x2a\x04\x08\x00\x08\x00\x22\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p prometheus.RequestParser
		var theirs writev2.Request
		var ours [][]prometheus.Sample
		err := p.Each(body, prometheus.Version2, func(s *prometheus.Received) error {
			require.LessOrEqual(t, len(s.Labels), prometheus.MaxLabels)
			ours = append(ours, append([]prometheus.Sample(nil), s.Samples...))
			return nil
		})
		if err != nil {
			require.ErrorIs(t, err, prometheus.ErrBadRequest)
			return
		}
		if theirs.UnmarshalVT(body) != nil {
			return
		}
		require.Len(t, ours, len(theirs.Timeseries))
		for i, s := range theirs.Timeseries {
			require.Len(t, ours[i], len(s.Samples))
			for j, one := range s.Samples {
				require.Equal(t, math.Float64bits(one.Value), math.Float64bits(ours[i][j].Value))
				require.Equal(t, one.Timestamp, ours[i][j].Milliseconds)
			}
		}
	})
}
