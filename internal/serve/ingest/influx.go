package ingest

import "github.com/logmetrics/logmetrics/internal/wire/influx"

// Figures that only Influx's lines have.
const (
	heartbeats = iota
	textFields
)

// NewInflux takes datagrams of Influx's lines, with times in nanoseconds.
func NewInflux(opt PointsOptions) *Points {
	p := newPoints(opt, datagramReasons[:], func(p *Points) Receiver {
		return &influxReceiver{putter: putter{p: p, w: p.opt.NewWriter()}}
	})
	p.more = []extra{heartbeats: {name: "heartbeats"}, textFields: {name: "textFields"}}
	return p
}

// influxErrorCount is how many errors the parser has for a line.
const influxErrorCount = 18

// influxErrors are why a line is bad, with the names in datagramReasons.
func influxErrors() [influxErrorCount]error {
	return [...]error{
		influx.ErrNoMeasurement, influx.ErrNoTagKey, influx.ErrNoTagValue, influx.ErrTag, influx.ErrTwice, influx.ErrManyTags,
		influx.ErrNoFields, influx.ErrField, influx.ErrNoFieldKey, influx.ErrNoValue, influx.ErrNumber, influx.ErrFloat,
		influx.ErrInteger, influx.ErrBoolean, influx.ErrQuotes, influx.ErrTime, influx.ErrRange, influx.ErrManyFields,
	}
}

// Reasons that are no errors of the parser's.
const (
	longTagsReason = influxErrorCount + iota
	otherReason
)

var datagramReasons = [...]string{
	"measurement", "tagKey", "tagValue", "tag", "twice", "manyTags",
	"fields", "field", "fieldKey", "value", "number", "infinite",
	"integer", "boolean", "quotes", "time", "range", "manyFields", longTagsReason: "longTags", otherReason: "other",
}

// influxReason is the index of what is wrong with a line.
func influxReason(err error) int {
	for i, e := range influxErrors() {
		if e == err {
			return i
		}
	}
	return otherReason
}

type influxReceiver struct {
	putter
	parser influx.Parser
	point  influx.Point
	name   []byte
}

// Block takes each line that is good, whatever the others are: InfluxDB drops
// a datagram for one bad line.
func (r *influxReceiver) Block(b []byte) {
	for r.parser.Reset(b); ; r.lines++ {
		ok, err := r.parser.Next(&r.point)
		if !ok {
			return
		}
		if err != nil {
			why := influxReason(err)
			r.p.bad[why].Add(1)
			r.p.example(datagramReasons[why], b)
			continue
		}
		if LongTags(&r.point) {
			r.p.bad[longTagsReason].Add(1)
			r.p.example(datagramReasons[longTagsReason], b)
			continue
		}
		r.fields()
	}
}

// fields puts each number of the point.
func (r *influxReceiver) fields() {
	pt := &r.point
	if pt.Heartbeat() {
		r.p.more[heartbeats].value.Add(1)
	}
	unix := floor(pt.Time, 1e9)
	if !pt.Timed {
		unix = r.second()
	}
	for i := range pt.Fields {
		v, ok := pt.Fields[i].Number()
		if !ok {
			r.p.more[textFields].value.Add(1)
			continue
		}
		r.name = SeriesName(r.name[:0], pt, pt.Fields[i].Key)
		r.put(r.name, unix, v)
	}
}
