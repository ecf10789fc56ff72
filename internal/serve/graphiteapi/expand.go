package graphiteapi

import (
	"net/http"
	"slices"
)

// expand answers /metrics/expand: the paths that patterns stand for, of all
// together or of each.
func (a *API) expand(w http.ResponseWriter, r *http.Request, p params) error {
	leaves, err := p.flag("leavesOnly")
	if err != nil {
		return err
	}
	grouped, err := p.flag("groupByExpr")
	if err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	found := make(map[string][]string)
	total := 0
	for _, query := range p["query"] {
		if found[query] != nil {
			continue
		}
		nodes, err := a.search(r.Context(), query, span{}, 0)
		if err != nil {
			return err
		}
		if total += len(nodes); total > maxFound {
			return limited{fault{http.StatusBadRequest, "the patterns stand for too many paths"}}
		}
		found[query] = pathsOf(nodes, leaves)
	}
	j.unicode(r)
	j.fresh()
	j.raw(`{"results": `)
	if grouped {
		j.groups(p["query"], found)
	} else {
		j.strings(union(found))
	}
	j.raw("}")
	return j.end()
}

func pathsOf(nodes []node, leaves bool) []string {
	list := make([]string, 0, len(nodes))
	for i := range nodes {
		if nodes[i].leaf || !leaves {
			list = append(list, nodes[i].path)
		}
	}
	return list
}

// groups appends the paths of each pattern, in the order of the request. It uses
// up found.
func (j *reply) groups(queries []string, found map[string][]string) {
	j.raw("{")
	n := 0
	for _, query := range queries {
		paths, ok := found[query]
		if !ok {
			continue // it was written before
		}
		delete(found, query)
		j.comma(n)
		n++
		j.string(query)
		j.raw(": ")
		j.strings(paths)
	}
	j.raw("}")
}

// union returns all paths, sorted, each once.
func union(found map[string][]string) (all []string) {
	for _, list := range found {
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
