package serve

import (
	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/picture"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/fetch"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
)

// answerGraphite makes what answers Graphite's API.
func (s *Server) answerGraphite() error {
	painter, err := picture.New(picture.Options{})
	if err != nil {
		return err
	}
	var source query.Source = fetch.New(s.db)
	if len(s.opt.Remote) > 0 {
		if s.nodes, err = cluster.New(cluster.Options{URLs: s.opt.Remote, Timeout: s.opt.RemoteTimeout, Log: s.log}); err != nil {
			return err
		}
		source = s.nodes.Source(source)
	}
	s.graphite = graphiteapi.New(graphiteapi.Options{
		DB: s.db, Nodes: s.nodes, Painter: painter, Log: s.log,
		Engine: query.New(query.Options{Functions: functions.Table(), Source: source, Log: s.log}),
	})
	return nil
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
