//go:build linux

// Command serve loads servers that keep metrics, one after the other, each in a
// directory of its own, and prints what each took. Those that are absent are
// named and left out. The server has the first CPU to itself, the load comes
// from the others; lines and datagrams are made beforehand.
//
// Carbon's lines go into logmetrics, victoria-metrics and carbon-cache: points a
// second, CPU, memory, bytes on disk, the time to start again after kill -9, and
// what was lost by that. Datagrams of statsd go into logmetrics, in both of its
// dialects, npm's statsd, and brubeck, whose path is in $BRUBECK: lines a second,
// CPU, and what was lost for want of it; and what a flush takes.
//
// Usage: serve [-rounds N] [-series N] [-steps N] [-only REGEXP] LOGMETRICS
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

var (
	rounds  = flag.Int("rounds", 3, "times that each is loaded; medians are shown")
	series  = flag.Int("series", 100_000, "series of carbon's lines")
	steps   = flag.Int("steps", 60, "points of each, 10 s apart")
	seconds = flag.Int("seconds", 5, "how long datagrams are sent, below 8")
	only    = flag.String("only", "", "run what matches: 'carbon, shuffled/logmetrics'")
	inspect = flag.String("inspect", "", "look into this directory of logmetrics, and print what is there as JSON")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *inspect != "" {
		if err := printStored(*inspect); err != nil {
			log.Fatal(err)
		}
		return
	}
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	bin, err := filepath.Abs(flag.Arg(0)) // servers run elsewhere
	if err = errors.Join(err, process.LeaveFirstCPU()); err != nil {
		log.Fatal(err)
	}
	takers, counters := carbonPeers(bin), statsdPeers(bin)
	for _, c := range carbonCases() {
		race(c.title, takers, wanted, carbonHead, c.filed, showCarbon)
	}
	for _, c := range killCases() {
		race(c.title, takers, wanted, killHead, c.killed, showKill)
	}
	for _, c := range flushCases() {
		race(c.title, counters, wanted, flushHead, c.measure, showFlush)
	}
	for _, c := range statsdCases() {
		race(c.title, counters, wanted, statsdHead, c.measure, showStatsd)
	}
}

// contender is a server under test, of either kind.
type contender interface{ called() string }

// race measures all in turn, round by round, and shows the medians.
func race[P contender, R any](title string, list []P, wanted *regexp.Regexp, head string, measure func(P) (R, error), show func(string, []R)) {
	results := map[string][]R{}
	for range *rounds {
		for _, p := range list {
			if !wanted.MatchString(title + "/" + p.called()) {
				continue
			}
			r, err := measure(p)
			if err != nil {
				log.Fatalf("%s, %s: %v", title, p.called(), err)
			}
			results[p.called()] = append(results[p.called()], r)
		}
	}
	if len(results) == 0 {
		return
	}
	fmt.Printf("\n== %s, %s\n%s\n", title, time.Now().UTC().Format(time.DateTime), head)
	for _, p := range list {
		if r := results[p.called()]; len(r) > 0 {
			show(p.called(), r)
		}
	}
}
