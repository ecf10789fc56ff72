package graphiteapi

import (
	"context"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// tagKeys returns the names of tags, sorted; exprs are those of q as they were sent.
func (a *API) tagKeys(ctx context.Context, _ []string, q names.TagQuery) ([]string, error) {
	return a.opt.DB.Names().Keys(ctx, q)
}

// tagValues returns the values of a tag, sorted; exprs are those of q as they were sent.
func (a *API) tagValues(ctx context.Context, tag string, _ []string, q names.TagQuery) ([]string, error) {
	values, err := a.opt.DB.Names().Values(ctx, tag, q)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = v.Value
	}
	return list, nil
}

// taggedNames returns the names of series for which all expressions hold, sorted.
func (a *API) taggedNames(ctx context.Context, _ []string, list []names.Expr) ([]string, error) {
	found, err := a.opt.DB.Names().Tagged(ctx, list, maxFound)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(found))
	for i, m := range found {
		out[i] = m.Path
	}
	return out, nil
}
