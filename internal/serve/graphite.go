package serve

import (
	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// answerGraphite makes what answers Graphite's API.
func (s *Server) answerGraphite() (err error) {
	if len(s.opt.Remote) > 0 {
		if s.nodes, err = cluster.New(cluster.Options{URLs: s.opt.Remote, Timeout: s.opt.RemoteTimeout, Log: s.log}); err != nil {
			return err
		}
	}
	q := &s.opt.Queries
	s.graphite = graphiteapi.New(graphiteapi.Options{
		DB: s.db, Nodes: s.nodes, Log: s.log, Queries: q.AtOnce, QueryTime: q.Time, Pixels: q.Pixels,
		Limits: query.Limits{Series: q.Series, Points: q.Points, TotalBytes: q.Bytes},
	})
	return nil
}

// graphiteFigures are what was counted of queries.
func (s *Server) graphiteFigures() []telemetry.Figure {
	return append(s.graphite.Figures(), s.nodes.Figures()...)
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
