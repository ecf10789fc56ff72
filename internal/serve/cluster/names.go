package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
)

// Path is what a node found for a pattern: a series or what has others below it.
type Path struct {
	Path      string `json:"path"`
	Leaf      bool   `json:"is_leaf"`
	Intervals []struct {
		Start float64 `json:"start"`
		End   float64 `json:"end"`
	} `json:"intervals"` // of a series: Unix seconds
}

// Find returns what the nodes have of a pattern's paths, unsorted. from and until
// say what time is of interest, 0: all.
func (n *Nodes) Find(ctx context.Context, pattern string, from, until int64) []Path {
	query := url.Values{"format": {"json"}, "query": {pattern}}
	if from != 0 {
		query.Set("from", strconv.FormatInt(from, 10))
	}
	if until != 0 {
		query.Set("until", strconv.FormatInt(until, 10))
	}
	return lists[Path](ctx, n, "/metrics/find/", query)
}

// Index returns the names of all series of the nodes, unsorted.
func (n *Nodes) Index(ctx context.Context) []string {
	return lists[string](ctx, n, "/metrics/index.json", url.Values{})
}

// TagKeys returns names of tags with a prefix, of series that expressions are true
// of, unsorted.
func (n *Nodes) TagKeys(ctx context.Context, exprs []string, prefix string, limit int) []string {
	return lists[string](ctx, n, "/tags/autoComplete/tags", url.Values{"expr": exprs, "tagPrefix": {prefix}, "limit": {strconv.Itoa(limit)}})
}

// TagValues is TagKeys for the values of a tag.
func (n *Nodes) TagValues(ctx context.Context, tag string, exprs []string, prefix string, limit int) []string {
	return lists[string](ctx, n, "/tags/autoComplete/values",
		url.Values{"tag": {tag}, "expr": exprs, "valuePrefix": {prefix}, "limit": {strconv.Itoa(limit)}})
}

// Tagged returns the names of series that all expressions are true of, unsorted.
func (n *Nodes) Tagged(ctx context.Context, exprs []string) []string {
	return lists[string](ctx, n, "/tags/findSeries", url.Values{"expr": exprs})
}

// lists returns the items of all nodes' lists.
func lists[T any](ctx context.Context, n *Nodes, path string, query url.Values) []T {
	if n == nil || alone(ctx) {
		return nil
	}
	found := make([][]T, len(n.list))
	n.each(ctx, path, query, func(i int, body io.Reader) error {
		var list []T
		if err := json.NewDecoder(body).Decode(&list); err != nil {
			return err
		}
		found[i] = list
		return nil
	})
	return slices.Concat(found...)
}

// Union returns both lists as one, sorted, each item once. Its argument own must be sorted.
func Union[T cmp.Ordered](own, others []T) []T {
	if len(others) == 0 {
		return own
	}
	all := slices.Concat(own, others)
	slices.Sort(all)
	return slices.Compact(all)
}
