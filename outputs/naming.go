package outputs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// The tag styles of Options.TagStyle.
const (
	tagsAsNodes  = "none"      // requests.GET.200
	tagsGraphite = "graphite"  // requests;code=200;method=GET
	tagsDog      = "dogstatsd" // requests:1|c|#code:200,method:GET
	tagsApart    = "apart"     // the output writes them beside the name; no option
)

// naming writes the names of samples. Its buffers are used again.
type naming struct {
	separator string
	style     string
	name      []byte
	tags      []byte
}

func newNaming(opt Options, separator string, styles ...string) (naming, error) {
	n := naming{separator: separator, style: tagsAsNodes}
	if opt.Separator != "" {
		n.separator = opt.Separator
	}
	if strings.ContainsFunc(n.separator, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return n, fmt.Errorf("separator %q: blanks and control characters cannot be in a name", n.separator)
	}
	if opt.TagStyle == "" {
		return n, nil
	}
	for _, s := range styles {
		if opt.TagStyle == s {
			n.style = s
			return n, nil
		}
	}
	return n, fmt.Errorf("no tag style %q; there are: %s", opt.TagStyle, strings.Join(styles, ", "))
}

// newNamingApart is for outputs whose protocol has its own place for tags.
func newNamingApart(opt Options) (naming, error) {
	n, err := newNaming(opt, ".", tagsAsNodes)
	n.style = tagsApart
	return n, err
}

// set writes the name prefix SEP name SEP suffix, then the values of the tags
// as nodes, then the field ("p95", or empty), then the tags: into n.name, and
// DogStatsD's into n.tags. Names come valid from a Recorder; one that is not
// is made valid here, so that no batch can add a line, a type or a tag.
func (n *naming) set(b *metric.Batch, s *metric.Sample, field string) {
	n.name, n.tags = n.name[:0], n.tags[:0]
	if b.Prefix != "" {
		n.name = append(appendValid(n.name, b.Prefix), n.separator...)
	}
	n.name = appendValid(n.name, s.Name)
	if b.Suffix != "" {
		n.name = appendValid(append(n.name, n.separator...), b.Suffix)
	}
	if n.style == tagsAsNodes {
		for i := range s.Tags {
			n.name = appendNode(append(n.name, '.'), s.Tags[i].Value)
		}
	}
	if field != "" {
		n.name = append(append(n.name, '.'), field...)
	}
	switch n.style {
	case tagsGraphite:
		for i := range s.Tags {
			n.name = appendTag(append(n.name, ';'), s.Tags[i], '=')
		}
	case tagsDog:
		for i := range s.Tags {
			if i > 0 {
				n.tags = append(n.tags, ',')
			}
			n.tags = appendTag(n.tags, s.Tags[i], ':')
		}
	}
}

func appendTag(dst []byte, t metric.Tag, between byte) []byte {
	return appendNode(append(appendNode(dst, t.Key), between), t.Value)
}

func appendValid(dst []byte, name string) []byte {
	if metric.ValidName(name) {
		return append(dst, name...)
	}
	return metric.AppendName(dst, []byte(name))
}

func appendNode(dst []byte, node string) []byte {
	if metric.ValidName(node) && strings.IndexByte(node, '.') < 0 {
		return append(dst, node...)
	}
	return metric.AppendNode(dst, []byte(node))
}

// boundName returns a name of at most limit bytes, which must be more than 17:
// one that is longer gets a hash in place of its end, so that different names
// stay different.
func boundName(name []byte, limit int) []byte {
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256(name)
	return append(append(name[:limit-17:limit-17], '-'), hex.EncodeToString(sum[:8])...)
}
