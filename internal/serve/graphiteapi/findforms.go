package graphiteapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/wire/msgpack"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

// findForm writes what a search found.
type findForm func(a *API, w http.ResponseWriter, r *http.Request, p params, f finding, nodes []node) error

// findFormOf returns the form of that name, nil for none. What is a series and has others below it is
// two nodes in them, the branch first.
func findFormOf(name string) findForm {
	switch name {
	case "treejson":
		return inJSON((*reply).tree)
	case "json":
		return inJSON((*reply).nodes)
	case "completer":
		return inJSON((*reply).completions)
	case "nodelist":
		return inJSON((*reply).parts)
	case "pickle":
		return inBytes("application/pickle", appendPickledNodes)
	case "msgpack":
		return inBytes("application/x-msgpack", appendPackedNodes)
	}
	return nil
}

// spans tells the time of leaves.
type spans func(n *node) span

func (a *API) spans() spans {
	now := a.opt.Now().Unix()
	return func(n *node) span { return a.spanOf(n, now) }
}

func inJSON(write func(j *reply, f finding, nodes []node, at spans) error) findForm {
	return func(a *API, w http.ResponseWriter, r *http.Request, p params, f finding, nodes []node) error {
		j, err := newReply(w, r, p)
		if err != nil {
			return err
		}
		j.unicode(r)
		j.fresh()
		if err := write(j, f, nodes, a.spans()); err != nil {
			return err
		}
		return j.end()
	}
}

// tree writes nodes of a tree as it is shown: each name once, branches first.
func (j *reply) tree(f finding, nodes []node, _ spans) error {
	list := byName(nodes)
	j.raw("[")
	n := 0
	row := func(text, name string, branch bool) {
		j.comma(n)
		n++
		j.raw(`{"text": `)
		j.string(text)
		j.raw(`, "id": `)
		j.string(f.base + name)
		if branch {
			j.raw(`, "allowChildren": 1, "expandable": 1, "leaf": 0}`)
		} else {
			j.raw(`, "allowChildren": 0, "expandable": 0, "leaf": 1}`)
		}
		j.spill()
	}
	if f.wildcards && count(nodes) > 1 {
		row("*", "*", slices.ContainsFunc(nodes, func(n node) bool { return n.branch }))
	}
	for _, branch := range []bool{true, false} {
		for _, e := range list {
			if e.branch == branch {
				row(unescape(e.name), e.name, branch)
			}
		}
	}
	j.raw("]")
	return nil
}

// entry is a name below any of the nodes that were searched.
type entry struct {
	name   string
	branch bool // of one of those with the name
}

