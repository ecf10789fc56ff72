// Package serve is the life cycle of the backend: it opens the store and the
// listeners, runs them beside each other, and ends them in the order in which
// data goes through them, so that what was taken is kept.
//
// It promises that the first part that fails ends all, that the end comes within
// [EndTime], that a reload with a mistake changes nothing, and that whoever may
// not do something is refused before anything is read of the request
// ([access]). It understands no protocol and aggregates nothing: the packages
// below it do. Start from [Open] and [Server].
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	pages "github.com/logmetrics/logmetrics/internal/serve/web"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// EndTime is how long parts may take for their end when they are told to.
const EndTime = 4500 * time.Millisecond

// defaultMaxConnections is for Options.MaxConnections.
const defaultMaxConnections = 1024

// Server is a backend whose store and listeners are open. Run runs it, once;
// its other methods may be called by any goroutine.
type Server struct {
	opt   Options
	log   *slog.Logger
	began time.Time

	db          *store.DB
	tokens      *access.Tokens
	certificate *certificate // nil: plain HTTP
	guard       *access.Guard
	page        http.Handler
	web         *web // nil: no HTTP, and none of the next three
	samples     *ingest.HTTP
	gatherer    *ingest.Gatherer
	graphite    *graphiteapi.API
	listeners   []listener
	ingested    []func() []telemetry.Figure // of all that take something from clients
	dialects    map[bool]aggregator         // by whether it is brubeck
	node        *aggregate.Node             // of dialects; nil: none listens
	admin       *allowing                   // nil: node's commands are not listened for
	account     *account

	backups sync.Mutex // one is made at a time

	ending atomic.Bool
	reload atomic.Pointer[telemetry.Reload]
}

// Open checks the options, then opens the store and all listeners. From then on
// the system holds what is sent until Run takes it. After an error nothing is
// open.
func Open(opt Options) (*Server, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	s := &Server{opt: opt, log: opt.Log, began: time.Now(), dialects: make(map[bool]aggregator)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.reload.Store(&telemetry.Reload{OK: true, At: time.Now()})
	return s, nil
}

// open opens all, in such an order that what is wrong with files is found before
// anything is made or listened to.
func (s *Server) open() (err error) {
	schemas, err := schema.Load(s.opt.Schemas, s.opt.Aggregation)
	if err != nil {
		return err
	}
	if s.opt.TLSCert != "" {
		if s.certificate, err = loadCertificate(s.opt.TLSCert, s.opt.TLSKey); err != nil {
			return err
		}
	}
	if s.opt.TokenFile != "" {
		if s.tokens, err = access.OpenTokens(s.opt.TokenFile); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.opt.Data, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	s.db, err = store.Open(store.Options{Dir: s.opt.Data, Schemas: schemas, MaxSeries: s.opt.MaxSeries, MaxNewSeries: s.opt.MaxNewSeries, Log: s.log})
	if err != nil {
		return err
	}
	if s.tokens == nil {
		if s.tokens, err = access.MakeTokens(filepath.Join(s.opt.Data, "token")); err != nil {
			return err
		}
	}
	s.account = newAccount(s.db.NewWriter(), s.db.Sync, s.stages)
	return s.listen()
}

// listen opens all sockets, HTTP's last: whoever is answered there finds the others
// open.
func (s *Server) listen() error {
	if err := s.listenAllStatsD(); err != nil {
		return err
	}
	if err := s.listenAdmin(); err != nil {
		return err
	}
	for _, p := range s.opt.ports() {
		open := protocolOf(p.flag)
		if open == nil {
			continue // StatsD's, which are open
		}
		list, err := open(s, p.address)
		s.listeners = append(s.listeners, list...)
		if err != nil {
			return fmt.Errorf("--%s: %w", p.flag, err)
		}
	}
	if s.opt.HTTP == "" {
		return nil
	}
	return s.listenHTTP()
}

func (s *Server) listenHTTP() error {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", s.opt.HTTP)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	s.web = &web{listener: l, certificate: s.certificate, maxConnections: int64(cmp.Or(s.opt.MaxConnections, defaultMaxConnections)), log: s.log}
	s.guard, err = access.New(access.Options{Tokens: s.tokens, Hosts: s.opt.Hosts, Beyond: !access.Loopback(s.opt.HTTP), TokenReads: s.opt.TokenReads, Origins: s.opt.Origins})
	if err != nil {
		return fmt.Errorf("--origins: %w", err)
	}
	if s.page, err = pages.Handler(); err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	s.receiveHTTP()
	return s.answerGraphite()
}

// close closes what is open.
func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	if s.web != nil {
		if err := s.web.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.admin != nil {
		if err := s.admin.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close the store: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Run takes what is sent until ctx is done or a part fails; then all end, and
// what was taken is kept when it returns, unless it tells otherwise.
func (s *Server) Run(ctx context.Context) error {
	for _, a := range s.Addresses() {
		s.log.Info("listening", "source", a.Name, "address", a.Address)
	}
	s.log.Info("ready", "data", s.opt.Data, "pid", os.Getpid())
	defer context.AfterFunc(ctx, func() { s.ending.Store(true) })()
	err := runParts(ctx, s.parts(), EndTime)
	if errors.Is(err, errHangs) {
		return err // what hangs may still use the store
	}
	return errors.Join(err, s.close())
}

// parts are what runs, in the order in which data goes through them.
func (s *Server) parts() (list []part) {
	for _, l := range s.listeners {
		list = append(list, part{l.name, l.run})
	}
	list = append(list, s.aggregating()...)
	if s.web != nil {
		h := s.web.handler(s.guard, s.routes())
		list = append(list, part{"http", func(ctx context.Context) error { return s.web.run(ctx, h) }})
	}
	return append(list, part{"account", s.account.run})
}

// Address is where something listens.
type Address struct{ Name, Address string }

// Addresses are where the server listens, with the ports that the system chose.
func (s *Server) Addresses() (list []Address) {
	if s.web != nil {
		list = append(list, Address{"http", s.web.listener.Addr().String()})
	}
	for _, l := range s.listeners {
		list = append(list, Address{l.name, l.Addr().String()})
	}
	if s.admin != nil {
		list = append(list, Address{"statsd-admin", s.admin.Addr().String()})
	}
	return list
}

// URL is where HTTP is spoken, "" where it is not, and a token for it.
func (s *Server) URL() (url, token string) {
	if s.web == nil {
		return "", ""
	}
	scheme := "http"
	if s.certificate != nil {
		scheme = "https"
	}
	token, err := s.tokens.First()
	if err != nil {
		return "", ""
	}
	return scheme + "://" + s.web.listener.Addr().String(), token
}
