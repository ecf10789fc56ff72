// Package graphiteapi answers the requests of Graphite's HTTP API: it reads what
// a request says, asks for it, and writes the answer in the form asked for.
//
// It promises the shapes, names and codes of graphite-web 1.1.8, that what a
// request may cost is bounded, and that work ends when the client goes. It
// computes nothing, and does not decide who may ask: each [Route] says whether it
// changes something. Start from [New] and [API.Routes].
package graphiteapi

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// Options configure an API.
type Options struct {
	DB  *store.DB        // what is kept; required
	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: none
}

// API answers requests. Its methods may be called concurrently.
type API struct {
	opt Options
}

// Route is a handler and what it answers.
type Route struct {
	Pattern string // of [http.ServeMux], with the method
	Change  bool   // it changes what is kept: for those who may
	Handler http.Handler
}

// New returns an API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &API{opt: opt}
}

// handler answers a request that says p. An error, which is a [fault] if the
// client caused it, is answered for it; then nothing must be written yet.
type handler func(w http.ResponseWriter, r *http.Request, p params) error

// Routes returns all that the API answers. Each path is answered with and
// without a slash at its end.
func (a *API) Routes() []Route {
	var list []Route
	for _, e := range a.endpoints() {
		h := a.answers(e.h)
		for method := range strings.FieldsSeq(e.methods) {
			list = append(list, Route{method + " " + e.path, e.change, h})
			if !strings.HasSuffix(e.path, "}") {
				list = append(list, Route{method + " " + e.path + "/{$}", e.change, h})
			}
		}
	}
	return list
}

// endpoint is a path and what answers there.
type endpoint struct {
	methods, path string
	change        bool
	h             handler
}

func (a *API) endpoints() []endpoint {
	const get, post, both = "GET", "POST", "GET POST"
	return []endpoint{
		{both, "/metrics/find", false, a.find},
		{both, "/metrics/expand", false, a.expand},
		{both, "/metrics/index.json", false, a.index},
		{post, "/metrics/delete", true, a.deleteFound},
		{get, "/tags", false, a.tagging(a.tagList)},
		{get, "/tags/{tag...}", false, a.tagging(a.tagDetails)},
		{both, "/tags/findSeries", false, a.tagging(a.findSeries)},
		{both, "/tags/autoComplete/tags", false, a.tagging(a.completeTags)},
		{both, "/tags/autoComplete/values", false, a.tagging(a.completeValues)},
		{post, "/tags/tagSeries", true, a.tagging(a.tagSeries)},
		{post, "/tags/tagMultiSeries", true, a.tagging(a.tagMultiSeries)},
		{post, "/tags/delSeries", true, a.tagging(a.delSeries)},
		{both, "/version", false, a.version},
	}
}

// answers makes an http.Handler of h.
func (a *API) answers(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := readParams(r)
		if err == nil {
			err = h(w, r, p)
		}
		if err != nil {
			a.refuse(w, r, err)
		}
	})
}

// refuse answers with an error. What the client did not cause is logged.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if f.code == http.StatusInternalServerError {
		a.opt.Log.Error("a request could not be answered", "path", r.URL.Path, "err", err)
	}
	http.Error(w, f.text, f.code)
}
