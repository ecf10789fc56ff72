package ingest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
)

// influxVersion is what clients read to know which dialect the server speaks.
const influxVersion = "1.8.10"

// ping answers those who ask whether someone is there.
func ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Influxdb-Version", influxVersion)
	w.WriteHeader(http.StatusNoContent)
}

// writeInflux1 is POST /write?db=D[&precision=P] of InfluxDB 1.
func (h *HTTP) writeInflux1(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	precision, ok := influx.ParsePrecision(query.Get("precision"))
	var e *refusal
	switch {
	case query.Get("db") == "":
		e = refuse(badRequest, http.StatusBadRequest, "database is required")
	case !ok:
		e = refuse(badRequest, http.StatusBadRequest, "invalid precision %s (use n, u, ms, s, m or h)", quoted(query.Get("precision")))
	default:
		e = h.writeLines(w, r, precision)
	}
	h.answerInflux(w, r, e, func(message string) any {
		w.Header().Set("X-Influxdb-Error", strings.ReplaceAll(message[:min(len(message), 1024)], "\n", " "))
		return map[string]string{"error": message}
	})
}

// influx2Code is what InfluxDB 2 calls such an answer.
func influx2Code(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "invalid"
	case http.StatusRequestEntityTooLarge:
		return "request too large"
	case http.StatusServiceUnavailable:
		return "unavailable"
	case http.StatusUnsupportedMediaType:
		return "unsupported media type"
	}
	return ""
}

// writeInflux2 is POST /api/v2/write?org=O&bucket=B[&precision=P] of InfluxDB 2.
func (h *HTTP) writeInflux2(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	precision, ok := precision2(query)
	var e *refusal
	switch {
	case query.Get("bucket") == "":
		e = refuse(badRequest, http.StatusBadRequest, "bucket is required")
	case !ok:
		e = refuse(badRequest, http.StatusBadRequest, "invalid precision; valid precision units are ns, us, ms, and s")
	default:
		e = h.writeLines(w, r, precision)
	}
	h.answerInflux(w, r, e, func(message string) any {
		code := influx2Code(e.status)
		w.Header().Set("X-Platform-Error-Code", code)
		return map[string]string{"code": code, "message": message}
	})
}

func precision2(query url.Values) (influx.Precision, bool) {
	switch query.Get("precision") {
	case "", "ns", "us", "ms", "s":
		return influx.ParsePrecision(query.Get("precision"))
	}
	return 0, false
}

// answerInflux answers 204, or with the message in what shape makes of it.
func (h *HTTP) answerInflux(w http.ResponseWriter, r *http.Request, e *refusal, shape func(message string) any) {
	w.Header().Set("X-Influxdb-Version", influxVersion)
	if e == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.refused(w, r, &h.influx, e)
	body, err := json.Marshal(shape(e.Error()))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = w.Write(append(body, '\n')) // the client's loss
}

// lineWrite is one body of lines on its way into the store.
type lineWrite struct {
	now       int64 // Unix seconds: of lines without a time
	precision influx.Precision
	taken     int    // lines
	dropped   int    // lines, whole or in part
	retry     bool   // some of them only for now
	messages  []byte // about the first of them
	told      int    // how many messages there are
}

// maxMessages is how many lines an answer explains.
const maxMessages = 5

// writeLines takes the lines of a body. Each block is flushed, so that what was
// taken before a fault stays: a line that comes again replaces itself.
func (h *HTTP) writeLines(w http.ResponseWriter, r *http.Request, precision influx.Precision) *refusal {
	h.influx.requests.Add(1)
	in := &lineWrite{now: h.opt.Now().Unix(), precision: precision}
	e := h.blocks(w, r, &h.influx, func(block []byte, final bool) (int, *refusal) {
		t, e := h.take(r.Context())
		if e != nil {
			return 0, e
		}
		defer h.give(t, &h.influx)
		done := in.block(t, block, final)
		return done, t.flush()
	})
	switch {
	case e != nil && e.reason != badRequest:
		return e
	case e != nil:
		in.dropped++
		in.tell(e.Error(), "")
	}
	return in.outcome()
}

