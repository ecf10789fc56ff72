package graphiteapi

import (
	"context"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// tagKeys returns the names of tags, sorted; exprs are those of q as they were sent.
func (a *API) tagKeys(ctx context.Context, exprs []string, q names.TagQuery) ([]string, error) {
	own, err := a.opt.DB.Names().Keys(ctx, q)
	if err != nil {
		return nil, err
	}
	return cluster.Union(own, a.opt.Nodes.TagKeys(ctx, exprs, q.Prefix, q.Limit)), nil
}

// tagValues returns the values of a tag, sorted; exprs are those of q as they were sent.
func (a *API) tagValues(ctx context.Context, tag string, exprs []string, q names.TagQuery) ([]string, error) {
	values, err := a.opt.DB.Names().Values(ctx, tag, q)
	if err != nil {
		return nil, err
	}
	own := make([]string, len(values))
	for i, v := range values {
		own[i] = v.Value
	}
	return cluster.Union(own, a.opt.Nodes.TagValues(ctx, tag, exprs, q.Prefix, q.Limit)), nil
}

// taggedNames returns the names of series for which all expressions hold, sorted.
func (a *API) taggedNames(ctx context.Context, exprs []string, list []names.Expr) ([]string, error) {
	found, err := a.opt.DB.Names().Tagged(ctx, list, maxFound)
	if err != nil {
		return nil, err
	}
	own := make([]string, len(found))
	for i, m := range found {
		own[i] = m.Path
	}
	return cluster.Union(own, a.opt.Nodes.Tagged(ctx, exprs)), nil
}
