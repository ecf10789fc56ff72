package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// Bounds on clients of HTTP. Handlers that take long bodies set deadlines of
// their own.
const (
	headerTime     = 10 * time.Second // until a request's header is there
	requestTime    = time.Minute      // until its body is, too
	answerTime     = 2 * time.Minute  // from the header's end until the answer is sent
	idleTime       = 2 * time.Minute  // longer than scrapes and batches are apart
	maxHeaderBytes = 32 << 10
	maxIngestBody  = 64 << 20 // bytes as sent; handlers that hold bodies whole take less
	maxBody        = 1 << 20  // of other requests
	httpEndTime    = 2 * time.Second
)

// route is a handler, and who may ask for it.
type route struct {
	pattern string // of [http.ServeMux]
	class   access.Class
	handler http.Handler
}

// web is the HTTP server.
type web struct {
	listener       net.Listener
	certificate    *certificate // nil: plain HTTP
	maxConnections int64
	log            *slog.Logger

	open                      atomic.Int64
	accepted, refused, panics atomic.Uint64
	answers                   [6]atomic.Uint64 // by the first digit of the code
}

// handler returns what answers requests: routes behind the guard.
func (s *web) handler(guard *access.Guard, routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, guard.Around(r.class, bounded(r.class, r.handler)))
	}
	preflight := guard.Around(access.Health, guard.Preflight())
	return s.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			preflight.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// bounded limits how much of a body is read.
func bounded(class access.Class, next http.Handler) http.Handler {
	limit := int64(maxBody)
	if class == access.Ingest {
		limit = maxIngestBody
	}
	return http.MaxBytesHandler(next, limit)
}

// counted counts answers, and makes one of a panic: a request that a handler
// cannot stand is no reason for the others to suffer.
func (s *web) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				s.panics.Add(1)
				s.log.Error("a request made its handler panic", "path", r.URL.Path, "panic", fmt.Sprint(p))
				a.WriteHeader(http.StatusInternalServerError)
			}
			s.answers[min(a.code/100, 5)].Add(1)
		}()
		next.ServeHTTP(a, r)
	})
}

// answer remembers the code of an answer.
type answer struct {
	http.ResponseWriter
	code  int
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if a.begun {
		return
	}
	a.code, a.begun = code, code >= http.StatusOK
	a.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// run answers until ctx is done, then those who have asked.
func (s *web) run(ctx context.Context, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaderBytes,
		ConnState:      s.limit,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // of what clients do wrong
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpEndTime)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // on clients that are slow
		}
	})
	err := s.serve(srv)
	if stop() {
		return fmt.Errorf("answer on %s: %w", s.listener.Addr(), errors.Join(err, srv.Close()))
	}
	<-ended
	return nil
}

func (s *web) serve(srv *http.Server) error {
	if s.certificate == nil {
		return srv.Serve(s.listener)
	}
	srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate.get}
	return srv.ServeTLS(s.listener, "", "")
}

// limit closes connections beyond the most that there may be.
func (s *web) limit(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.accepted.Add(1)
		if s.open.Add(1) > s.maxConnections {
			s.refused.Add(1)
			_ = c.Close() // its reader gets the error, and counts it off
		}
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// figures are what the server has seen so far.
func (s *web) figures() []telemetry.Figure {
	list := []telemetry.Figure{
		{Name: "connections", Value: float64(s.open.Load())},
		{Name: "acceptedConnections", Value: float64(s.accepted.Load()), Counter: true},
		{Name: "refusedConnections", Value: float64(s.refused.Load()), Counter: true},
		{Name: "panics", Value: float64(s.panics.Load()), Counter: true},
	}
	for i := 2; i < len(s.answers); i++ {
		class := []telemetry.Label{{Key: "code", Value: strconv.Itoa(i) + "xx"}}
		list = append(list, telemetry.Figure{Name: "answers", Labels: class, Value: float64(s.answers[i].Load()), Counter: true})
	}
	return list
}
