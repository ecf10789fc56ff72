package ingest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/logmetrics/logmetrics/internal/wire/otlp"
	"github.com/logmetrics/logmetrics/metric"
)

// DefaultResource are the attributes of a resource that tell the senders of the
// same metric apart. The others say more about them, and would only make names longer.
var DefaultResource = []string{
	"service.namespace", "service.name", "service.instance.id", "host.name", "deployment.environment.name",
	"k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name",
}

const (
	otlpProtobuf = "application/x-protobuf"
	otlpJSON     = "application/json"
)

// writeOTLP is POST /v1/metrics.
func (h *HTTP) writeOTLP(w http.ResponseWriter, r *http.Request) {
	h.otlp.requests.Add(1)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var rejected uint64
	var why string
	var e *refusal
	if err != nil || kind != otlpProtobuf && kind != otlpJSON {
		e = refuse(wrongType, http.StatusUnsupportedMediaType, "Content-Type %s is not known here, only %s and %s", quoted(r.Header.Get("Content-Type")), otlpProtobuf, otlpJSON)
		kind = otlpProtobuf
	} else {
		rejected, why, e = h.takeOTLP(w, r, kind == otlpJSON)
	}
	w.Header().Set("Content-Type", kind)
	var body []byte
	switch {
	case e != nil:
		h.refused(w, r, &h.otlp, e)
		w.WriteHeader(e.status)
		body = otlpStatus(kind, e)
	case kind == otlpJSON:
		body = otlp.AppendResponseJSON(nil, rejected, why)
	default:
		body = otlp.AppendResponse(nil, rejected, why)
	}
	_, _ = w.Write(body) // the client's loss
}

// Codes of gRPC.
const (
	grpcInvalid     = 3
	grpcUnavailable = 14
)

func otlpStatus(kind string, e *refusal) []byte {
	code := grpcInvalid
	if e.retry > 0 {
		code = grpcUnavailable
	}
	if kind == otlpJSON {
		return otlp.AppendStatusJSON(nil, code, e.Error())
	}
	return otlp.AppendStatus(nil, code, e.Error())
}

// takeOTLP takes a body as one: all that can be taken is, or nothing.
func (h *HTTP) takeOTLP(w http.ResponseWriter, r *http.Request, isJSON bool) (rejected uint64, why string, e *refusal) {
	packed, e := gzipped(r)
	if e != nil {
		return 0, "", e
	}
	body, done, e := h.whole(w, r)
	defer done()
	if e != nil {
		return 0, "", e
	}
	t, e := h.take(r.Context())
	if e != nil {
		return 0, "", e
	}
	defer h.give(t, &h.otlp)
	if packed {
		if body, e = t.unzip(body, h.opt.MaxBytes); e != nil {
			return 0, "", e
		}
	}
	h.otlp.bytes.Add(uint64(len(body)))
	if isJSON {
		var err error
		if body, err = otlp.FromJSON(body); err != nil {
			return 0, "", refuse(badRequest, http.StatusBadRequest, "%s", err)
		}
	}
	if e = h.points(t, body); e != nil {
		clear(t.tally[:])
		return 0, "", e
	}
	if e = t.flush(); e != nil {
		return 0, "", e
	}
	if t.dropped > 0 {
		h.example(&h.otlp, r.RemoteAddr, &refusal{reason: t.first, says: t.example})
	}
	return t.dropped, t.example, nil
}

// unzip returns what the body holds, of at most limit bytes, in t's buffer.
func (t *turn) unzip(body []byte, limit int) ([]byte, *refusal) {
	unzip := unzippers.Get().(*gzip.Reader)
	defer unzippers.Put(unzip)
	if err := unzip.Reset(bytes.NewReader(body)); err != nil {
		return nil, gone(err)
	}
	plain := bytes.NewBuffer(t.plain[:0])
	n, err := plain.ReadFrom(io.LimitReader(unzip, int64(limit)+1))
	t.plain = plain.Bytes()
	switch {
	case err != nil:
		return nil, gone(err)
	case n > int64(limit):
		return nil, tooLong(int64(limit))
	}
	return t.plain, nil
}

var errManySamples = errors.New("it has too many values")

// points puts the points of a request.
func (h *HTTP) points(t *turn, request []byte) *refusal {
	o := otlpWriter{turn: t, resource: h.opt.Resource, now: h.opt.Now().UnixNano(), left: h.opt.MaxSamples}
	switch err := t.otlp.Parse(request, o.point); {
	case errors.Is(err, errManySamples):
		return refuse(tooLarge, http.StatusRequestEntityTooLarge, "the request makes more than %d values", h.opt.MaxSamples)
	case err != nil:
		return refuse(badRequest, http.StatusBadRequest, "%s", err)
	}
	return nil
}

// otlpWriter makes series of points.
type otlpWriter struct {
	*turn
	resource []string // attributes that become tags
	now      int64    // Unix nanoseconds: of points without a time
	left     int      // values that the request may still make

	delta bool   // of the point at hand, as the next
	unix  int64  // seconds
	why   reason // the first of its values that was not taken
}