// outcome is nil when all was taken.
func (in *lineWrite) outcome() *refusal {
	switch {
	case in.dropped == 0:
		return nil
	case in.retry:
		return later(busy, 1, "partial write: %s dropped=%d", in.messages, in.dropped)
	case in.taken == 0:
		return refuse(badRequest, http.StatusBadRequest, "%s", in.messages)
	}
	return refuse(badRequest, http.StatusBadRequest, "partial write: %s dropped=%d", in.messages, in.dropped)
}

// tell adds a message for the client, of at most maxMessages.
func (in *lineWrite) tell(what, why string) {
	if in.told++; in.told > 1 {
		in.messages = append(in.messages, '\n')
	}
	in.messages = append(append(in.messages, what...), why...)
}

// quiet reports whether the client was told enough.
func (in *lineWrite) quiet() bool { return in.told == maxMessages }

// block takes the lines of a block and returns how many of its bytes are done.
// What is left begins with a text whose quote is still open.
func (in *lineWrite) block(t *turn, block []byte, final bool) int {
	p := &t.lines
	p.Precision = in.precision
	p.Reset(block)
	for {
		rest := p.Rest()
		ok, err := p.Next(&t.point)
		switch {
		case !ok:
			return len(block)
		case err == nil:
			in.line(t, &t.point)
		case errors.Is(err, influx.ErrQuotes) && !final:
			return len(block) - len(rest)
		default:
			t.tally[badLine]++
			in.dropped++
			if !in.quiet() {
				in.tell("unable to parse '"+lineExcerpt(rest)+"': ", err.Error())
			}
		}
	}
}

// lineExcerpt is the first line of rest, as far as an answer shows it.
func lineExcerpt(rest []byte) string {
	text := strings.TrimLeft(string(rest[:min(len(rest), 256)]), " \t\r\n\x00")
	text, _, _ = strings.Cut(text, "\n")
	text, _ = strings.CutPrefix(quoted(strings.TrimSuffix(text, "\r")), `"`)
	return strings.TrimSuffix(text, `"`)
}

// line puts the fields of a line.
func (in *lineWrite) line(t *turn, pt *influx.Point) {
	if pt.Heartbeat() {
		t.tally[heartbeat]++
		return
	}
	unix := in.now
	if pt.Timed {
		unix = floor(pt.Time, 1e9)
	}
	whole := true
	path := t.startName(pt)
	for i := range pt.Fields {
		f := &pt.Fields[i]
		v, ok := f.Number()
		if !ok {
			t.tally[textField]++
			continue
		}
		why := t.field(path, f.Key)
		if why == taken {
			why = reason(t.w.Put(t.name, metric.Unset, unix, v))
		}
		t.tally[why]++
		if why != taken {
			whole = false
			in.retry = in.retry || why == reason(store.TooManyNew)
			if !in.quiet() {
				in.tell(excerpt(t.name)+": ", why.String())
			}
		}
	}
	if whole {
		in.taken++
	} else {
		in.dropped++
	}
}

// startName cleans what the names of the line's fields share, once for all of
// them: the path, whose length it returns, and the tags, which go into t.tags.
func (t *turn) startName(pt *influx.Point) (path int) {
	t.tags = metric.AppendName(t.tags[:0], pt.Measurement)
	path = len(t.tags)
	if LongTags(pt) {
		return 0
	}
	t.tags = SeriesName(t.tags[:0], pt, []byte("value"))
	return path
}

// field makes the name of a field, as [SeriesName] does.
func (t *turn) field(path int, key []byte) reason {
	if path == 0 {
		t.name = append(t.name[:0], t.tags...)
		return badName
	}
	t.name = append(t.name[:0], t.tags[:path]...)
	if string(key) != "value" {
		t.name = metric.AppendName(append(t.name, '.'), key)
	}
	if t.name = append(t.name, t.tags[path:]...); len(t.name) > MaxSeriesName {
		return badName
	}
	return taken
}
