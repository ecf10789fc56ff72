package outputs

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// jsonVersion is that of the objects below. Keys may be added to them; when the
// meaning of one changes, or one goes, the version does.
const jsonVersion = `{"version":1`

// jsonEncoder writes a batch as JSON, in one packet. As one object:
//
//	{"version":1,"id":"…-7","start":1759999990,"end":1760000000,"stamp":1760000000,"samples":[
//	{"name":"servers.web1.requests","tags":{"code":"200"},"kind":"counter","value":7},
//	{"name":"servers.web1.delay","kind":"timer","unit":"s","count":4,"sum":2.1,"mean":0.525}
//	]}
//
// or as lines: the head, which is the object without samples, then a line for
// each of them.
type jsonEncoder struct {
	names  naming
	lines  bool
	id     []byte // of the batch that was encoded last
	buf    []byte
	fields []field
}

func newJSONEncoder(opt Options) (*jsonEncoder, error) {
	names, err := newNamingApart(opt)
	return &jsonEncoder{names: names}, err
}

func (e *jsonEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.id = appendBatchID(e.id[:0], b.ID)
	e.head(b)
	for i := range b.Samples {
		if i > 0 && !e.lines {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, '\n')
		e.sample(b, &b.Samples[i])
	}
	if e.lines {
		e.buf = append(e.buf, '\n')
	} else {
		e.buf = append(e.buf, "\n]}\n"...)
	}
	return send(e.buf)
}

// head begins the batch: up to the first sample.
func (e *jsonEncoder) head(b *metric.Batch) {
	e.buf = append(append(e.buf[:0], jsonVersion+`,"id":"`...), e.id...)
	e.buf = strconv.AppendInt(append(e.buf, `","start":`...), b.Start, 10)
	e.buf = strconv.AppendInt(append(e.buf, `,"end":`...), b.End, 10)
	e.buf = strconv.AppendInt(append(e.buf, `,"stamp":`...), b.Stamp, 10)
	if e.lines {
		e.buf = append(e.buf, '}')
	} else {
		e.buf = append(e.buf, `,"samples":[`...)
	}
}

// sample appends one object. Names and tags hold nothing that JSON escapes.
func (e *jsonEncoder) sample(b *metric.Batch, s *metric.Sample) {
	e.names.set(b, s, "")
	e.buf = append(append(append(e.buf, `{"name":"`...), e.names.name...), '"')
	for i, t := range s.Tags {
		between := `,"`
		if i == 0 {
			between = `,"tags":{"`
		}
		e.buf = append(appendNode(append(e.buf, between...), t.Key), `":"`...)
		e.buf = append(appendNode(e.buf, t.Value), '"')
	}
	if len(s.Tags) > 0 {
		e.buf = append(e.buf, '}')
	}
	e.buf = append(append(append(e.buf, `,"kind":"`...), s.Kind.String()...), '"')
	if unit := jsonUnit(s); unit != "" {
		e.buf = appendJSONText(append(e.buf, `,"unit":`...), unit)
	}
	e.fields = appendFields(e.fields[:0], s)
	for _, f := range e.fields {
		if f.name == "" {
			f.name = "value"
		}
		e.buf = append(append(append(e.buf, `,"`...), f.name...), `":`...)
		e.buf = metric.AppendValue(e.buf, f.value, metric.Shortest)
	}
	e.buf = append(e.buf, '}')
}

// jsonUnit is the sample's unit; a timer's are seconds.
func jsonUnit(s *metric.Sample) string {
	if s.Kind == metric.Timer {
		return "s"
	}
	return s.Unit
}

// appendJSONText appends a text that may hold anything.
func appendJSONText(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic("BUG: " + err.Error()) // every string has a JSON form
			}
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// appendBatchID appends the batch's name: the job in hexadecimal, '-', the
// batch's number.
func appendBatchID(dst []byte, id metric.BatchID) []byte {
	return strconv.AppendUint(append(hex.AppendEncode(dst, id.Job[:]), '-'), id.Seq, 10)
}
