package serve

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/metric"
)

// aggregator sums up what StatsD clients send, in one dialect.
type aggregator interface {
	Worker() *aggregate.Worker
	Run(ctx context.Context)
	Figures() []telemetry.Figure
}

// intoStore keeps what a flush gives, at the start of its interval.
type intoStore struct {
	w           *store.Writer
	intervalSec int64
	held        int // values that were not handed on yet
}

// maxHeld is how many values wait while the disk is full: 16 bytes each, and
// their names when these are new.
const maxHeld = 1 << 20

// Put implements aggregate.Sink. A refusal is counted by the store.
func (i *intoStore) Put(name []byte, m metric.Method, stamp int64, v float64) {
	i.w.Put(name, m, stamp-i.intervalSec, v)
	i.held++
}

// Add implements aggregate.Sink.
func (i *intoStore) Add(name []byte, m metric.Method, stamp int64, v float64) {
	i.w.Add(name, m, stamp-i.intervalSec, v)
	i.held++
}

// Flush implements aggregate.Sink. What the disk does not take is handed on with
// the next flush, unless it is too much by then.
func (i *intoStore) Flush() error {
	err := i.w.Flush()
	switch {
	case err == nil:
		i.held = 0
	case i.held > maxHeld:
		err = fmt.Errorf("%d values are dropped: %w", i.held, err)
		i.w.Reset()
		i.held = 0
	}
	return err
}

// defaultFlush is both daemons' own.
const defaultFlush = 10 * time.Second

// aggregation are the options of a dialect that flushes at an interval.
func (s *Server) aggregation(interval time.Duration) (opt aggregate.Options, err error) {
	if interval == 0 {
		interval = defaultFlush
	}
	opt = aggregate.Options{Sink: &intoStore{w: s.db.NewWriter(), intervalSec: int64(interval / time.Second)}, Debug: s.opt.Debug, Log: s.log}
	if s.opt.Forward != "" {
		opt.Forward, err = aggregate.NewForwarder(aggregate.ForwardOptions{Address: s.opt.Forward, Log: s.log})
	}
	return opt, err
}

// newAggregator makes what sums up in one dialect: what serves several addresses
// feeds one table.
func (s *Server) newAggregator(brubeck bool) (aggregator, error) {
	if brubeck {
		opt, err := s.aggregation(time.Duration(s.opt.Brubeck.Frequency) * time.Second)
		if err != nil {
			return nil, err
		}
		return aggregate.NewBrubeck(aggregate.BrubeckOptions{BrubeckConfig: s.opt.Brubeck, Options: opt, Version: s.opt.Version})
	}
	opt, err := s.aggregation(time.Duration(s.opt.Node.FlushInterval) * time.Millisecond)
	if err != nil {
		return nil, err
	}
	node, err := aggregate.NewNode(aggregate.NodeOptions{NodeConfig: s.opt.Node, Options: opt})
	s.node = node
	return node, err
}

// listenStatsD takes lines over UDP and TCP.
func (s *Server) listenStatsD(l StatsD, name string) ([]listener, error) {
	if s.dialects[l.Brubeck] == nil {
		a, err := s.newAggregator(l.Brubeck)
		if err != nil {
			return nil, err
		}
		s.dialects[l.Brubeck] = a
	}
	receiver := func() ingest.Receiver { return s.dialects[l.Brubeck].Worker() }
	tcp, err := s.tcp(ingest.TCPOptions{Name: name + "-tcp", Address: l.Address}, receiver)
	if err != nil {
		return nil, err
	}
	udp, err := s.udp(ingest.UDPOptions{Name: name + "-udp", Address: tcp.Addr().String()}, receiver)
	if err != nil {
		return []listener{tcp}, err
	}
	if u, ok := s.dialects[l.Brubeck].(*aggregate.Brubeck); ok {
		u.Samples(tcp.Addr().String())
	}
	return []listener{tcp, udp}, nil
}

// listenAllStatsD opens all addresses of StatsD. Those behind the first have a
// number in their name.
func (s *Server) listenAllStatsD() error {
	for i, l := range s.opt.StatsD {
		name := "statsd"
		if i > 0 {
			name = fmt.Sprintf("statsd%d", i+1)
		}
		list, err := s.listenStatsD(l, name)
		s.listeners = append(s.listeners, list...)
		if err != nil {
			return fmt.Errorf("--statsd: %w", err)
		}
	}
	return nil
}

// listenAdmin opens the port of the text commands.
func (s *Server) listenAdmin() error {
	if s.opt.StatsDAdmin == "" {
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", s.opt.StatsDAdmin)
	if err != nil {
		return fmt.Errorf("--statsd-admin: %w", err)
	}
	s.admin = &allowing{Listener: l, networks: s.opt.allowedAt(s.opt.StatsDAdmin)}
	return nil
}

// allowing is a listener that lets only some networks in; none: all.
type allowing struct {
	net.Listener
	networks []netip.Prefix
}

// Accept implements net.Listener.
func (a *allowing) Accept() (net.Conn, error) {
	for {
		c, err := a.Listener.Accept()
		if err != nil || len(a.networks) == 0 {
			return c, err
		}
		from := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
		for _, p := range a.networks {
			if p.Contains(from) {
				return c, nil
			}
		}
		_ = c.Close() // it is not one of ours
	}
}

// aggregating are the parts that sum up.
func (s *Server) aggregating() (list []part) {
	if s.admin != nil {
		list = append(list, part{"statsd-admin", func(ctx context.Context) error { return s.node.ServeAdmin(ctx, s.admin) }})
	}
	for _, brubeck := range []bool{false, true} {
		if a := s.dialects[brubeck]; a != nil {
			list = append(list, part{dialectName(brubeck), func(ctx context.Context) error { a.Run(ctx); return nil }})
		}
	}
	return list
}

func dialectName(brubeck bool) string {
	if brubeck {
		return "brubeck"
	}
	return "statsd"
}

// aggregated are the figures of what sums up, told apart by the dialect.
func (s *Server) aggregated() (list []telemetry.Figure) {
	for _, brubeck := range []bool{false, true} {
		a := s.dialects[brubeck]
		if a == nil {
			continue
		}
		label := []telemetry.Label{{Key: "dialect", Value: dialectName(brubeck)}}
		for _, f := range a.Figures() {
			f.Labels = label
			list = append(list, f)
		}
	}
	return list
}
