package serve

import (
	"net/http"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// answerGraphite makes what answers Graphite's API.
func (s *Server) answerGraphite() (err error) {
	q := &s.opt.Queries
	opt := graphiteapi.Options{
		DB: s.db, Log: s.log, Queries: q.AtOnce, QueryTime: q.Time, Pixels: q.Pixels,
		Limits: query.Limits{Series: q.Series, Points: q.Points, TotalBytes: q.Bytes},
	}
	if len(s.opt.Remote) > 0 {
		if opt.Nodes, err = cluster.New(cluster.Options{URLs: s.opt.Remote, Timeout: s.opt.RemoteTimeout, Log: s.log}); err != nil {
			return err
		}
	}
	s.graphite = graphiteapi.New(opt)
	return nil
}

// QueryMemory returns how many bytes queries use, and how many they may.
func (s *Server) QueryMemory() (bytes, most int64) {
	if s.graphite == nil {
		return 0, 0
	}
	return s.graphite.QueryMemory()
}

// graphiteRoutes are the routes of Graphite's API. /metrics is Prometheus' page of
// the server's own figures, unless a query makes it the other name of /metrics/find.
func (s *Server) graphiteRoutes(own http.Handler) (list []route) {
	for _, r := range s.graphite.Routes() {
		class := access.Read
		if r.Change {
			class = access.Change
		}
		h := r.Handler
		if r.Pattern == "GET /metrics" {
			h = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Query().Has("query") {
					r.Handler.ServeHTTP(w, req)
					return
				}
				own.ServeHTTP(w, req)
			})
		}
		list = append(list, route{r.Pattern, class, h})
	}
	return list
}
