package serve

import (
	"net/http"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
)

// front is what a browser sees.
const front = `logmetrics serve: takes, sums up and keeps metrics.

/metrics   its own figures, for Prometheus
/healthz   200 while it goes round
/readyz    200 while it takes and keeps what is sent; else 503, and why

Graphite's HTTP API is answered, too, as for Grafana: /metrics/find, /tags, /events.
`

// routes are all that HTTP clients can ask for.
func (s *Server) routes() []route {
	own := telemetry.Handler(telemetry.Options{Report: s.Report, Version: s.opt.Version, Began: s.began})
	list := []route{
		{"GET /{$}", access.Read, http.HandlerFunc(showFront)},
		{"GET /metrics", access.Read, own},
		{"GET /healthz", access.Health, own},
		{"GET /readyz", access.Health, own},
		{"POST /admin/backup", access.Change, http.HandlerFunc(s.backup)},
		{"POST /admin/delete", access.Change, http.HandlerFunc(s.remove)},
		{"POST /admin/rename", access.Change, http.HandlerFunc(s.rename)},
		{"POST " + gatherer.Path, access.Ingest, s.gatherer},
	}
	if u, ok := s.dialects[true].(*aggregate.Brubeck); ok {
		h := http.StripPrefix("/brubeck", u.Handler())
		list = append(list, route{"GET /brubeck/", access.Read, h}, route{"POST /brubeck/expire/", access.Change, h})
	}
	for _, r := range s.samples.Routes() {
		class := access.Ingest
		if strings.HasPrefix(r.Pattern, "GET ") {
			class = access.Health // Influx clients ask whether someone is there
		}
		list = append(list, route{r.Pattern, class, r.Handler})
	}
	return append(list, s.graphiteRoutes()...)
}

// receiveHTTP makes what takes samples over HTTP.
func (s *Server) receiveHTTP() {
	s.samples = ingest.NewHTTP(ingest.HTTPOptions{Log: s.log, NewWriter: func() ingest.HTTPWriter { return s.db.NewWriter() }})
	s.gatherer = ingest.NewGatherer(ingest.GathererOptions{Log: s.log, Writer: func() ingest.BatchWriter { return s.db.NewWriter() }})
	s.ingested = append(s.ingested, s.samples.Figures, s.gatherer.Figures)
}

func showFront(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(front)) // the client's loss
}
