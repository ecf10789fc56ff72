package ingest

import "github.com/logmetrics/logmetrics/internal/wire/graphite"

// NewCarbon takes carbon's lines, from streams and datagrams.
func NewCarbon(opt PointsOptions) *Points {
	return newPoints(opt, graphite.Reasons[:], func(p *Points) Receiver {
		return &carbonReceiver{putter: putter{p: p, w: p.opt.NewWriter()}}
	})
}

// carbonReceiver takes lines "name value time".
type carbonReceiver struct {
	putter
	rows []graphite.Row
}

func (r *carbonReceiver) Block(b []byte) {
	rows, bad := graphite.Parse(r.rows[:0], b)
	r.lines += len(rows)
	for i := range rows {
		row := &rows[i]
		if row.Time == graphite.Now {
			row.Time = r.second()
		}
		r.put(row.Name, row.Time, row.Value)
	}
	if bad.Line != nil {
		for why, n := range bad.Counts {
			r.lines += n
			r.p.bad[why].Add(uint64(n))
		}
		r.p.example(graphite.Reasons[bad.Why], bad.Line)
	}
	r.rows = rows
}
