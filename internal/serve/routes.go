package serve

import (
	"net/http"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/kv"
	pages "github.com/logmetrics/logmetrics/internal/serve/web"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
)

// routes are all that HTTP clients can ask for.
func (s *Server) routes() []route {
	own := telemetry.Handler(telemetry.Options{Report: s.Report, Version: s.opt.Version, Began: s.began})
	list := []route{
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
	return slices.Concat(list, s.graphiteRoutes(own), s.pageRoutes())
}

// receiveHTTP makes what takes samples over HTTP.
func (s *Server) receiveHTTP() {
	s.samples = ingest.NewHTTP(ingest.HTTPOptions{Log: s.log, NewWriter: func() ingest.HTTPWriter { return s.db.NewWriter() }})
	s.gatherer = ingest.NewGatherer(ingest.GathererOptions{Log: s.log, Writer: func() ingest.BatchWriter { return s.db.NewWriter() }})
	s.ingested = append(s.ingested, s.samples.Figures, s.gatherer.Figures)
}

// pageRoutes are the page, open to all, for it shows nothing by itself, and what
// it keeps on the server.
func (s *Server) pageRoutes() (list []route) {
	for _, pattern := range pages.Files() {
		list = append(list, route{pattern, access.Health, s.page})
	}
	for _, r := range kv.New(s.db).Routes() {
		class := access.Read
		if r.Change {
			class = access.Change
		}
		list = append(list, route{r.Pattern, class, r.Handler})
	}
	return list
}
