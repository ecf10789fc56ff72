package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
)

// serveCmd receives, aggregates and keeps what others send, until it is ended.
type serveCmd struct {
	listenFlags
	aggregateFlags
	storeFlags
	accessFlags
	clusterFlags
	limitFlags
	Config string `group:"process" type:"path" placeholder:"FILE" help:"YAML file with these flags by their names, and sections statsd and brubeck with those daemons' own settings."`
	Debug  bool   `group:"process" help:"Say on stderr what is done."`

	sections serveSections
}

// serveSections are what a file has beside flags.
type serveSections struct {
	node    aggregate.NodeConfig
	brubeck aggregate.BrubeckConfig
}

// listenFlags say where to listen.
type listenFlags struct {
	HTTP        string   `group:"listen" name:"http" default:"127.0.0.1:8080" help:"HTTP: Influx, Prometheus remote write, OTLP, batches of logmetrics itself, /metrics, /readyz. Of this and the following 'off' is none, a PORT is one of 127.0.0.1."`
	Statsd      []string `group:"listen" sep:"none" default:"127.0.0.1:8125" help:"StatsD, UDP and TCP; may be repeated. DIALECT is statsd, as Etsy's daemon has it, or brubeck."`
	StatsdAdmin string   `group:"listen" default:"off" help:"The text commands of statsd's daemon; its own port is 8126."`
	Carbon      string   `group:"listen" default:"127.0.0.1:2003" help:"Carbon's lines, TCP and UDP."`
	Pickle      string   `group:"listen" default:"127.0.0.1:2004" help:"Carbon's pickles, TCP."`
	InfluxUDP   string   `group:"listen" name:"influx-udp" default:"127.0.0.1:8092" help:"Influx lines, UDP."`
}

// aggregateFlags are what most users of statsd's daemon set; a file may say more.
type aggregateFlags struct {
	StatsdFlush       time.Duration `group:"aggregate" placeholder:"TIME" help:"How often what StatsD clients sent is summed up and kept: whole seconds, 10s without it."`
	StatsdPercentiles []string      `group:"aggregate" placeholder:"P" help:"Percentiles of timers, 90 without it; a negative one is of the largest values."`
	StatsdNamespace   string        `group:"aggregate" placeholder:"NAME" help:"Names of counters: stats_counts.X and stats.X (legacy, as without it), or stats.counters.X.count and .rate (new)."`
	StatsdDeleteIdle  []string      `group:"aggregate" placeholder:"KIND" help:"Keep nothing of names that nothing was sent for: off, as without it, all, or some of counters, timers, sets, gauges."`
	StatsdDebug       string        `group:"aggregate" type:"pattern" placeholder:"REGEX" help:"Print what StatsD clients send: all, or the lines that match --statsd-debug=REGEX."`
	Forward           string        `group:"aggregate" placeholder:"HOST[:PORT]" help:"Send what is summed up to another Graphite, too, as lines over TCP."`
}

// storeFlags say what is kept, and where.
type storeFlags struct {
	dataFlags
	schemaFlags // SIGHUP has the files read again
}

// accessFlags say who may do what.
type accessFlags struct {
	TokenFile  string   `group:"access" type:"path" placeholder:"FILE" help:"Tokens that change things, one a line; SIGHUP has it read again. Default DIR/token in --data, made at the first start."`
	TokenReads bool     `group:"access" help:"Reads need a token, too."`
	Allow      []string `group:"access" placeholder:"CIDR" help:"Who may send to StatsD, carbon, pickle and Influx ports that are reached from beyond this machine."`
	Insecure   bool     `group:"access" help:"Everybody may, who reaches them."`
	Hosts      []string `group:"access" placeholder:"NAME" help:"Names by which HTTP clients may ask for this server, beside localhost and its addresses."`
	Origins    []string `group:"access" placeholder:"URL" help:"Origins whose pages may ask this server, as https://dash.example.org."`
	TLSCert    string   `group:"access" name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate, with its chain, for HTTPS; SIGHUP has it read again."`
	TLSKey     string   `group:"access" name:"tls-key" type:"path" placeholder:"FILE" help:"Its key."`
}

// clusterFlags are about other nodes of a Graphite cluster.
type clusterFlags struct {
	Remote        []string      `group:"access" placeholder:"URL" help:"Other nodes, as http://host:8080, ours or graphite-web: queries are answered from what all have."`
	RemoteTimeout time.Duration `group:"access" default:"6s" help:"Time that each may take for its part."`
}

// limitFlags bound what clients can use up.
type limitFlags struct {
	MaxConnections int `group:"limits" default:"1024" help:"Connections of each TCP port; more are closed at once."`
	MaxSeries      int `group:"limits" default:"1000000" help:"Series that are kept; new names beyond them are refused."`
	MaxNewSeries   int `group:"limits" default:"100000" help:"New names in a second, on average of ten; those beyond are refused."`

	Queries     int           `group:"limits" default:"4" help:"Queries of /render that are worked on at once; 100 more wait."`
	QueryTime   time.Duration `group:"limits" default:"10s" help:"Time that a query may take."`
	QuerySeries int           `group:"limits" default:"100000" help:"Series that a query may read."`
	QueryPoints int           `group:"limits" default:"16777216" help:"Points that a query may read."`
	QueryMemory size          `group:"limits" default:"256MiB" help:"Memory for the values of all queries."`
	MaxPixels   int           `group:"limits" default:"8388608" help:"Pixels of a picture."`
}

// Run serves until ctx is done.
func (k *serveCmd) Run(ctx context.Context, c *console) error {
	giveBack()
	k, err := k.withFile(c)
	if err != nil {
		return err
	}
	log, _ := c.logger(k.Debug, "") // on stderr, which stays open
	opt, err := k.options(c, log)
	if err != nil {
		return err
	}
	syscall.Umask(0o077) // libraries make files that all may read
	s, err := serve.Open(opt)
	if err != nil {
		return err
	}
	k.announce(c, s)
	return runServer(ctx, s, log)
}

// runServer runs s, and beside it what tells systemd, and what SIGHUP asks for.
func runServer(ctx context.Context, s *serve.Server, log *slog.Logger) error {
	beside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d := newSystemd(log)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { d.run(beside, func() condition { return conditionOf(s.Report()) }) })
	all.Go(func() { keepMemory(beside, s.QueryMemory) })
	all.Go(func() { reloadOn(beside, hup, s, d) })
	defer context.AfterFunc(ctx, d.stopping)()
	return s.Run(ctx)
}

// reloadOn has s read its files again at each signal.
func reloadOn(ctx context.Context, hup <-chan os.Signal, s *serve.Server, d *systemd) {
	for {
		select {
		case <-hup:
			d.reloading()
			s.Reload()
			d.reloaded()
		case <-ctx.Done():
			return
		}
	}
}

// announce says to someone at a terminal where the server is; to others each
// listener is said by the log.
func (k *serveCmd) announce(c *console, s *serve.Server) {
	url, token := s.URL()
	if !c.terminal || url == "" {
		return
	}
	fmt.Fprintf(c.stderr, "logmetrics: %s/#token=%s\n", url, token)
}

// debugging returns what --statsd-debug prints with; nil without it.
func (k *serveCmd) debugging(c *console) (*aggregate.Debug, error) {
	if k.StatsdDebug == "" {
		return nil, nil
	}
	match, err := regexp.Compile(k.StatsdDebug)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--statsd-debug: %v", err)}
	}
	return aggregate.NewDebug(c.stdout, match), nil
}
