package ingest

import (
	"cmp"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/internal/wire/otlp"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// HTTPWriter is what HTTP needs of a [store.Writer].
type HTTPWriter interface {
	Writer
	Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) store.Refusal
	Reset()
}

// HTTPOptions configure an [HTTP]. The zero value but NewWriter works.
type HTTPOptions struct {
	NewWriter func() HTTPWriter // called Workers times by [NewHTTP]
	Workers   int               // blocks and requests that are parsed at a time; 0: one for each CPU
	Now       func() time.Time  // nil: time.Now
	Log       *slog.Logger      // nil: none

	// MaxBytes is how large a body may be that is held whole (remote write and
	// OTLP), both as it is sent and as it is uncompressed; 0: 16 MiB.
	MaxBytes int
	// MaxStream is how many bytes of lines a body of Influx may have, which is
	// never held whole; 0: 64 MiB.
	MaxStream int64
	// MaxSamples is how many samples a body may have that is held whole; 0: 500,000.
	MaxSamples int
	// Wait is for how long a request waits for its turn before it is told to come
	// again; 0: 5 s.
	Wait time.Duration
	// BodyTime is for how long a body that is held whole, or 64 KiB of one that
	// is not, may take to arrive; 0: 30 s.
	BodyTime time.Duration
	// Resource are the attributes of an OTLP resource that become tags of its
	// series; nil: [DefaultResource].
	Resource []string
}

// HTTP takes samples by POST: lines of InfluxDB, remote write of Prometheus,
// metrics of OpenTelemetry. It opens no socket; [HTTP.Routes] are mounted by who
// does, and who also says which requests may come.
//
// It promises to answer that samples are taken when they can be read, and not
// before; that what it does not take is counted by reason; and that neither
// the size of a body nor a client's slowness costs others more than memory that
// is bounded. Its methods may be called concurrently.
type HTTP struct {
	opt   HTTPOptions
	turns chan *turn    // those that are free
	large chan struct{} // a place for each body that is large and held whole

	influx, prometheus, otlp counts
}

// turn is what one goroutine needs to parse and keep. There is one for each CPU,
// so that parsing never waits for a client, and that names stay interned in its
// writer.
type turn struct {
	w       HTTPWriter
	tally   tally
	dropped uint64 // samples that the sender is told of
	first   reason // why the first of them was
	example string // that one
	name    []byte // of the series at hand
	tags    []byte // of the point at hand; of a line with its path
	method  metric.Method
	plain   []byte // a body, uncompressed

	lines    influx.Parser
	point    influx.Point
	requests prometheus.RequestParser
	otlp     otlp.Parser
}

// largeBodies is how many bodies over smallBody may be held at a time.
const largeBodies = 8

// NewHTTP returns an HTTP.
func NewHTTP(opt HTTPOptions) *HTTP {
	opt.Workers = cmp.Or(opt.Workers, runtime.GOMAXPROCS(0))
	opt.MaxBytes = cmp.Or(opt.MaxBytes, 16<<20)
	opt.MaxStream = cmp.Or(opt.MaxStream, 64<<20)
	opt.MaxSamples = cmp.Or(opt.MaxSamples, 500_000)
	opt.Wait = cmp.Or(opt.Wait, 5*time.Second)
	opt.BodyTime = cmp.Or(opt.BodyTime, 30*time.Second)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Resource == nil {
		opt.Resource = DefaultResource
	}
	opt.Log = logger(opt.Log)
	h := &HTTP{opt: opt, turns: make(chan *turn, opt.Workers), large: make(chan struct{}, largeBodies)}
	h.influx.listener, h.influx.reasons = "http-influx", slices.Concat(commonReasons, influxReasons)
	h.prometheus.listener, h.prometheus.reasons = "http-prometheus", slices.Concat(commonReasons, prometheusReasons)
	h.otlp.listener, h.otlp.reasons = "http-otlp", slices.Concat(commonReasons, otlpReasons)
	for range opt.Workers {
		h.turns <- &turn{w: opt.NewWriter()}
	}
	return h
}

// Route is a handler and the pattern of [http.ServeMux] under which it is mounted.
type Route struct {
	Pattern string
	Handler http.Handler
}

// Routes returns all handlers.
func (h *HTTP) Routes() []Route {
	return []Route{
		{"POST /write", http.HandlerFunc(h.writeInflux1)},
		{"POST /api/v2/write", http.HandlerFunc(h.writeInflux2)},
		{"POST /api/v1/write", http.HandlerFunc(h.writePrometheus)},
		{"POST /v1/metrics", http.HandlerFunc(h.writeOTLP)},
		{"GET /ping", http.HandlerFunc(ping)},
	}
}
