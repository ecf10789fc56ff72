package ingest

import (
	"bytes"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// staleNaN is the number by which Prometheus says that a series has ended.
const staleNaN = 0x7ff0000000000002

// writePrometheus is remote write, of the version that Content-Type says.
func (h *HTTP) writePrometheus(w http.ResponseWriter, r *http.Request) {
	h.prometheus.requests.Add(1)
	version, e := remoteVersion(r)
	written := uint64(0)
	if e == nil {
		written, e = h.remoteWrite(w, r, version)
	}
	if version == prometheus.Version2 {
		w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", strconv.FormatUint(written, 10))
		w.Header().Set("X-Prometheus-Remote-Write-Histograms-Written", "0")
		w.Header().Set("X-Prometheus-Remote-Write-Exemplars-Written", "0")
	}
	if e == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.refused(w, r, &h.prometheus, e)
	http.Error(w, e.Error(), e.status)
}

// remoteVersion takes what Prometheus itself takes: a request that says nothing
// of its type or encoding is of version 1.
func remoteVersion(r *http.Request) (prometheus.Version, *refusal) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "snappy") {
		return 0, refuse(wrongType, http.StatusUnsupportedMediaType, "Content-Encoding %s is not known here, only snappy", quoted(encoding))
	}
	text := r.Header.Get("Content-Type")
	if text == "" {
		return prometheus.Version1, nil
	}
	kind, params, err := mime.ParseMediaType(text)
	if err == nil && kind == "application/x-protobuf" {
		switch params["proto"] {
		case "", "prometheus.WriteRequest":
			return prometheus.Version1, nil
		case "io.prometheus.write.v2.Request":
			return prometheus.Version2, nil
		}
	}
	return 0, refuse(wrongType, http.StatusUnsupportedMediaType, "Content-Type %s is not known here, only application/x-protobuf, "+
		"with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request", quoted(text))
}

// remoteWrite takes a body as one: all that can be taken is, or nothing.
func (h *HTTP) remoteWrite(w http.ResponseWriter, r *http.Request, version prometheus.Version) (written uint64, e *refusal) {
	body, done, e := h.whole(w, r)
	defer done()
	if e != nil {
		return 0, e
	}
	t, e := h.take(r.Context())
	if e != nil {
		return 0, e
	}
	defer h.give(t, &h.prometheus)
	var err error
	if t.plain, err = prometheus.Uncompress(t.plain, body, h.opt.MaxBytes); err != nil {
		return 0, badRemote(err)
	}
	h.prometheus.bytes.Add(uint64(len(t.plain)))
	t.requests.MaxSamples = h.opt.MaxSamples
	if err = t.requests.Each(t.plain, version, t.remoteSeries); err != nil {
		clear(t.tally[:])
		return 0, badRemote(err)
	}
	if e = t.flush(); e != nil {
		return 0, e
	}
	return t.tally[taken], t.outcome()
}

// badRemote refuses a whole request, of which nothing is kept.
func badRemote(err error) *refusal {
	if errors.Is(err, prometheus.ErrTooLarge) {
		return refuse(tooLarge, http.StatusRequestEntityTooLarge, "%s", err)
	}
	return refuse(badRequest, http.StatusBadRequest, "%s", err)
}

// remoteSeries puts the samples of one series.
func (t *turn) remoteSeries(s *prometheus.Received) error {
	t.tally[exemplar] += uint64(s.Exemplars)
	if s.Histograms > 0 {
		t.drop(nativeHistogram, uint64(s.Histograms))
	}
	if len(s.Samples) == 0 {
		return nil
	}
	if why := t.setLabels(s); why != taken {
		t.drop(why, uint64(len(s.Samples)))
		return nil
	}
	for _, sample := range s.Samples {
		switch bits := math.Float64bits(sample.Value); {
		case bits == staleNaN:
			t.tally[staleMarker]++
		case !finite(sample.Value):
			t.tally[notFinite]++
		default:
			t.put(t.method, floor(sample.Milliseconds, 1000), sample.Value)
		}
	}
	return nil
}

func finite(v float64) bool { return v-v == 0 }

// floor divides and rounds down.
func floor(a, b int64) int64 {
	if a%b < 0 {
		return a/b - 1
	}
	return a / b
}

// runningTotals are the ends of names under which Prometheus keeps totals. Of
// these the last value of a longer bucket is kept, not the mean: then rates
// over it are exact.
var runningTotals = [][]byte{[]byte("_total"), []byte("_count"), []byte("_sum"), []byte("_bucket")}

// setLabels makes the name of the series, and the method for it.
func (t *turn) setLabels(s *prometheus.Received) reason {
	if s.Err != nil {
		return badLabels
	}
	size := 0
	var name []byte
	for _, l := range s.Labels {
		size += len(l.Name) + len(l.Value)
		if string(l.Name) == "__name__" {
			name = l.Value
		}
	}
	switch {
	case name == nil:
		return badLabels
	case size > MaxSeriesName: // before it is cleaned: many series may name one text
		t.name = metric.AppendName(t.name[:0], name[:min(len(name), metric.MaxNameLen)])
		return badName
	}
	t.method = metric.Unset
	for _, end := range runningTotals {
		if bytes.HasSuffix(name, end) {
			t.method = metric.Last
		}
	}
	t.name = metric.AppendName(t.name[:0], name)
	for _, l := range s.Labels {
		if string(l.Name) != "__name__" {
			t.name = appendTag(t.name, l.Name, l.Value)
		}
	}
	if len(t.name) > MaxSeriesName {
		return badName
	}
	return taken
}

// put puts a value of the series that t has the name of.
func (t *turn) put(m metric.Method, unix int64, v float64) reason {
	why := reason(t.w.Put(t.name, m, unix, v))
	if why == taken {
		t.tally[taken]++
		return taken
	}
	t.drop(why, 1)
	return why
}

// drop counts samples that are not taken, for which the sender is told.
func (t *turn) drop(why reason, n uint64) {
	t.tally[why] += n
	t.dropped += n
	if t.example == "" {
		t.example = why.String()
		if why != badLabels && why != nativeHistogram {
			t.example += ", as " + excerpt(t.name)
		}
	}
}

// outcome is nil when all was taken that the sender expects to be.
func (t *turn) outcome() *refusal {
	switch {
	case t.dropped == 0:
		return nil
	case t.tally[store.TooManyNew] > 0:
		return later(busy, 1, "%d samples are not taken (%s), the others are", t.dropped, t.example)
	}
	return refuse(badRequest, http.StatusBadRequest, "%d samples are not taken (%s), the others are", t.dropped, t.example)
}