func (o *otlpWriter) point(pt *otlp.Point) error {
	o.why = taken
	if pt.NoValue {
		o.tally[noValue]++
		return nil
	}
	o.tags = o.tags[:0]
	switch {
	case pt.Err != nil:
		o.refuse(badPoint)
	case len(pt.Metric) == 0:
		o.refuse(badLabels)
	case o.long(pt): // before it is cleaned: many points may have one resource
		o.refuse(badName)
	case pt.Temporality != otlp.Delta && pt.Temporality != otlp.Cumulative && pt.Kind != otlp.Gauge && pt.Kind != otlp.Summary:
		o.refuse(noTemporality)
	default:
		o.begin(pt)
		o.values(pt)
	}
	if o.why != taken {
		o.dropped++
		if o.example == "" {
			o.first, o.example = o.why, o.why.String()+", as "+excerpt(append(metric.AppendName(nil, pt.Metric[:min(len(pt.Metric), metric.MaxNameLen)]), o.tags...))
		}
	}
	if o.left < 0 {
		return errManySamples
	}
	return nil
}

// refuse counts a point that is refused whole.
func (o *otlpWriter) refuse(why reason) {
	o.why = why
	o.tally[why]++
}

// begin finds the point's time and tags.
func (o *otlpWriter) begin(pt *otlp.Point) {
	at := pt.Time
	if at == 0 {
		at = uint64(o.now)
	}
	o.delta = pt.Temporality == otlp.Delta && pt.Kind != otlp.Gauge && pt.Kind != otlp.Summary
	if o.delta {
		at-- // what was counted up to 12:00:10 belongs to the ten seconds before
	}
	o.unix = int64(at / 1e9)
	for _, a := range pt.Attributes {
		o.tags = appendTag(o.tags, a.Key, a.Value)
	}
	for i, a := range pt.Scope {
		if !has(pt.Attributes, a.Key) && !has(pt.Scope[:i], a.Key) {
			o.tags = appendTag(o.tags, a.Key, a.Value)
		}
	}
	for i, a := range pt.Resource {
		if o.wanted(a.Key) && !has(pt.Attributes, a.Key) && !has(pt.Scope, a.Key) && !has(pt.Resource[:i], a.Key) {
			o.tags = appendTag(o.tags, a.Key, a.Value)
		}
	}
}

// long reports whether the point's name and tags are too much for a series.
func (o *otlpWriter) long(pt *otlp.Point) bool {
	n := len(pt.Metric)
	for _, list := range [...][]otlp.Attribute{pt.Attributes, pt.Scope} {
		for i := range list {
			n += len(list[i].Key) + len(list[i].Value)
		}
	}
	for i := range pt.Resource {
		if a := &pt.Resource[i]; o.wanted(a.Key) {
			n += len(a.Key) + len(a.Value)
		}
	}
	return n > MaxSeriesName
}

func (o *otlpWriter) wanted(key []byte) bool {
	return slices.ContainsFunc(o.resource, func(name string) bool { return name == string(key) })
}

func has(list []otlp.Attribute, key []byte) bool {
	for i := range list {
		if bytes.Equal(list[i].Key, key) {
			return true
		}
	}
	return false
}

// values puts the values of a point.
func (o *otlpWriter) values(pt *otlp.Point) {
	switch pt.Kind {
	case otlp.Gauge, otlp.Sum:
		o.number(pt)
	case otlp.Histogram:
		o.histogram(pt)
	case otlp.Exponential:
		o.exponential(pt)
	case otlp.Summary:
		o.total(pt, ".count", float64(pt.Count))
		o.total(pt, ".sum", pt.Sum.Value)
		for _, q := range pt.Quantiles {
			o.put(pt, "", "quantile", q.Quantile, metric.Unset, q.Value)
		}
	}
}

// number puts a gauge or a sum. A total that may fall is a level.
func (o *otlpWriter) number(pt *otlp.Point) {
	switch {
	case !pt.Value.OK:
		o.refuse(badPoint)
	case pt.Kind == otlp.Sum && (o.delta || pt.Monotonic):
		o.total(pt, "", pt.Value.Value)
	default:
		o.level(pt, "", metric.Unset, pt.Value.Value)
	}
}

// total puts what adds up: a running total as it is, a delta to what is there.
func (o *otlpWriter) total(pt *otlp.Point, suffix string, v float64) {
	o.bin(pt, suffix, "", 0, v)
}

// bin is total for one of several series that a label tells apart.
func (o *otlpWriter) bin(pt *otlp.Point, suffix, label string, bound, v float64) {
	m := metric.Last
	if o.delta {
		m = metric.Sum
	}
	o.put(pt, suffix, label, bound, m, v)
}

// level puts what does not add up.
func (o *otlpWriter) level(pt *otlp.Point, suffix string, m metric.Method, v float64) {
	o.put(pt, suffix, "", 0, m, v)
}

// put puts a value of the series NAME SUFFIX;TAGS;LABEL=BOUND.
func (o *otlpWriter) put(pt *otlp.Point, suffix, label string, bound float64, m metric.Method, v float64) {
	if o.left--; o.left < 0 {
		return
	}
	if !finite(v) {
		o.tally[notFinite]++
		return
	}
	o.name = append(metric.AppendName(o.name[:0], pt.Metric), suffix...)
	o.name = append(o.name, o.tags...)
	if label != "" {
		o.name = append(append(append(o.name, ';'), label...), '=')
		o.name = appendBound(o.name, bound)
	}
	why := badName
	switch {
	case len(o.name) > MaxSeriesName:
	case o.delta:
		why = reason(o.w.Merge(o.name, m, o.unix, metric.Bucket{Count: 1, Sum: v, Min: v, Max: v, Last: v}))
	default:
		why = reason(o.w.Put(o.name, m, o.unix, v))
	}
	if o.tally[why]++; why != taken && o.why == taken {
		o.why = why
	}
}
