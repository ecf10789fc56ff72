package ingest

import "github.com/logmetrics/logmetrics/internal/wire/graphite"

// NewCarbon takes carbon's lines, from streams and datagrams.
func NewCarbon(opt PointsOptions) *Points {
	return newPoints(opt, graphite.Reasons[:], func(p *Points) Receiver {
		r := &carbonReceiver{putter: putter{p: p, w: p.opt.NewWriter()}}
		r.near, _ = r.w.(nearer)
		return r
	})
}

// carbonReceiver takes lines "name value time".
type carbonReceiver struct {
	putter
	near  nearer // nil: the Writer is none
	rows  []graphite.Row
	names [nearNames][]byte
}

// nearer is a Writer that is faster when it is told the next names, as
// [store.Writer] is.
type nearer interface{ LookAhead(names [][]byte) }

const nearNames = 32

func (r *carbonReceiver) Block(b []byte) {
	rows, bad := graphite.Parse(r.rows[:0], b)
	r.lines += len(rows)
	for i := range rows {
		if i%nearNames == 0 && r.near != nil {
			r.lookAhead(rows[i:])
		}
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

// lookAhead tells the Writer the next names.
func (r *carbonReceiver) lookAhead(rows []graphite.Row) {
	n := min(len(rows), nearNames)
	for i := range n {
		r.names[i] = rows[i].Name
	}
	r.near.LookAhead(r.names[:n])
}
