package outputs

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// Prometheus, by a page to scrape, by a file for node_exporter's textfile
// collector, or by remote write. All three carry the same:
// "servers_web1_num_sent_total 97", running totals of counters and timers, and
// the gauges and sets of the newest batch. A repeat leaves the same totals.

// The protocols of the prometheus output, besides "http" and "https" for
// remote write.
const (
	PrometheusScrape   = "scrape"   // Address is where to listen
	PrometheusTextfile = "textfile" // Address is the file
)

// PrometheusOptions are the options of the prometheus output alone.
type PrometheusOptions struct {
	Server    *PrometheusServer // of pages to scrape; nil: one of the output's own
	Buckets   []float64         // upper ends of histograms' buckets, ascending, in seconds; nil: those of Prometheus' client libraries
	Labels    []string          // NAME=VALUE: on every series that has no tag of that name
	TokenFile string            // of remote write: holds a bearer token, or USER:PASSWORD
}

// prometheusNewest: a page and a file hold the newest values, without a time.
func prometheusNewest(opt Options) bool {
	return opt.Protocol == PrometheusScrape || opt.Protocol == PrometheusTextfile
}

func newPrometheus(opt Options) (Output, error) {
	out, err := makePrometheus(opt)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	return out, nil
}

func makePrometheus(opt Options) (Output, error) {
	e, err := newPrometheusEncoder(opt)
	if err != nil {
		return nil, err
	}
	switch opt.Protocol {
	case PrometheusScrape:
		return newScrape(opt, e)
	case PrometheusTextfile:
		return newTextfile(opt, e)
	case "":
		return nil, errors.New("an address to listen on (--prometheus-listen), a file (--prometheus-textfile) or a URL to write to (--prometheus-remote-write) is missing")
	}
	return newRemoteWrite(opt, e)
}

// prometheusEncoder keeps the totals and turns each batch into a page.
type prometheusEncoder struct {
	totals
	names   naming
	bounds  prometheus.Bounds
	extra   []prometheus.Label
	dropped atomic.Uint64
	// render makes packets of a page.
	render func(p *prometheus.Page, b *metric.Batch, send func([]byte) error) error
}

func newPrometheusEncoder(opt Options) (*prometheusEncoder, error) {
	names, err := newNaming(opt, "_", tagsAsNodes)
	if err != nil {
		return nil, err
	}
	names.style = tagsApart
	e := &prometheusEncoder{names: names, render: renderText}
	ends := opt.Prometheus.Buckets
	if len(ends) == 0 {
		ends = prometheus.DefaultBounds
	}
	if e.bounds, err = prometheus.NewBounds(ends); err != nil {
		return nil, err
	}
	e.totals.ends = e.bounds.Ends()
	e.extra, err = extraLabels(opt.Prometheus.Labels)
	return e, err
}

// extraLabels reads labels as NAME=VALUE. A name must be valid as it is.
func extraLabels(list []string) (labels []prometheus.Label, err error) {
	for _, text := range list {
		name, value, ok := strings.Cut(strings.TrimSpace(text), "=")
		if !ok || value == "" || prometheus.LabelName(name) != name {
			return nil, fmt.Errorf("label %q: NAME=VALUE is expected, with a name of letters, digits and '_' in snake_case", text)
		}
		labels = append(labels, prometheus.Label{Name: name, Value: value})
	}
	return labels, nil
}

// renderText makes one packet, the page in the text format.
func renderText(p *prometheus.Page, _ *metric.Batch, send func([]byte) error) error {
	return send(p.AppendText(nil))
}

// encode implements encoder.
func (e *prometheusEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	if !e.add(b) {
		return nil
	}
	page := e.page(b)
	e.dropped.Add(uint64(page.LeftOut()))
	for i := range b.Samples {
		if e.falls(&b.Samples[i]) {
			e.dropped.Add(1)
		}
	}
	return e.render(page, b, send)
}

// Dropped implements Dropper.
func (e *prometheusEncoder) Dropped() uint64 { return e.dropped.Load() }

// page returns the totals and the batch's gauges and sets.
func (e *prometheusEncoder) page(b *metric.Batch) *prometheus.Page {
	series := make([]prometheus.Series, 0, len(e.order)+len(b.Samples))
	around := &metric.Batch{Prefix: e.prefix, Suffix: e.suffix}
	for _, s := range e.order {
		series = append(series, e.total(around, s))
	}
	for i := range b.Samples {
		switch s := &b.Samples[i]; {
		case s.Kind == metric.Gauge && s.Count > 0: // an idle one has no value that still holds
			series = append(series, e.series(b, s, prometheus.Gauge, "Newest value of "))
		case s.Kind == metric.Set:
			series = append(series, e.series(b, s, prometheus.Gauge, "Distinct members, in the newest interval, of "))
		}
	}
	return prometheus.NewPage(series)
}

// total returns the series of a running total.
func (e *prometheusEncoder) total(around *metric.Batch, s *metric.Sample) prometheus.Series {
	if s.Kind == metric.Counter {
		return e.series(around, s, prometheus.Counter, "Running total of ")
	}
	series := e.series(around, s, prometheus.Histogram, "Distribution, in seconds, of ")
	series.Value, series.Count, series.Bounds = s.Sum, s.Count, e.bounds
	series.Bins = append(series.Bins, e.bins[s]...)
	return series
}

func (e *prometheusEncoder) series(around *metric.Batch, s *metric.Sample, k prometheus.Kind, help string) prometheus.Series {
	e.names.set(around, s, "")
	labels := make([]prometheus.Label, 0, len(s.Tags)+len(e.extra))
	for _, t := range s.Tags {
		labels = append(labels, prometheus.Label{Name: t.Key, Value: t.Value})
	}
	return prometheus.Series{
		Family: prometheus.Name(e.names.name, k),
		Kind:   k,
		Help:   string(appendValid([]byte(help), s.Name)),
		Labels: prometheus.NewLabels(append(labels, e.extra...)...),
		Value:  s.Value(),
	}
}

// prometheusOutput is the output by file and by remote write.
type prometheusOutput struct {
	*output
	*prometheusEncoder
}
