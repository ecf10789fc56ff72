package outputs

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// scrape is the output whose page others fetch. A batch is taken when there is
// a page that holds it; it is shown when that is kept.
type scrape struct {
	*prometheusEncoder
	server  *PrometheusServer
	address string           // host:port
	next    *prometheus.Page // of what was written
	shown   atomic.Pointer[prometheus.Page]
	joined  *scrapeListener // nil: not started, or closed
}

func newScrape(opt Options, e *prometheusEncoder) (Output, error) {
	to, err := networkOf(opt, PrometheusScrape, map[string]int{PrometheusScrape: 9145})
	if err != nil {
		return nil, err
	}
	if opt.DryRun != nil {
		return &prometheusOutput{newOutput(opt, e, nil, dryRun{to: to, what: "page"}), e}, nil
	}
	s := &scrape{prometheusEncoder: e, server: opt.Prometheus.Server, address: to.Target}
	if s.server == nil {
		s.server = new(PrometheusServer)
	}
	e.render = func(p *prometheus.Page, _ *metric.Batch, _ func([]byte) error) error {
		s.next = p
		return nil
	}
	s.next = new(prometheus.Page)
	s.Publish()
	return s, nil
}

// Start implements Starter: it listens.
func (s *scrape) Start(ctx context.Context) (err error) {
	if s.joined, err = s.server.join(ctx, s.address, s); err != nil {
		return fmt.Errorf("prometheus: %w", err)
	}
	return nil
}

// Restore implements Stateful. What was kept is shown before the first batch.
func (s *scrape) Restore(memo []byte) error {
	err := s.totals.Restore(memo)
	s.next = s.page(new(metric.Batch))
	s.Publish()
	return err
}

// Publish implements Publisher: a page that a kill could take back would be a
// counter that falls.
func (s *scrape) Publish() { s.shown.Store(s.next) }

// Write implements Output.
func (s *scrape) Write(ctx context.Context, b *metric.Batch) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("show batch: %w", err)
	}
	if s.joined == nil {
		return fmt.Errorf("prometheus: a page on %s is of use only to a process that stays, and starts it", s.address)
	}
	if err := s.joined.failure(); err != nil {
		return fmt.Errorf("prometheus: serve %s: %w", s.address, err)
	}
	return s.encode(b, nil)
}

// Close implements Output.
func (s *scrape) Close() error {
	if s.joined == nil {
		return nil
	}
	s.joined = nil
	return s.server.leave(s.address, s)
}
