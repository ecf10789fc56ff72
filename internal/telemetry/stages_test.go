package telemetry_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

func server() telemetry.Report {
	reason := func(name string) []telemetry.Label {
		return []telemetry.Label{{Key: "listener", Value: "carbon"}, {Key: "reason", Value: name}}
	}
	return telemetry.Report{Stages: []telemetry.Stage{
		{Name: "ingest", Figures: []telemetry.Figure{
			{Name: "badLines", Labels: reason("name"), Value: 3, Counter: true},
			{Name: "connections", Labels: []telemetry.Label{{Key: "listener", Value: "carbon"}}, Value: 2},
			{Name: "badLines", Labels: reason("value"), Value: 4, Counter: true},
		}},
		{Name: "store", Why: "no space left on <device>", Figures: []telemetry.Figure{{Name: "series", Value: 100}}},
	}}
}

func TestMetricsOfStages(t *testing.T) {
	w := get(t, telemetry.Handler(options(server())), http.MethodGet, "/metrics")
	all := scrape(t, w.Body.Bytes())
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "logmetrics_ingest_bad_lines_total", []string{"listener=carbon", "reason=name"}},
		{4, "logmetrics_ingest_bad_lines_total", []string{"listener=carbon", "reason=value"}},
		{2, "logmetrics_ingest_connections", []string{"listener=carbon"}},
		{100, "logmetrics_store_series", nil},
		{1, "logmetrics_stage_ready", []string{"stage=ingest"}},
		{0, "logmetrics_stage_ready", []string{"stage=store"}},
	} {
		assert.Equal(t, c.want, value(t, all, c.name, c.labels...), "%s %v", c.name, c.labels)
	}
	assert.NotContains(t, all, "logmetrics_jobs", "a server has none")
}

func TestHealthOfStages(t *testing.T) {
	r := server()
	w := get(t, telemetry.Handler(options(r)), http.MethodGet, "/readyz")
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, "store: \"no space left on <device>\"\n", w.Body.String())
	assert.Equal(t, 200, get(t, telemetry.Handler(options(r)), http.MethodGet, "/healthz").Code)
	r.Stages[1].Hung = true
	assert.Equal(t, 503, get(t, telemetry.Handler(options(r)), http.MethodGet, "/healthz").Code)
	r.Stages = r.Stages[:1]
	assert.Equal(t, 200, get(t, telemetry.Handler(options(r)), http.MethodGet, "/readyz").Code)
}
