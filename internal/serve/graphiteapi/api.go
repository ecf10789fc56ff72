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
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/picture"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/fetch"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// Options configure an API.
type Options struct {
	DB  *store.DB        // what is kept; required
	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: none

	Nodes  *cluster.Nodes // others of a cluster, whose answers are part of ours; nil: none
	Engine *query.Engine  // evaluates targets; nil: one over DB and Nodes with Limits
	Limits query.Limits   // of one query
	Pixels int            // of a picture; 0: as picture has it

	Zone       *time.Location // of times that name none; nil: time.Local
	QueryTime  time.Duration  // that a query may take; 0: DefaultQueryTime
	Queries    int            // that run at once; 0: DefaultQueries
	QueryQueue int            // that wait for those; more are refused; 0: DefaultQueryQueue
}

// API answers requests. Its methods may be called concurrently.
type API struct {
	opt     Options
	events  *eventList
	engine  *query.Engine
	painter *picture.Painter
	queries *turns   // of /render
	looks   *turns   // of all else that may take long
	refused refusals // requests
	zones   sync.Map // *time.Location by name
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
	events := newEventList(opt.DB)
	if opt.Engine == nil {
		var source query.Source = fetch.New(opt.DB)
		if opt.Nodes != nil {
			source = opt.Nodes.Source(source)
		}
		opt.Engine = query.New(query.Options{Functions: functions.Table(), Source: source, Limits: opt.Limits, Log: opt.Log, Events: events.times})
	}
	painter, err := picture.New(picture.Options{MaxPixels: opt.Pixels})
	if err != nil {
		panic("BUG: built-in fonts: " + err.Error())
	}
	return &API{
		opt: opt, events: events, engine: opt.Engine, painter: painter,
		looks:   newTurns(looksAtOnce, looksWaiting),
		queries: newTurns(cmp.Or(opt.Queries, DefaultQueries), cmp.Or(opt.QueryQueue, DefaultQueryQueue)),
	}
}

// handler answers a request that says p. An error, which is a [fault] if the
// client caused it, is answered for it; then nothing must be written yet.
type handler func(w http.ResponseWriter, r *http.Request, p params) error

// Routes returns all that the API answers. Each path is answered with and
// without a slash at its end.
func (a *API) Routes() []Route {
	var list []Route
	for _, e := range a.endpoints() {
		h := a.answers(e)
		if e.long {
			h = compressed(h)
		}
		for method := range strings.FieldsSeq(e.methods) {
			list = append(list, Route{method + " " + e.path, e.change, h})
			if e.path != "/tags/{tag...}" {
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
	body          bool // h reads the request's body; it is no form
	long          bool // its answers may be: they are compressed
}

func (a *API) endpoints() []endpoint {
	const get, post, both = "GET", "POST", "GET POST"
	return []endpoint{
		{methods: both, path: "/metrics/find", h: a.find, long: true},
		{methods: both, path: "/metrics", h: a.find, long: true},
		{methods: both, path: "/metrics/expand", h: a.expand, long: true},
		{methods: both, path: "/metrics/index.json", h: a.index, long: true},
		{methods: post, path: "/metrics/delete", change: true, h: a.deleteFound},
		{methods: get, path: "/tags", h: a.tagging(a.tagList), long: true},
		{methods: get, path: "/tags/{tag...}", h: a.tagging(a.tagDetails), long: true},
		{methods: both, path: "/tags/findSeries", h: a.tagging(a.sparing(a.findSeries)), long: true},
		{methods: both, path: "/tags/autoComplete/tags", h: a.tagging(a.sparing(a.completeTags)), long: true},
		{methods: both, path: "/tags/autoComplete/values", h: a.tagging(a.sparing(a.completeValues)), long: true},
		{methods: post, path: "/tags/tagSeries", change: true, h: a.tagging(a.tagSeries)},
		{methods: post, path: "/tags/tagMultiSeries", change: true, h: a.tagging(a.tagMultiSeries)},
		{methods: post, path: "/tags/delSeries", change: true, h: a.tagging(a.delSeries)},
		{methods: get, path: "/events", h: a.listEvents, long: true},
		{methods: post, path: "/events", change: true, h: a.postEvent, body: true},
		{methods: both, path: "/events/get_data", h: a.eventData, long: true},
		{methods: get, path: "/events/{id}", h: a.showEvent},
		{methods: get, path: "/info", h: a.info},
		{methods: both, path: "/version", h: a.version},
		{methods: both, path: "/render", h: a.render, long: true},
		{methods: get, path: "/functions", h: a.functions, long: true},
		{methods: get, path: "/functions/{name}", h: a.function, long: true},
	}
}

// answers makes an http.Handler of an endpoint.
func (a *API) answers(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := r
		if e.body {
			form = &http.Request{URL: r.URL}
		}
		p, err := readParams(form)
		w, r = a.together(w, r, p)
		if err == nil {
			err = a.inTurn(e)(w, r, p)
		}
		if err != nil {
			a.refuse(w, r, err)
		}
	})
}

// Bounds on searches for names, tags and events at the same time: one may take some
// 50 MB, and is mostly done within milliseconds.
const (
	looksAtOnce  = 8
	looksWaiting = 200
)

// inTurn returns the handler of e, which waits for its turn if it may take long,
// and ends in time. /render has turns of its own.
func (a *API) inTurn(e endpoint) handler {
	if !e.long || e.path == "/render" {
		return e.h
	}
	return func(w http.ResponseWriter, r *http.Request, p params) error {
		ctx, cancel := context.WithTimeout(r.Context(), a.opt.QueryTime)
		defer cancel()
		done, err := a.looks.wait(ctx)
		if err != nil {
			return err
		}
		defer done()
		return e.h(w, r.WithContext(ctx), p)
	}
}

// refuse answers with an error. What the client did not cause is logged.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	a.refused.count(err, f)
	if f.code == http.StatusInternalServerError {
		a.opt.Log.Error("a request could not be answered", "path", r.URL.Path, "err", err)
	}
	if f == errBusy {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, f.text, f.code)
}
