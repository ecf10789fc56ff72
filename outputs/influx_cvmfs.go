package outputs

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
)

// The layout of CVMFS's telemetry: one measurement with all that is counted as
// fields, and a second with what was counted since the batch before.
//
//	NAME_absolute[,EXTRA_TAGS] c1=5,c2=3[,EXTRA_FIELDS] TIME
//	NAME_delta[,EXTRA_TAGS] c1=2,c2=0 TIME
//
// Fields are sorted. Counters that never counted are left out, and of the first
// batch there are no deltas. Gauges, sets and timers are no counters: they
// stand in the absolute line, with the values of their interval.

type cvmfsEncoder struct {
	influxWriter
	totals
	names           naming
	absolute, delta []byte                     // measurement and tags
	extra           string                     // fields of the absolute line
	counted         map[*metric.Sample]float64 // what the batch adds to each total

	fields []cvmfsField // scratch, as are those below
	keys   []byte
	plain  []field
	text   []byte
	line   int // bytes of the line that pack.buf ends with; 0: none is begun
}

// cvmfsField is a field of the absolute line, and if it is a counter's also of
// the delta line.
type cvmfsField struct {
	start, end   int // of its key in keys
	value, delta float64
	counter      bool
}

func newCVMFS(o InfluxOptions, names naming, w influxWriter) (*cvmfsEncoder, error) {
	if o.ExtraFields != "" {
		if _, err := onlyPoint("m " + o.ExtraFields + " 1\n"); err != nil {
			return nil, fmt.Errorf(`extra fields %q are not as in a=1,b="c": %w`, o.ExtraFields, err)
		}
	}
	e := &cvmfsEncoder{influxWriter: w, names: names, extra: o.ExtraFields, counted: make(map[*metric.Sample]float64)}
	e.absolute = influx.AppendMeasurement(nil, o.MetricName+"_absolute")
	e.delta = influx.AppendMeasurement(nil, o.MetricName+"_delta")
	if o.ExtraTags != "" {
		e.absolute = append(append(e.absolute, ','), o.ExtraTags...)
		e.delta = append(append(e.delta, ','), o.ExtraTags...)
	}
	return e, nil
}

func (e *cvmfsEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	if err := e.begin(b, send); err != nil {
		return err
	}
	if !e.add(b) {
		return nil
	}
	e.line = 0 // a batch before may have ended within a line
	e.collect(b)
	if err := e.absolutes(b); err != nil {
		return err
	}
	if !e.first(b) {
		if err := e.deltas(b); err != nil {
			return err
		}
	}
	return e.pack.end()
}

// collect makes the fields, sorted by key.
func (e *cvmfsEncoder) collect(b *metric.Batch) {
	clear(e.counted)
	e.fields, e.keys = e.fields[:0], e.keys[:0]
	for i := range b.Samples {
		s := &b.Samples[i]
		if s.Kind == metric.Counter {
			e.counted[e.of(metric.Counter, s.Name, s.Tags)] += s.Sum
			continue
		}
		e.plain = appendFields(e.plain[:0], s)
		for _, f := range e.plain {
			e.field(b, s, f.name, cvmfsField{value: f.value})
		}
	}
	for _, s := range e.order {
		if s.Sum != 0 {
			e.field(b, s, "", cvmfsField{value: s.Sum, delta: e.counted[s], counter: true})
		}
	}
	slices.SortStableFunc(e.fields, func(f, g cvmfsField) int {
		return bytes.Compare(e.keys[f.start:f.end], e.keys[g.start:g.end])
	})
}

func (e *cvmfsEncoder) field(b *metric.Batch, s *metric.Sample, name string, f cvmfsField) {
	e.names.set(b, s, name)
	f.start = len(e.keys)
	e.keys = append(e.keys, e.names.name...)
	f.end = len(e.keys)
	e.fields = append(e.fields, f)
}

func (e *cvmfsEncoder) absolutes(b *metric.Batch) error {
	for _, f := range e.fields {
		if err := e.number(b, e.absolute, f, f.value); err != nil {
			return err
		}
	}
	if e.extra != "" {
		e.text = append(append(e.text[:0], ','), e.extra...)
		if err := e.append(b, e.absolute); err != nil {
			return err
		}
	}
	return e.endLine(b)
}

func (e *cvmfsEncoder) deltas(b *metric.Batch) error {
	for _, f := range e.fields {
		if !f.counter {
			continue
		}
		if err := e.number(b, e.delta, f, f.delta); err != nil {
			return err
		}
	}
	return e.endLine(b)
}

func (e *cvmfsEncoder) number(b *metric.Batch, head []byte, f cvmfsField, v float64) error {
	e.text = influx.AppendField(e.text[:0], false, e.keys[f.start:f.end], v)
	return e.append(b, head)
}

// timeBytes is what follows the fields: a blank, at most 20 digits and a sign, '\n'.
const timeBytes = 22

// append appends text, a comma and a field, to the line. What exceeds a packet
// goes into another line: InfluxDB joins the fields of lines whose measurement,
// tags and time are the same.
func (e *cvmfsEncoder) append(b *metric.Batch, head []byte) error {
	if e.line > 0 && e.line+len(e.text)+timeBytes > e.pack.limit {
		if err := e.endLine(b); err != nil {
			return err
		}
	}
	if e.line == 0 {
		e.pack.buf = append(e.pack.buf, head...)
		e.line = len(head)
		e.text[0] = ' '
	}
	e.pack.buf = append(e.pack.buf, e.text...)
	e.line += len(e.text)
	return nil
}

func (e *cvmfsEncoder) endLine(b *metric.Batch) error {
	if e.line == 0 {
		return nil // nothing was ever counted
	}
	e.line = 0
	return e.end(b)
}
