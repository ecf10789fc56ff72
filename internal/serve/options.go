package serve

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/serve/cluster"
)

// Options say what a server listens to, who may do what, and what it keeps.
// Addresses are HOST:PORT; "" is not to listen.
type Options struct {
	Data string // directory of the store, of the token that is made, and of backups; made when missing

	HTTP           string
	Carbon, Pickle string
	InfluxUDP      string
	StatsD         []StatsD

	StatsDAdmin string // of the text commands of statsd's own daemon

	Node    aggregate.NodeConfig    // of the dialect statsd
	Brubeck aggregate.BrubeckConfig // of the dialect brubeck
	Forward string                  // a Graphite that is sent what was summed up, too
	Debug   *aggregate.Debug        // nil: what StatsD clients send is not printed

	Schemas, Aggregation string // files in Graphite's syntax; "": what is built in

	TokenFile       string         // "": Data/token, made when missing
	TokenReads      bool           // reads need a token
	Allow           []netip.Prefix // who may send beyond loopback to ports that know no token
	Insecure        bool           // everybody may
	Hosts           []string       // names that HTTP clients may ask for
	TLSCert, TLSKey string         // files; "": plain HTTP

	Origins       []string      // of pages that may ask, as "https://dash.example.org"
	Remote        []string      // URLs of nodes of a Graphite cluster, whose answers are part of ours
	RemoteTimeout time.Duration // that each may take; 0: as cluster has it

	MaxConnections int // of each TCP listener; 0: 1024
	MaxSeries      int // 0: as store has it
	MaxNewSeries   int // a second, on average; 0: as store has it

	Queries QueryOptions

	Version string       // of the program
	Log     *slog.Logger // nil: none
}

// QueryOptions bound what is asked of /render. Zero fields are as graphiteapi, query and picture have them.
type QueryOptions struct {
	AtOnce int           // queries that are worked on
	Time   time.Duration // of one
	Series int           // that one may read
	Points int           // that one may read
	Bytes  int64         // of the values of all
	Pixels int           // of a picture
}

// StatsD is where StatsD clients send to, and how they are understood.
type StatsD struct {
	Address string
	Brubeck bool // as brubeck does; else as statsd's own daemon does
}

// Check says what is wrong with the options, all of it, in the words of the
// command's flags. It opens nothing.
func (o *Options) Check() error {
	var errs []error
	for _, l := range o.ports() {
		if err := checkAddress(l.address); err != nil {
			errs = append(errs, fmt.Errorf("--%s=%s: %w", l.flag, l.address, err))
			continue
		}
		if access.Loopback(l.address) || o.Insecure || len(o.Allow) > 0 {
			continue
		}
		errs = append(errs, fmt.Errorf("--%s=%s is reached from beyond this machine, and its protocol knows no password: "+
			"--allow=CIDR,... says who may send, --insecure that everybody may, --%s=127.0.0.1:PORT keeps it to this machine", l.flag, l.address, l.flag))
	}
	node := slices.ContainsFunc(o.StatsD, func(l StatsD) bool { return !l.Brubeck })
	if o.StatsDAdmin != "" && !node {
		errs = append(errs, errors.New("--statsd-admin has nothing to tell of without --statsd=ADDR"))
	}
	if len(o.Allow) > 0 && o.Insecure {
		errs = append(errs, errors.New("--allow and --insecure say different things"))
	}
	if _, err := access.New(access.Options{Origins: o.Origins}); err != nil {
		errs = append(errs, fmt.Errorf("--origins: %w", err))
	}
	for _, u := range o.Remote {
		if err := cluster.Check(u); err != nil {
			errs = append(errs, fmt.Errorf("--remote: %w", err))
		}
	}
	if o.Forward != "" {
		if err := checkAddress(o.Forward); err != nil {
			errs = append(errs, fmt.Errorf("--forward=%s: %w", o.Forward, err))
		}
	}
	return errors.Join(append(errs, o.checkHTTP()...)...)
}

func (o *Options) checkHTTP() (errs []error) {
	if o.HTTP != "" {
		if err := checkAddress(o.HTTP); err != nil {
			errs = append(errs, fmt.Errorf("--http=%s: %w", o.HTTP, err))
		} else if !access.Loopback(o.HTTP) && o.TokenFile == "" {
			errs = append(errs, fmt.Errorf("--http=%s is reached from beyond this machine, so who sends or changes something must know a token: "+
				"--token-file=FILE names a file with one, which head -c32 /dev/urandom | base64 can make, and clients send it as Authorization: Bearer TOKEN; "+
				"--http=127.0.0.1:PORT keeps it to this machine", o.HTTP))
		}
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		errs = append(errs, errors.New("--tls-cert and --tls-key go together"))
	}
	return errs
}

// port is an address at which a protocol is spoken that knows no token.
type port struct{ flag, address string }

// ports returns those that are listened to.
func (o *Options) ports() (list []port) {
	for _, l := range o.StatsD {
		list = append(list, port{"statsd", l.Address})
	}
	for _, p := range []port{{"statsd-admin", o.StatsDAdmin}, {"carbon", o.Carbon}, {"pickle", o.Pickle}, {"influx-udp", o.InfluxUDP}} {
		if p.address != "" {
			list = append(list, p)
		}
	}
	return list
}

// checkAddress refuses what is not HOST:PORT.
func checkAddress(address string) error {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("it is not HOST:PORT")
	}
	if _, err := strconv.ParseUint(text, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port: 1 to 65535, or 0 for one that the system chooses", text)
	}
	return nil
}
