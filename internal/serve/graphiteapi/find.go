package graphiteapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxFound is how many nodes one search may find: a page of that many is 20 MB.
const maxFound = 250_000

// node is what a search for paths finds: a series, what has others below it, or both.
type node struct {
	path         string
	leaf, branch bool
	span         span // of a leaf; zero: to be asked for
}

// span is the time of which a series may have values, Unix seconds.
type span struct{ start, end int64 }

// name returns the last part of the path.
func (n *node) name() string { return n.path[strings.LastIndexByte(n.path, '.')+1:] }

// finding is what a request to /metrics/find says.
type finding struct {
	query     string
	base      string // what stands before the names that are found
	format    string
	wildcards bool // "*" is found, too
	leaves    bool // series only
	position  int  // of the part that nodelist shows
}

// find answers /metrics/find: nodes that match a pattern.
func (a *API) find(w http.ResponseWriter, r *http.Request, p params) error {
	f, err := readFinding(p)
	if err != nil {
		return err
	}
	write := findForms[f.format]
	if write == nil {
		return fault{http.StatusBadRequest, "Invalid value for 'format' parameter"}
	}
	nodes, err := a.search(r.Context(), f.query)
	if err != nil {
		return err
	}
	if f.leaves {
		nodes = leavesOf(nodes)
	}
	return write(a, w, r, p, f, nodes)
}

func readFinding(p params) (f finding, err error) {
	f = finding{query: p.get("query"), format: cmp.Or(p.get("format"), "treejson")}
	var variants bool
	for _, flag := range []struct {
		name string
		to   *bool
	}{{"leavesOnly", &f.leaves}, {"wildcards", &f.wildcards}, {"automatic_variants", &variants}} {
		if *flag.to, err = p.flag(flag.name); err != nil {
			return f, err
		}
	}
	if f.position, err = p.number("position", -1); err != nil {
		return f, err
	}
	switch {
	case !p.has("query"):
		return f, invalid("Missing required parameter 'query'")
	case f.query == "":
		return f, invalid("Required parameter 'query' is empty")
	}
	f.base = f.query[:strings.LastIndexByte(f.query, '.')+1]
	if f.format == "completer" {
		f.query = complete(f.query, variants)
	}
	return f, nil
}

// complete makes a pattern of what was typed so far. With variants, "a,b" is "{a,b}".
func complete(query string, variants bool) string {
	query = strings.ReplaceAll(query, "..", "*.")
	if !strings.HasSuffix(query, "*") {
		query += "*"
	}
	if !variants {
		return query
	}
	parts := strings.Split(query, ".")
	for i, part := range parts {
		if strings.Contains(part, ",") && !strings.Contains(part, "{") {
			parts[i] = "{" + part + "}"
		}
	}
	return strings.Join(parts, ".")
}

// search returns the nodes that match a pattern, by path.
func (a *API) search(ctx context.Context, pattern string) ([]node, error) {
	found, err := a.opt.DB.Names().Find(ctx, pattern, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find %.200q: %w", pattern, err)
	}
	nodes := make([]node, len(found))
	for i, m := range found {
		nodes[i] = node{path: m.Path, leaf: m.Leaf, branch: m.Branch}
	}
	sortNodes(nodes, func(n *node) string { return n.path })
	return nodes, nil
}

// sortNodes sorts by a key; most often they are in order already.
func sortNodes(nodes []node, key func(*node) string) {
	byKey := func(a, b node) int { return strings.Compare(key(&a), key(&b)) }
	if !slices.IsSortedFunc(nodes, byKey) {
		slices.SortStableFunc(nodes, byKey)
	}
}

func leavesOf(nodes []node) []node {
	nodes = slices.DeleteFunc(nodes, func(n node) bool { return !n.leaf })
	for i := range nodes {
		nodes[i].branch = false
	}
	return nodes
}

// spanOf returns when a leaf may have values: from its longest retention to its
// newest bucket's end.
func (a *API) spanOf(n *node, now int64) span {
	if n.span != (span{}) {
		return n.span
	}
	s := span{now, now}
	info, ok := a.opt.DB.Series(n.path)
	if !ok {
		return s
	}
	for _, t := range info.Tiers {
		s.start = min(s.start, now-t.Keep)
	}
	if len(info.Tiers) > 0 {
		s.end = max(s.start, min(now, info.Newest+info.Tiers[0].Step))
	}
	return s
}
