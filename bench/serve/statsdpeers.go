//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/logmetrics/logmetrics/bench/process"
)

// statsdPeer is a server that sums up what datagrams say.
type statsdPeer struct {
	name     string
	port     int // of datagrams
	ready    int // a TCP port that it listens on
	graphite int // where it sends what it summed up
	argv     func(dir string) ([]string, error)
	// sum returns the sum of all counters, when the server has ended.
	sum func(dir string, s *sink) (float64, error)
}

func (p *statsdPeer) called() string { return p.name }

// statsdPeers are those that are there.
func statsdPeers(bin string) []*statsdPeer {
	list := []*statsdPeer{oursForStatsd(bin, "statsd"), oursForStatsd(bin, "brubeck")}
	if path := os.Getenv("BRUBECK"); path != "" {
		list = append(list, brubeck(path))
	} else {
		fmt.Println("left out: brubeck; its path can be in $BRUBECK")
	}
	if p := node(); p != nil {
		list = append(list, p)
	}
	return list
}

func newStatsdPeer(name string) *statsdPeer {
	return &statsdPeer{name: name, port: process.FreePort(), ready: process.FreePort(), graphite: process.FreePort()}
}

func oursForStatsd(bin, dialect string) *statsdPeer {
	p := newStatsdPeer("logmetrics, " + dialect)
	p.argv = func(dir string) ([]string, error) {
		return []string{bin, "serve", "--data=" + filepath.Join(dir, "data"), process.Loopback("--http", p.ready), fmt.Sprintf("--statsd=127.0.0.1:%d,%s", p.port, dialect),
			"--statsd-namespace=new", "--carbon=off", "--pickle=off", "--influx-udp=off"}, nil
	}
	p.sum = func(dir string, _ *sink) (float64, error) {
		got, err := ask(filepath.Join(dir, "data"))
		return got.Sum, err
	}
	return p
}

// node is npm's statsd, where tools/peers.sh puts it.
func node() *statsdPeer {
	cache, err := os.UserCacheDir()
	script := filepath.Join(cache, "logmetrics-test/node_modules/statsd/stats.js")
	if _, statErr := os.Stat(script); err != nil || statErr != nil {
		fmt.Println("left out, absent: npm's statsd")
		return nil
	}
	binary := process.Found("node")
	if binary == "" {
		return nil
	}
	p := newStatsdPeer("npm's statsd")
	p.argv = func(dir string) ([]string, error) {
		conf := filepath.Join(dir, "config.js")
		text := fmt.Sprintf(`{address: "127.0.0.1", port: %d, mgmt_port: %d, mgmt_address: "127.0.0.1", graphiteHost: "127.0.0.1", graphitePort: %d, flushInterval: %d, graphite: {legacyNamespace: false}}`,
			p.port, p.ready, p.graphite, flushEvery.Milliseconds())
		return []string{binary, script, conf}, os.WriteFile(conf, []byte(text), 0o644)
	}
	p.sum = func(_ string, s *sink) (float64, error) { return s.sum("stats.counters."), nil }
	return p
}

// brubeck is GitHub's, with one worker that takes 8 datagrams at a time, as its
// example has it.
func brubeck(path string) *statsdPeer {
	p := newStatsdPeer("brubeck")
	p.argv = func(dir string) ([]string, error) {
		conf := filepath.Join(dir, "config.json")
		text := fmt.Sprintf(`{"server_name": "own", "dumpfile": %q, "capacity": 17, "http": ":%d",
"backends": [{"type": "carbon", "address": "127.0.0.1", "port": %d, "frequency": %d}],
"samplers": [{"type": "statsd", "address": "127.0.0.1", "port": %d, "workers": 1, "multisock": true, "multimsg": %s}]}`,
			filepath.Join(dir, "dump"), p.ready, p.graphite, int(flushEvery.Seconds()), p.port, orElse(os.Getenv("BRUBECK_MULTIMSG"), "8"))
		// Its log, in which it complains of datagrams that it reads twice, would cost it as much as the rest.
		return []string{path, "--log", os.DevNull, "--config", conf}, os.WriteFile(conf, []byte(text), 0o644)
	}
	p.sum = func(_ string, s *sink) (float64, error) { return s.sum(""), nil }
	return p
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
