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
	for _, r := range []struct {
		path string
		h    handler
	}{
		{"/metrics/find", a.find},
		{"/metrics/expand", a.expand},
		{"/metrics/index.json", a.index},
		{"/version", a.version},
	} {
		h := a.reads(r.h)
		for _, path := range []string{r.path, r.path + "/{$}"} {
			list = append(list, Route{"GET " + path, false, h}, Route{"POST " + path, false, h})
		}
	}
	return list
}

// reads makes an http.Handler of h.
func (a *API) reads(h handler) http.Handler {
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
