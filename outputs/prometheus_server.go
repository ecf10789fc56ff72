package outputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

// PrometheusServer serves the pages of all prometheus outputs that are made
// with it. Those that listen on the same address share one listener, and
// /metrics shows the series of all of them; it is open from the first one's
// Start to the last one's Close. The zero value is ready; outputs may use it
// from any goroutine.
type PrometheusServer struct {
	mu        sync.Mutex // protects the field below; held while a listener begins or ends
	listeners map[string]*scrapeListener
}

// scrapeListener is one address.
type scrapeListener struct {
	http    http.Server
	mu      sync.Mutex // protects pages
	pages   []*scrape  // in the order in which they came
	conns   atomic.Int64
	scrapes chan struct{} // holds a value for each scrape that is answered now
	done    chan struct{} // closed when it no longer serves
	failed  error         // why, unless it was ended; to be read after done
}

// What strangers may take up, all told.
const (
	maxScrapeConns = 64
	maxScrapes     = 4                // at once: each holds a whole page
	scrapeTimeout  = 30 * time.Second // of one answer; Prometheus waits 10 s by default
)

// scrapeEnd is how long Close waits for answers that are being written.
const scrapeEnd = time.Second

// join adds a page at the address, which is listened on from then on.
func (p *PrometheusServer) join(ctx context.Context, address string, page *scrape) (*scrapeListener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.listeners[address]; l != nil {
		l.mu.Lock()
		l.pages = append(l.pages, page)
		l.mu.Unlock()
		return l, nil
	}
	var config net.ListenConfig
	socket, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for scrapes: %w", err) // it names the address
	}
	l := &scrapeListener{pages: []*scrape{page}, scrapes: make(chan struct{}, maxScrapes), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", l.answer)
	l.http = http.Server{
		Handler: mux, ConnState: l.count, MaxHeaderBytes: 16 << 10,
		ErrorLog:    log.New(io.Discard, "", 0), // what strangers do wrong is nothing to say
		ReadTimeout: 10 * time.Second, WriteTimeout: scrapeTimeout, IdleTimeout: 5 * time.Minute,
	}
	if p.listeners == nil {
		p.listeners = make(map[string]*scrapeListener)
	}
	p.listeners[address] = l
	go l.serve(socket) // until leave, which waits for done
	return l, nil
}

// leave removes a page, and ends the listener when it was the last.
func (p *PrometheusServer) leave(address string, page *scrape) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.listeners[address]
	l.mu.Lock()
	l.pages = slices.DeleteFunc(l.pages, func(s *scrape) bool { return s == page })
	others := len(l.pages)
	l.mu.Unlock()
	if others > 0 {
		return nil
	}
	delete(p.listeners, address)
	return l.end()
}

// end waits for the answers that are being written, but not for long.
func (l *scrapeListener) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeEnd)
	defer cancel()
	err := l.http.Shutdown(ctx)
	if err != nil {
		err = l.http.Close()
	}
	<-l.done
	return err
}

func (l *scrapeListener) serve(socket net.Listener) {
	defer close(l.done)
	if err := l.http.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		l.failed = err
	}
}

// failure returns why it no longer serves, nil while it does.
func (l *scrapeListener) failure() error {
	select {
	case <-l.done:
		return l.failed
	default:
		return nil
	}
}

// count closes connections beyond the limit.
func (l *scrapeListener) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if l.conns.Add(1) > maxScrapeConns {
			_ = c.Close() // the server sees it, and counts it out
		}
	case http.StateClosed:
		l.conns.Add(-1)
	}
}

// answer writes the page.
func (l *scrapeListener) answer(w http.ResponseWriter, r *http.Request) {
	select {
	case l.scrapes <- struct{}{}:
		defer func() { <-l.scrapes }()
	default:
		http.Error(w, "too many scrapes at once", http.StatusServiceUnavailable)
		return
	}
	page := l.page()
	kind, text := prometheus.TextType, []byte(nil)
	if prometheus.WantsOpenMetrics(r.Header.Get("Accept")) {
		kind, text = prometheus.OpenMetricsType, page.AppendOpenMetrics(nil)
	} else {
		text = page.AppendText(nil)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Add("Vary", "Accept, Accept-Encoding")
	_ = writeZipped(w, r, text) // of a scraper that is gone nothing is to be said
}

// writeZipped compresses the text when the other side takes that.
func writeZipped(w http.ResponseWriter, r *http.Request, text []byte) error {
	if !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		_, err := w.Write(text)
		return err
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, err := z.Write(text)
	return errors.Join(err, z.Close())
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, q, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";q=")
		if coding == "gzip" && strings.Trim(q, "0.") == "" && q != "" {
			return false
		}
		if coding == "gzip" {
			return true
		}
	}
	return false
}

// page joins the pages of all jobs; the first come stands. It also says how
// many series it could not show.
func (l *scrapeListener) page() *prometheus.Page {
	l.mu.Lock()
	var pages []*prometheus.Page
	for _, job := range l.pages {
		pages = append(pages, job.shown.Load())
	}
	l.mu.Unlock()
	page := prometheus.Join(pages...)
	return prometheus.Join(page, prometheus.NewPage([]prometheus.Series{{
		Family: "logmetrics_left_out_series",
		Kind:   prometheus.Gauge,
		Help:   "Series that are not on this page because others have the same name and labels.",
		Value:  float64(page.LeftOut()),
	}}))
}
