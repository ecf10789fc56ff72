// Package graphiteapi answers the requests of Graphite's HTTP API: it reads what
// a request says, asks for it, and writes the answer in the form asked for.
//
// It promises the shapes, names and codes of graphite-web 1.1.8, that what a
// request may cost is bounded, and that work ends when the client goes. It
// computes nothing, and does not decide who may ask: each [Route] says whether it
// changes something. Start from [New] and [API.Routes].
package graphiteapi

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// Options configure an API.
type Options struct {
	DB  *store.DB        // what is kept; required
	Now func() time.Time // nil: time.Now

	Engine     *query.Engine  // evaluates targets; nil: /render and /functions are not there
	Zone       *time.Location // of times that name none; nil: time.Local
	QueryTime  time.Duration  // that a query may take; 0: DefaultQueryTime
	Queries    int            // that run at once; 0: DefaultQueries
	QueryQueue int            // that wait for those; more are refused; 0: DefaultQueryQueue
	Log        *slog.Logger   // nil: none
}

// The defaults of Options.
const (
	DefaultQueryTime  = 10 * time.Second
	DefaultQueries    = 4
	DefaultQueryQueue = 100
)

// API answers requests. Its methods may be called concurrently.
type API struct {
	opt   Options
	zones sync.Map      // *time.Location by name
	turns chan struct{} // has one for each query that runs

	waiting            atomic.Int64 // queries that run or wait to
	busy, slow, tooBig atomic.Int64 // queries that were refused, or ended
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
	opt.Zone = cmp.Or(opt.Zone, time.Local)
	opt.QueryTime = cmp.Or(opt.QueryTime, DefaultQueryTime)
	opt.QueryQueue = cmp.Or(opt.QueryQueue, DefaultQueryQueue)
	return &API{opt: opt, turns: make(chan struct{}, cmp.Or(opt.Queries, DefaultQueries))}
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
	if a.opt.Engine != nil {
		list = append(list, a.queries()...)
	}
	return list
}

// queries are the routes that evaluate, or tell what can be evaluated.
func (a *API) queries() (list []Route) {
	render := compressed(a.reads(a.render))
	for _, pattern := range []string{"GET /render", "POST /render", "GET /render/{$}", "POST /render/{$}"} {
		list = append(list, Route{pattern, false, render})
	}
	functions := compressed(a.reads(a.functions))
	return append(list, Route{"GET /functions", false, functions}, Route{"GET /functions/{$}", false, functions},
		Route{"GET /functions/{name}", false, a.reads(a.function)})
}

// Figures returns what was counted.
func (a *API) Figures() []telemetry.Figure {
	figures := []telemetry.Figure{
		{Name: "queriesRunning", Value: float64(len(a.turns))},
		{Name: "queriesWaiting", Value: max(0, float64(a.waiting.Load())-float64(len(a.turns)))},
		{Name: "queriesRefused", Labels: reason("busy"), Value: float64(a.busy.Load()), Counter: true},
		{Name: "queriesRefused", Labels: reason("limit"), Value: float64(a.tooBig.Load()), Counter: true},
		{Name: "queriesRefused", Labels: reason("slow"), Value: float64(a.slow.Load()), Counter: true},
	}
	if a.opt.Engine != nil {
		figures = append(figures, telemetry.Figure{Name: "queriesBroken", Value: float64(a.opt.Engine.Panics()), Counter: true})
	}
	return figures
}

func reason(text string) []telemetry.Label { return []telemetry.Label{{Key: "reason", Value: text}} }

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