// byName returns the names of nodes, sorted, each once.
func byName(nodes []node) []entry {
	list := make([]entry, 0, len(nodes))
	sorted := true
	for i := range nodes {
		e := entry{nodes[i].name(), nodes[i].branch}
		sorted = sorted && (i == 0 || list[i-1].name < e.name)
		list = append(list, e)
	}
	if sorted { // as below one branch
		return list
	}
	seen := make(map[string]int)
	unique := list[:0]
	for _, e := range list {
		if at, ok := seen[e.name]; ok {
			unique[at].branch = unique[at].branch || e.branch
			continue
		}
		seen[e.name] = len(unique)
		unique = append(unique, e)
	}
	slices.SortFunc(unique, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return unique
}

// count returns how many nodes graphite-web would say there are.
func count(nodes []node) (n int) {
	for i := range nodes {
		if nodes[i].branch {
			n++
		}
		if nodes[i].leaf {
			n++
		}
	}
	return n
}

// nodes writes paths, and of what time the series are.
func (j *reply) nodes(_ finding, nodes []node, at spans) error {
	j.raw("[")
	first := true
	row := func(n *node, leaf bool) {
		if !first {
			j.raw(", ")
		}
		first = false
		j.raw(`{"path": `)
		j.string(n.path)
		if !leaf {
			j.raw(`, "is_leaf": false}`)
			return
		}
		s := at(n)
		j.raw(`, "is_leaf": true, "intervals": [{"start": `)
		j.int(s.start)
		j.raw(`.0, "end": `)
		j.int(s.end)
		j.raw(`.0}]}`)
	}
	for i := range nodes {
		if nodes[i].branch {
			row(&nodes[i], false)
		}
		if nodes[i].leaf {
			row(&nodes[i], true)
		}
		j.spill()
	}
	j.raw("]")
	return nil
}

// completions writes how what was typed may go on.
func (j *reply) completions(f finding, nodes []node, _ spans) error {
	sortNodes(nodes, node.name)
	j.raw(`{"metrics": [`)
	n := 0
	row := func(path, name, leaf string) {
		j.comma(n)
		n++
		j.raw(`{"path": `)
		j.string(path)
		j.raw(`, "name": `)
		j.string(name)
		j.raw(`, "is_leaf": "`)
		j.raw(leaf)
		j.raw(`"}`)
	}
	for i := range nodes {
		if nodes[i].branch {
			row(nodes[i].path+".", nodes[i].name(), "0")
		}
		if nodes[i].leaf {
			row(nodes[i].path, nodes[i].name(), "1")
		}
		j.spill()
	}
	if f.wildcards && n > 1 {
		j.raw(`, {"name": "*"}`)
	}
	j.raw("]}")
	return nil
}

// parts writes the parts of paths at a position, from 0, or from -1 at the end.
func (j *reply) parts(f finding, nodes []node, _ spans) error {
	seen := make(map[string]bool)
	for i := range nodes {
		part, ok := partAt(nodes[i].path, f.position)
		if !ok {
			return invalid("there is no part %d in %s", f.position, quoted(nodes[i].path))
		}
		seen[part] = true
	}
	list := make([]string, 0, len(seen))
	for part := range seen {
		list = append(list, part)
	}
	slices.Sort(list)
	j.raw(`{"nodes": `)
	j.strings(list)
	j.raw("}")
	return nil
}

func partAt(path string, at int) (string, bool) {
	list := strings.Split(path, ".")
	if at < 0 {
		at += len(list)
	}
	if at < 0 || at >= len(list) {
		return "", false
	}
	return list[at], true
}

// inBytes is for forms that other nodes of a cluster ask for.
func inBytes(kind string, appendNodes func(dst []byte, nodes []node, at spans) []byte) findForm {
	return func(a *API, w http.ResponseWriter, _ *http.Request, _ params, _ finding, nodes []node) error {
		body := appendNodes(make([]byte, 0, 128*len(nodes)+16), nodes, a.spans())
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Pragma", "no-cache")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // the client's loss
		return nil
	}
}

// appendPickledNodes appends a list of dicts: path, is_leaf, and for leaves intervals,
// as pairs, for graphite-web unpickles no class but its own.
func appendPickledNodes(dst []byte, nodes []node, at spans) []byte {
	row := func(path string, leaf bool) {
		dst = pickle.AppendString(pickle.AppendString(pickle.BeginDict(dst), "path"), path)
		dst = pickle.AppendBool(pickle.AppendString(dst, "is_leaf"), leaf)
	}
	dst = pickle.BeginList(pickle.Begin(dst))
	for i := range nodes {
		n := &nodes[i]
		if n.branch {
			row(n.path, false)
			dst = pickle.EndDict(dst)
		}
		if n.leaf {
			row(n.path, true)
			s := at(n)
			dst = pickle.BeginList(pickle.AppendString(dst, "intervals"))
			dst = pickle.Pair(pickle.AppendFloat(pickle.AppendFloat(dst, float64(s.start)), float64(s.end)))
			dst = pickle.EndDict(pickle.EndList(dst))
		}
	}
	return pickle.End(pickle.EndList(dst))
}

// appendPackedNodes is appendPickledNodes in MessagePack.
func appendPackedNodes(dst []byte, nodes []node, at spans) []byte {
	row := func(fields int, path string, leaf bool) {
		dst = msgpack.AppendString(msgpack.AppendString(msgpack.AppendMap(dst, fields), "path"), path)
		dst = msgpack.AppendBool(msgpack.AppendString(dst, "is_leaf"), leaf)
	}
	dst = msgpack.AppendArray(dst, count(nodes))
	for i := range nodes {
		n := &nodes[i]
		if n.branch {
			row(2, n.path, false)
		}
		if n.leaf {
			row(3, n.path, true)
			s := at(n)
			dst = msgpack.AppendArray(msgpack.AppendArray(msgpack.AppendString(dst, "intervals"), 1), 2)
			dst = msgpack.AppendFloat(msgpack.AppendFloat(dst, float64(s.start)), float64(s.end))
		}
	}
	return dst
}
