// Package telemetry serves over HTTP what the process tells of itself:
// /metrics for Prometheus, /healthz and /readyz for whoever looks after it.
//
// It promises to answer GET and HEAD alone, to change nothing, and that
// neither slow nor many clients cost more than a bounded number of
// connections. It measures nothing of the jobs itself: it asks for a [Report]
// at each request. Start from [Serve].
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Report is how the process is at one moment.
type Report struct {
	Jobs   []Job   // names are unique; of a process that follows logs
	Stages []Stage // of a server; nil: it is none
	Reload *Reload
}

// Reload is what became of the configuration file when it was read last; nil
// where there is none.
type Reload struct {
	OK bool      // it was taken, and is in force
	At time.Time // when the one in force was taken
}

// Job is how one job is.
type Job struct {
	Name    string
	Running bool   // it is not waiting to be started again
	Began   bool   // it became ready, or failed to, at least once
	Ready   bool   // it reads and keeps
	Hung    bool   // it should have gone round, and has not
	Why     string // it is not ready, or hangs; "" if neither
	Starts  int    // how often it was started
	Figures []Figure
	Logs    []Log
	Outputs []Output
}

// Figure is a number of a job's account of itself.
type Figure struct {
	Name    string  // as in "bytesLost"
	Labels  []Label // sorted by key; nil for none
	Value   float64
	Counter bool
}

// Label tells figures of one name apart.
type Label struct{ Key, Value string }

// Log says how far behind a log is read.
type Log struct {
	Path           string
	Bytes, Seconds int64
}

// Output says whether an output takes what it is sent.
type Output struct {
	Name string
	Up   bool
}

// Options configure Serve.
type Options struct {
	Report  func() Report // called by several goroutines at a time
	Version string        // of the program
	Began   time.Time     // when the process did
}

// Bounds on clients.
const (
	maxConnections = 64 // at a time; more are closed at once
	maxHeaderBytes = 16 << 10
	clientTime     = 10 * time.Second // for a request, and for its answer
	idleTime       = 2 * time.Minute  // longer than scrapes are apart
	endTime        = 2 * time.Second  // for requests under way when all ends
)

// Listen opens address, HOST:PORT or PORT; without a host it is 127.0.0.1.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil && !strings.Contains(address, ":") {
		host, port, err = "", address, nil
	}
	if err != nil {
		return nil, fmt.Errorf("telemetry address %q: %w", address, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("open telemetry: %w", err)
	}
	return l, nil
}

// Serve answers on l, which it closes, until ctx is done.
func Serve(ctx context.Context, l net.Listener, opt Options) error {
	var open atomic.Int32
	srv := &http.Server{
		Handler:           Handler(opt),
		ReadHeaderTimeout: clientTime, ReadTimeout: clientTime, WriteTimeout: clientTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaderBytes,
		ConnState:      func(c net.Conn, s http.ConnState) { limit(&open, c, s) },
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of what clients do wrong
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // on clients that are slow
		}
	})
	err := srv.Serve(l)
	if stop() {
		return fmt.Errorf("serve telemetry: %w", errors.Join(err, srv.Close()))
	}
	<-ended
	return nil
}

// limit closes a connection beyond the most that there may be.
func limit(open *atomic.Int32, c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		if open.Add(1) > maxConnections {
			_ = c.Close() // its reader gets the error, and counts it off
		}
	case http.StateClosed, http.StateHijacked:
		open.Add(-1)
	}
}

// Handler answers requests.
func Handler(opt Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(appendMetrics(nil, opt)) // the client's loss
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, opt.Report().hanging())
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, opt.Report().notReady())
	})
	return mux
}

// answer says that all is well when there is no trouble, else what it is.
func answer(w http.ResponseWriter, trouble []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	text := "ok\n"
	if len(trouble) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = strings.Join(trouble, "\n") + "\n"
	}
	_, _ = w.Write([]byte(text)) // the client's loss
}

func (r Report) hanging() (lines []string) {
	for _, j := range r.Jobs {
		if j.Hung {
			lines = append(lines, j.line())
		}
	}
	for _, s := range r.Stages {
		if s.Hung {
			lines = append(lines, s.line())
		}
	}
	return lines
}

func (r Report) notReady() (lines []string) {
	for _, j := range r.Jobs {
		if !j.Ready || j.Hung {
			lines = append(lines, j.line())
		}
	}
	for _, s := range r.Stages {
		if s.Hung || s.Why != "" {
			lines = append(lines, s.line())
		}
	}
	return lines
}

// line is a line that tells of the job; what came from elsewhere is quoted.
func (j *Job) line() string { return fmt.Sprintf("job %q: %q", j.Name, j.Why) }
