package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// intoStore keeps what a flush gives, at the start of its interval.
type intoStore struct {
	*store.Writer
	intervalSec int64
}

// Put implements aggregate.Sink. A refusal is counted by the store.
func (i intoStore) Put(name []byte, m metric.Method, stamp int64, v float64) {
	i.Writer.Put(name, m, stamp-i.intervalSec, v)
}

// newNode makes what sums up for the listeners of the dialect statsd.
func (s *Server) newNode() error {
	interval := int64(10)
	if ms := s.opt.Node.FlushInterval; ms != 0 {
		interval = int64(time.Duration(ms) * time.Millisecond / time.Second)
	}
	var err error
	s.node, err = aggregate.NewNode(aggregate.NodeOptions{
		NodeConfig: s.opt.Node,
		Options:    aggregate.Options{Sink: intoStore{s.db.NewWriter(), interval}, Log: s.log},
	})
	return err
}

// listenStatsD takes lines over UDP and TCP. Several addresses feed one table.
func (s *Server) listenStatsD(address string) ([]listener, error) {
	if s.node == nil {
		if err := s.newNode(); err != nil {
			return nil, err
		}
	}
	receiver := func() ingest.Receiver { return s.node.Worker() }
	name := "statsd"
	if n := len(s.opt.StatsD); n > 1 {
		name = fmt.Sprintf("statsd%d", s.statsDs+1)
	}
	s.statsDs++
	tcp, err := s.tcp(ingest.TCPOptions{Name: name + "-tcp", Address: address}, receiver)
	if err != nil {
		return nil, err
	}
	udp, err := s.udp(ingest.UDPOptions{Name: name + "-udp", Address: tcp.Addr().String()}, receiver)
	if err != nil {
		return []listener{tcp}, err
	}
	return []listener{tcp, udp}, nil
}

// runNode flushes until ctx is done, and then what was sent since.
func (s *Server) runNode(ctx context.Context) error {
	s.node.Run(ctx)
	return nil
}
