package query

import (
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// Node is a part of a path by its number, from 0, negative ones from the end; or a tag.
type Node struct {
	Index int
	Tag   string // not "": a tag, or the number as a tag's name where there is no such part
	IsTag bool
}

// NodeOf makes a Node of an argument.
func NodeOf(v Value) Node {
	if (v.Kind == Int || v.Kind == Real || v.Kind == Bool) && whole(v.Number) {
		return Node{Index: int(v.Number), Tag: v.String()}
	}
	return Node{Tag: v.String(), IsTag: true}
}

// Of returns what the node is in a series: a part of path, or the value of a tag, "" when there is neither.
func (n Node) Of(s *Series, path string) string {
	if !n.IsTag {
		path, _, _ = strings.Cut(path, ";")
		if part, ok := nthNode(path, n.Index); ok {
			return part
		}
	}
	return s.Tags.Get(n.Tag)
}

// nthNode returns part n of a path, negative ones from the end.
func nthNode(path string, n int) (string, bool) {
	if n < 0 {
		n += strings.Count(path, ".") + 1
	}
	if n < 0 {
		return "", false
	}
	for ; n > 0; n-- {
		i := strings.IndexByte(path, '.')
		if i < 0 {
			return "", false
		}
		path = path[i+1:]
	}
	part, _, _ := strings.Cut(path, ".")
	return part, true
}

// AggKey returns the nodes of a series, joined with dots: of its name, or of the first path in it when a function
// made it.
func AggKey(s *Series, nodes []Node) string {
	path := s.Name
	if strings.HasSuffix(path, ")") {
		if first, ok := target.FirstPath(path); ok {
			path = first
		}
	}
	return AggKeyOf(s, nodes, path)
}

// AggKeyOf is AggKey with the path that counts.
func AggKeyOf(s *Series, nodes []Node, path string) string {
	if len(nodes) == 1 {
		return nodes[0].Of(s, path)
	}
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = n.Of(s, path)
	}
	return strings.Join(parts, ".")
}

// PathExpressions returns those of a list, each once, with commas between.
func PathExpressions(list []*Series) string {
	if len(list) == 1 {
		return list[0].PathExpression
	}
	var paths []string
	seen := make(map[string]bool, 1)
	last := ""
	for i, s := range list {
		if p := s.PathExpression; (i == 0 || p != last) && !seen[p] {
			seen[p] = true
			paths, last = append(paths, p), p
		}
	}
	return strings.Join(paths, ",")
}
