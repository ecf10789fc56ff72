package aggregate

import (
	"math"
	"strconv"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// emitter gives values to the sink and to who forwards them. It is owned by
// who flushes.
type emitter struct {
	sink    Sink
	forward *Forwarder
	spaces

	stamp int64
	tail  string // " STAMP\n"
	buf   []byte
	text  []byte // what is forwarded
	bytes int    // of names and points, or of text where it is forwarded
	n     int    // values
}

func newEmitter(opt Options, s spaces) *emitter {
	return &emitter{sink: opt.Sink, forward: opt.Forward, spaces: s}
}

func (m *emitter) begin(stamp int64) {
	m.stamp, m.bytes, m.n = stamp, 0, 0
	m.tail = " " + strconv.FormatInt(stamp, 10) + "\n"
	m.text = nil
}

// put sends a value of a series. Sums add up with those of another part of the
// interval.
func (m *emitter) put(prefix string, s *series, field string, how metric.Method, v float64) {
	m.spell(prefix, s, field)
	m.send(how, v, how == metric.Sum)
}

// putRate is put for a sum that is divided by the interval.
func (m *emitter) putRate(prefix string, s *series, field string, v float64) {
	m.spell(prefix, s, field)
	m.send(metric.Average, v, true)
}

func (m *emitter) spell(prefix string, s *series, field string) {
	b := append(append(append(m.buf[:0], prefix...), s.out...), field...)
	m.buf = append(append(b, m.suffix...), s.tags...)
}

// putOwn sends a value that belongs to no series of clients.
func (m *emitter) putOwn(prefix, name string, v float64) {
	m.buf = append(append(append(m.buf[:0], prefix...), name...), m.suffix...)
	m.send(metric.Average, v, false)
}

// send hands on the value of the name in buf.
func (m *emitter) send(how metric.Method, v float64, adds bool) {
	m.n++
	switch {
	case m.sink == nil:
	case adds:
		m.sink.Add(m.buf, how, m.stamp, v)
	default:
		m.sink.Put(m.buf, how, m.stamp, v)
	}
	if m.forward == nil {
		m.bytes += len(m.buf) + pointBytes
		return
	}
	m.text = append(append(m.text, m.buf...), ' ')
	m.text = append(appendJS(m.text, v), m.tail...)
	m.bytes = len(m.text)
}

// pointBytes is a point's time and value.
const pointBytes = 16

// end hands all on.
func (m *emitter) end() (err error) {
	if m.sink != nil {
		err = m.sink.Flush()
	}
	if m.forward != nil {
		m.forward.offer(m.text)
	}
	return err
}

// appendJS appends v as JavaScript prints it.
func appendJS(dst []byte, v float64) []byte {
	switch m := math.Abs(v); {
	case m == 0:
		return append(dst, '0')
	case m == math.Trunc(m) && m < 1<<53:
		return strconv.AppendInt(dst, int64(v), 10)
	case m >= 1e-6 && m < 1e21:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); n-start > 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') { // Go has two digits at least: e-07
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// milliseconds returns how long it is since start, as node tells it.
func milliseconds(start time.Time) float64 { return float64(time.Since(start).Milliseconds()) }
