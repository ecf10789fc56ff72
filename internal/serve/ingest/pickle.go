package ingest

import "github.com/logmetrics/logmetrics/internal/wire/pickle"

// Why a pickle's element, or the whole of it, is not taken.
const (
	badElement = iota
	badPickle
)

// NewPickle takes carbon's pickles, each a frame of a stream. One that is no
// list of points ends its connection.
func NewPickle(opt PointsOptions) *Points {
	return newPoints(opt, []string{"element", "pickle"}, func(p *Points) Receiver {
		return &pickleReceiver{putter: putter{p: p, w: p.opt.NewWriter()}}
	})
}

type pickleReceiver struct {
	putter
	decoder pickle.Decoder
	rows    []pickle.Row
	broken  bool
}

func (r *pickleReceiver) Block(b []byte) {
	rows, bad, err := r.decoder.Parse(r.rows[:0], b)
	if r.broken = err != nil; r.broken {
		r.p.bad[badPickle].Add(1)
		r.p.example("pickle", b)
		return
	}
	if bad > 0 {
		r.p.bad[badElement].Add(uint64(bad))
		r.p.example("element", b)
	}
	r.lines += len(rows) + bad
	for i := range rows {
		row := &rows[i]
		if row.Time == -1 {
			row.Time = r.second()
		}
		r.put(row.Name, row.Time, row.Value)
	}
	r.rows = rows
}

// Broken reports whether the last frame was no pickle of points.
func (r *pickleReceiver) Broken() bool { return r.broken }
