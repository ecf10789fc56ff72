package ingest

import (
	"slices"

	"github.com/logmetrics/logmetrics/internal/wire/graphite"
)

// tagsReason counts lines whose name has tags in braces that are none.
const tagsReason = "tags"

// NewCarbon takes carbon's lines, from streams and datagrams.
func NewCarbon(opt PointsOptions) *Points {
	return newPoints(opt, append(slices.Clone(graphite.Reasons[:]), tagsReason), func(p *Points) Receiver {
		return &carbonReceiver{putter: putter{p: p, w: p.opt.NewWriter()}}
	})
}

// carbonReceiver takes lines "name value time".
type carbonReceiver struct {
	putter
	rows []graphite.Row
	tags []byte // a name whose tags were in braces
}

func (r *carbonReceiver) Block(b []byte) {
	rows, bad := graphite.Parse(r.rows[:0], b)
	lines := len(rows)
	for i := range rows {
		row := &rows[i]
		if row.Name[len(row.Name)-1] == '}' && !r.braced(row) {
			r.p.bad[len(graphite.Reasons)].Add(1)
			r.p.example(tagsReason, row.Name)
			continue
		}
		r.put(row.Name, row.Time, row.Value)
	}
	if bad.Line != nil {
		for why, n := range bad.Counts {
			lines += n
			r.p.bad[why].Add(uint64(n))
		}
		r.p.example(graphite.Reasons[bad.Why], bad.Line)
	}
	r.done(lines)
	r.rows = rows
}

// braced gives row the name that name{key="value"} means.
func (r *carbonReceiver) braced(row *graphite.Row) bool {
	name, ok := graphite.AppendBraced(r.tags[:0], row.Name)
	if r.tags = name; ok {
		row.Name = name
	}
	return ok
}
