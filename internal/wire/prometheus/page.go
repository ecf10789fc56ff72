package prometheus

import (
	"slices"
	"strings"
)

// Page is a set of series as one scrape shows it, or one batch sends it:
// grouped by family, families and series in order.
type Page struct {
	families []*family
	leftOut  int
}

type family struct {
	name, help string
	kind       Kind
	series     []*Series
	labels     map[string]bool // the text of each series' labels; nil while there is one
}

// NewPage groups the series, which must not change while the page is used. Of
// series with the same name and labels the first stands, and so does the first
// of families that share the name of a sample but not the kind: the others are
// left out, for Prometheus refuses a page or request in which one is twice.
func NewPage(series []Series) *Page {
	p := new(Page)
	taken := make(map[string]*family)
	for i := range series {
		p.add(&series[i], taken)
	}
	p.sort()
	return p
}

// Join returns a page with what the pages show, by the rules of [NewPage].
func Join(pages ...*Page) *Page {
	p := new(Page)
	taken := make(map[string]*family)
	for _, from := range pages {
		p.leftOut += from.leftOut
		for _, f := range from.families {
			for _, s := range f.series {
				p.add(s, taken)
			}
		}
	}
	p.sort()
	return p
}

func (p *Page) sort() {
	slices.SortFunc(p.families, func(a, b *family) int { return strings.Compare(a.name, b.name) })
	for _, f := range p.families {
		slices.SortFunc(f.series, func(a, b *Series) int { return strings.Compare(a.Labels.text, b.Labels.text) })
	}
}

func (p *Page) add(s *Series, taken map[string]*family) {
	f := taken[s.Family]
	if f == nil {
		f = p.claim(s, taken)
	}
	if f == nil || f.name != s.Family || f.kind != s.Kind || f.has(s) {
		p.leftOut++
		return
	}
	f.series = append(f.series, s)
}

// has reports whether there is a series with the labels of s, which is there
// from then on. Most families have one series, and need no map.
func (f *family) has(s *Series) bool {
	if len(f.series) == 0 {
		return false
	}
	if f.labels == nil {
		f.labels = map[string]bool{f.series[0].Labels.text: true}
	}
	there := f.labels[s.Labels.text]
	f.labels[s.Labels.text] = true
	return there
}

// claim makes the family of s, unless one of its names is another's.
func (p *Page) claim(s *Series, taken map[string]*family) *family {
	for _, ending := range s.Kind.endings() {
		if taken[s.Family+ending] != nil {
			return nil
		}
	}
	f := &family{name: s.Family, help: s.Help, kind: s.Kind}
	taken[s.Family] = f
	for _, ending := range s.Kind.endings() {
		taken[s.Family+ending] = f
	}
	p.families = append(p.families, f)
	return f
}

// LeftOut returns how many series are not on the page because others have their names.
func (p *Page) LeftOut() int { return p.leftOut }

// Each calls fn for each number on the page. labels hold the name, too, are
// sorted, and are valid during the call.
func (p *Page) Each(fn func(labels []Label, value float64) error) error {
	var labels []Label
	for _, f := range p.families {
		for _, s := range f.series {
			var err error
			s.each(func(ending, le string, value float64) {
				labels = append(append(labels[:0], s.Labels.list...), Label{"__name__", f.name + ending})
				if le != "" {
					labels = append(labels, Label{"le", le})
				}
				slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
				if err == nil {
					err = fn(labels, value)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
