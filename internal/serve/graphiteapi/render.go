package graphiteapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// renderForm writes an answer of /render in one format. It has all of the answer to itself: it sets Content-Type, and
// returns an error only before it wrote anything.
type renderForm func(w http.ResponseWriter, r *rendering) error

// renderFormOf returns the format of that name, nil for none.
func renderFormOf(name string) renderForm {
	switch name {
	case "json":
		return writeJSON
	case "csv":
		return writeCSV
	case "raw":
		return writeRaw
	case "dygraph":
		return writeDygraph
	case "rickshaw":
		return writeRickshaw
	case "png":
		return writePicture(picture.PNG)
	case "svg":
		return writePicture(picture.SVG)
	case "pickle":
		return writePickle
	case "msgpack":
		return writeMsgpack
	}
	return nil
}

// rendering is a request to /render, and what was found for it.
type rendering struct {
	*http.Request
	params params
	query  query.Request
	api    *API
	series []*query.Series // of all targets; their Values must not be changed
}

// render answers /render: the series of expressions.
func (a *API) render(w http.ResponseWriter, r *http.Request, p params) error {
	write := renderFormOf(renderFormat(p))
	if write == nil {
		write = renderFormOf("png")
	}
	maxAge, err := cacheTime(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), a.opt.QueryTime, errSlow)
	defer cancel()
	x := &rendering{Request: r.WithContext(ctx), params: p, api: a}
	done, err := a.evaluate(ctx, x)
	defer done()
	if isSpared(p, err) {
		a.refused.count(err, faultOf(err))
	} else if err != nil {
		return err
	}
	mayBeKept(w, maxAge, a.opt.Now())
	return write(w, x)
}

// evaluate reads what is asked for, and finds its series when it is its turn; done
// is to be called when they are sent, whatever err is.
func (a *API) evaluate(ctx context.Context, x *rendering) (done func(), err error) {
	if x.query, err = a.readQuery(x.params); err != nil {
		return func() {}, err
	}
	if x.params.get("graphType") == "pie" {
		x.query.Targets = pieTargets(x.query.Targets)
	}
	next, err := a.queries.wait(ctx)
	if err != nil {
		return func() {}, evaluationFault(ctx, err)
	}
	list, release, err := a.engine.Open(ctx, x.query)
	x.series = list
	return func() { release(); next() }, evaluationFault(ctx, err)
}

// renderFormat returns the format that is asked for; pictures where none is.
func renderFormat(p params) string {
	switch {
	case p.has("format"):
		return p.get("format")
	case p.has("rawData"):
		return "raw"
	case p.has("pickle"):
		return "pickle"
	}
	return "png"
}

// readQuery reads targets and times.
func (a *API) readQuery(p params) (q query.Request, err error) {
	q = query.Request{Targets: p.list("target"), Zone: a.zone(p.get("tz")), Now: a.opt.Now().Unix(), Template: map[string]string{}}
	if p.has("now") {
		if q.Now, err = when.Parse(p.get("now"), q.Now, q.Zone); err != nil {
			return q, invalid("%v", err)
		}
	}
	if q.From, q.Until, err = readRange(p, q.Now, q.Zone); err != nil {
		return q, err
	}
	if text := p.get("maxDataPoints"); text != "" && strings.Trim(text, "0123456789") == "" {
		q.MaxDataPoints, _ = strconv.Atoi(text) // what is too great is the greatest
	}
	if text := p.get("xFilesFactor"); p.has("xFilesFactor") {
		if q.XFilesFactor, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || q.XFilesFactor != q.XFilesFactor {
			return q, invalid("could not convert string to float: %s", quoted(text))
		}
	}
	for name := range p {
		if key, ok := strings.CutPrefix(name, "template["); ok {
			q.Template[strings.TrimSuffix(key, "]")] = p.get(name)
		}
	}
	return q, nil
}

// readRange reads from and until: a day until now, unless they say otherwise; the earlier is the begin.
func readRange(p params, now int64, zone *time.Location) (from, until int64, err error) {
	from, until = now-86400, now
	for name, to := range map[string]*int64{"from": &from, "until": &until} {
		if !p.has(name) {
			continue
		}
		if *to, err = when.Parse(p.get(name), now, zone); err != nil {
			return 0, 0, invalid("%s: %v", name, err)
		}
	}
	if from == until {
		return 0, 0, invalid("Invalid empty time range")
	}
	return min(from, until), max(from, until), nil
}

// zone returns the zone of a name, the API's own for what is none.
func (a *API) zone(name string) *time.Location {
	if name == "" || name == "Local" {
		return a.opt.Zone
	}
	if z, ok := a.zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return a.opt.Zone
	}
	a.zones.Store(name, z) // no more than the system has
	return z
}

// defaultCacheTime is graphite-web's, in seconds.
const defaultCacheTime = 60

// cacheTime returns how many seconds the answer may be kept, 0 for not at all.
func cacheTime(p params) (int, error) {
	n, err := p.number("cacheTimeout", defaultCacheTime)
	if err != nil || p.has("noCache") {
		return 0, err
	}
	return max(n, 0), nil
}

// mayBeKept tells caches how long.
func mayBeKept(w http.ResponseWriter, seconds int, now time.Time) {
	h := w.Header()
	h.Set("Expires", now.Add(time.Duration(seconds)*time.Second).UTC().Format(http.TimeFormat))
	if seconds == 0 {
		h.Set("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private")
		return
	}
	h.Set("Cache-Control", "max-age="+strconv.Itoa(seconds))
}

// maxFault bounds what an error repeats of a request, in bytes.
const maxFault = 4000

func cutText(s string) string {
	if len(s) <= maxFault {
		return s
	}
	return strings.ToValidUTF8(s[:maxFault], "") + "..."
}
