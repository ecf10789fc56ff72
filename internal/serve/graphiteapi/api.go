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

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// Options configure an API.
type Options struct {
	Names *names.Index     // the series that there are
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: none
}

// API answers requests. Its methods may be called concurrently.
type API struct {
	opt Options
}

// Route is a handler and what it answers.
type Route struct {
	Pattern string // of [http.ServeMux]
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

// Routes returns all that the API answers.
func (a *API) Routes() []Route {
	var list []Route
	for _, r := range []struct {
		path   string
		change bool
		h      http.HandlerFunc
	}{
		{"/version", false, a.version},
	} {
		list = append(list, Route{r.path, r.change, r.h}, Route{r.path + "/{$}", r.change, r.h})
	}
	return list
}
