package graphiteapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// maxFound is how many nodes one search may find: a page of that many is 20 MB.
const maxFound = 250_000

// node is what a search for paths finds: a series, what has others below it, or both.
type node struct {
	path         string
	series       string // the name of a leaf; "": its path
	leaf, branch bool
	span         span // of a leaf; zero: to be asked for
}

// span is the time of which a series may have values, Unix seconds.
type span struct{ start, end int64 }

// name returns the last part of the path.
func (n node) name() string { return n.path[strings.LastIndexByte(n.path, '.')+1:] }

// finding is what a request to /metrics/find says.
type finding struct {
	query     string
	base      string // what stands before the names that are found
	format    string
	wildcards bool // "*" is found, too
	leaves    bool // series only
	position  int  // of the part that nodelist shows
	most      int  // nodes; 0: all, which are an error beyond maxFound
}

// find answers /metrics/find: nodes that match a pattern.
func (a *API) find(w http.ResponseWriter, r *http.Request, p params) error {
	f, nodes, err := a.found(r.Context(), p)
	if isSpared(p, err) {
		a.refused.count(err, faultOf(err))
	} else if err != nil {
		return err
	}
	return findFormOf(f.format)(a, w, r, p, f, nodes)
}

// found returns what a request to /metrics/find says, and the nodes that it is about.
func (a *API) found(ctx context.Context, p params) (f finding, nodes []node, err error) {
	if f, err = readFinding(p); err != nil {
		return f, nil, err
	}
	at, err := a.rangeOf(p)
	if err != nil {
		return f, nil, err
	}
	nodes, err = a.search(ctx, f.query, at, f.most)
	if f.leaves {
		nodes = leavesOf(nodes)
	}
	return f, nodes, err
}

// rangeOf returns the time that a search is about; zero: of all. As in graphite-web
// it takes away nothing that is found here: it is for other nodes.
func (a *API) rangeOf(p params) (s span, err error) {
	c, err := a.clockOf(p)
	if err != nil {
		return s, err
	}
	if s.start, err = c.moment(p, "from", 0); err != nil {
		return s, err
	}
	s.end, err = c.moment(p, "until", 0)
	return s, err
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
	if f.most, err = limit(p, 0); err != nil {
		return f, err
	}
	switch {
	case !p.has("query"):
		return f, invalid("Missing required parameter 'query'")
	case f.query == "":
		return f, invalid("Required parameter 'query' is empty")
	case findFormOf(f.format) == nil:
		return f, fault{http.StatusBadRequest, "Invalid value for 'format' parameter"}
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

// search returns the nodes that match a pattern, by path, here and on other nodes
// of the cluster, which are told of what time. most is how many at most, the first
// ones; 0: all, which are an error beyond maxFound.
func (a *API) search(ctx context.Context, pattern string, at span, most int) ([]node, error) {
	if inner := strings.Trim(pattern, "."); inner != pattern || inner == "" {
		return a.searchWithin(ctx, pattern, inner, at, most)
	}
	found, err := a.opt.DB.Names().Find(ctx, pattern, min(cmp.Or(most, maxFound), maxFound))
	if err != nil && (most == 0 || !errors.Is(err, names.ErrTooMany)) {
		return nil, fmt.Errorf("find %.200q: %w", pattern, err)
	}
	files, err := a.opt.DB.Names().FindFiles(ctx, pattern, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find %.200q: %w", pattern, err)
	}
	nodes := make([]node, len(found), len(found)+len(files))
	for i, m := range found {
		nodes[i] = node{path: m.Path, leaf: m.Leaf, branch: m.Branch}
	}
	for _, m := range files {
		n := node{path: m.Path, leaf: m.Leaf, branch: m.Branch}
		if m.Leaf {
			n.series = a.opt.DB.Names().Name(m.ID)
		}
		nodes = append(nodes, n)
	}
	for _, path := range a.opt.Nodes.Find(ctx, pattern, at.start, at.end) {
		n := node{path: path.Path, leaf: path.Leaf, branch: !path.Leaf}
		for _, i := range path.Intervals {
			n.span = n.span.with(span{int64(i.Start), int64(i.End)})
		}
		nodes = append(nodes, n)
	}
	sortNodes(nodes, func(n node) string { return n.path })
	nodes = together(nodes)
	if most > 0 {
		return nodes[:min(len(nodes), most)], nil
	}
	if len(nodes) > maxFound {
		return nil, fmt.Errorf("find %.200q: %w", pattern, names.ErrTooMany)
	}
	return nodes, nil
}

// searchWithin is search for a pattern that has empty parts in front of and behind
// the inner ones. An empty part stays in the folder that is there: paths that are
// found keep it, and at the end it leads to folders only.
func (a *API) searchWithin(ctx context.Context, pattern, inner string, at span, most int) ([]node, error) {
	nodes := []node{{branch: a.opt.DB.Names().Len() > 0}}
	if inner != "" {
		var err error
		if nodes, err = a.search(ctx, inner, at, most); err != nil {
			return nil, err
		}
	}
	front, behind, _ := strings.Cut(pattern, inner)
	kept := nodes[:0]
	for _, n := range nodes {
		if behind != "" || inner == "" {
			n = node{path: n.path, branch: n.branch}
		}
		if n.leaf || n.branch {
			n.path = front + n.path + behind
			kept = append(kept, n)
		}
	}
	return kept, nil
}

// with returns the time of both.
func (s span) with(other span) span {
	if s == (span{}) {
		return other
	}
	return span{min(s.start, other.start), max(s.end, other.end)}
}

// together makes one of sorted nodes with the same path.
func together(nodes []node) []node {
	out := nodes[:0]
	for _, n := range nodes {
		if last := len(out) - 1; last >= 0 && out[last].path == n.path {
			o := &out[last]
			o.leaf, o.branch = o.leaf || n.leaf, o.branch || n.branch
			if n.span != (span{}) {
				o.span = o.span.with(n.span)
			}
			continue
		}
		out = append(out, n)
	}
	return out
}

// sortNodes sorts by a key; most often they are in order already.
func sortNodes(nodes []node, key func(node) string) {
	byKey := func(a, b node) int { return strings.Compare(key(a), key(b)) }
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
	s := span{now, now}
	info, ok := a.opt.DB.Series(cmp.Or(n.series, n.path))
	if !ok && n.span != (span{}) {
		return n.span // another node's
	}
	for _, t := range info.Tiers {
		s.start = min(s.start, now-t.Keep)
	}
	if len(info.Tiers) > 0 {
		s.end = max(s.start, min(now, info.Newest+info.Tiers[0].Step))
	}
	if n.span != (span{}) {
		s = s.with(n.span)
	}
	return s
}
