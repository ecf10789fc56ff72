package serve

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// socket is what takes bytes from senders: [ingest.TCP] or [ingest.UDP].
type socket interface {
	Run(ctx context.Context, newReceiver func() ingest.Receiver) error
	Addr() net.Addr
	Close() error
	Figures() []telemetry.Figure
}

// listener is a socket with what makes its receivers.
type listener struct {
	name string
	socket
	receiver func() ingest.Receiver
}

func (l *listener) run(ctx context.Context) error { return l.socket.Run(ctx, l.receiver) }

// protocol opens the listeners of one port.
type protocol func(s *Server, address string) ([]listener, error)

// protocolOf returns the protocol of a flag that knows no token, nil for others.
func protocolOf(flag string) protocol {
	switch flag {
	case "carbon":
		return (*Server).listenCarbon
	case "pickle":
		return (*Server).listenPickle
	case "influx-udp":
		return (*Server).listenInflux
	}
	return nil
}

// listenCarbon takes lines over TCP and UDP. A sender that ends its stream without
// a line's end has sent a line, as carbon sees it.
func (s *Server) listenCarbon(address string) ([]listener, error) {
	points := s.points("carbon", ingest.NewCarbon)
	tcp, err := s.tcp(ingest.TCPOptions{Name: "carbon-tcp", Address: address, Tail: true}, points.Receiver)
	if err != nil {
		return nil, err
	}
	udp, err := s.udp(ingest.UDPOptions{Name: "carbon-udp", Address: tcp.Addr().String()}, points.Receiver)
	if err != nil {
		return []listener{tcp}, err
	}
	return []listener{tcp, udp}, nil
}

func (s *Server) listenPickle(address string) ([]listener, error) {
	points := s.points("pickle", ingest.NewPickle)
	tcp, err := s.tcp(ingest.TCPOptions{Name: "pickle-tcp", Address: address, Framing: ingest.Frames}, points.Receiver)
	if err != nil {
		return nil, err
	}
	return []listener{tcp}, nil
}

func (s *Server) listenInflux(address string) ([]listener, error) {
	points := s.points("influx", ingest.NewInflux)
	udp, err := s.udp(ingest.UDPOptions{Name: "influx-udp", Address: address}, points.Receiver)
	if err != nil {
		return nil, err
	}
	return []listener{udp}, nil
}

// points makes what takes a protocol's points, and has its figures told.
func (s *Server) points(name string, newPoints func(ingest.PointsOptions) *ingest.Points) *ingest.Points {
	p := newPoints(ingest.PointsOptions{Name: name, Log: s.log, NewWriter: func() ingest.Writer { return s.db.NewWriter() }})
	s.ingested = append(s.ingested, p.Figures)
	return p
}

func (s *Server) tcp(opt ingest.TCPOptions, receiver func() ingest.Receiver) (listener, error) {
	opt.MaxConnections, opt.Allow, opt.Log = s.opt.MaxConnections, s.opt.allowedAt(opt.Address), s.log
	l, err := ingest.ListenTCP(opt)
	if err != nil {
		return listener{}, err
	}
	s.ingested = append(s.ingested, l.Figures)
	return listener{opt.Name, l, receiver}, nil
}

func (s *Server) udp(opt ingest.UDPOptions, receiver func() ingest.Receiver) (listener, error) {
	opt.Allow, opt.Log = s.opt.allowedAt(opt.Address), s.log
	l, err := ingest.ListenUDP(opt)
	if err != nil {
		return listener{}, err
	}
	s.ingested = append(s.ingested, l.Figures)
	return listener{opt.Name, l, receiver}, nil
}

// allowedAt are the networks that may send to an address; none: all that reach it.
// This machine itself always may.
func (o *Options) allowedAt(address string) []netip.Prefix {
	if len(o.Allow) == 0 || access.Loopback(address) {
		return nil
	}
	return slices.Concat(o.Allow, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
}

// stages tell of each part what it has done, and whether it does what it should.
func (s *Server) stages() []telemetry.Stage {
	ingested := telemetry.Stage{Name: "ingest"}
	for _, figures := range s.ingested {
		ingested.Figures = append(ingested.Figures, figures()...)
	}
	list := []telemetry.Stage{ingested}
	if figures := s.aggregated(); figures != nil {
		list = append(list, telemetry.Stage{Name: "aggregate", Figures: figures})
	}
	if s.web != nil {
		list = append(list, telemetry.Stage{Name: "http", Figures: append(s.web.figures(), s.guard.Figures()...)})
		list = append(list, telemetry.Stage{Name: "query", Figures: s.graphite.Figures()})
	}
	return append(list, telemetry.Stage{Name: "store", Figures: s.storeFigures()}, s.account.stage())
}
