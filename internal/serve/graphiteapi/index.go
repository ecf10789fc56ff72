package graphiteapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// index answers /metrics/index.json: the paths of all series, sorted, those with
// tags as find shows them.
func (a *API) index(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := p.flag("local"); err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	all, err := a.allPaths(r.Context())
	if err != nil {
		return err
	}
	all = cluster.Union(all, a.opt.Nodes.Index(r.Context()))
	j.unicode(r)
	j.strings(all)
	return j.end()
}

// allPaths returns the paths of all series, sorted. They share memory.
func (a *API) allPaths(ctx context.Context) ([]string, error) {
	index := a.opt.DB.Names()
	var text strings.Builder
	ends := make([]int, 0, index.Len())
	var path []byte
	for _, name := range index.All() {
		if len(ends)%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		path = names.AppendFilePath(path[:0], name)
		text.Write(path)
		ends = append(ends, text.Len())
	}
	all, from := make([]string, len(ends)), 0
	for i, end := range ends {
		all[i] = text.String()[from:end]
		from = end
	}
	if !slices.IsSorted(all) {
		slices.Sort(all)
	}
	return all, nil
}
