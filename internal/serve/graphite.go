package serve

import (
	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
)

// answerGraphite makes what answers Graphite's API.
func (s *Server) answerGraphite() {
	s.graphite = graphiteapi.New(graphiteapi.Options{DB: s.db, Log: s.log})
}

// graphiteRoutes are the routes of Graphite's API.
func (s *Server) graphiteRoutes() (list []route) {
	for _, r := range s.graphite.Routes() {
		class := access.Read
		if r.Change {
			class = access.Change
		}
		list = append(list, route{r.Pattern, class, r.Handler})
	}
	return list
}
