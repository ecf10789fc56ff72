//go:build linux

// Command query asks servers that keep metrics for the same, one after the other,
// each in a directory of its own and on the first CPU, and prints how long a
// client waits for the whole answer: the least of all rounds, and the median.
// Those that are absent are named and left out. The data is there, on disk and
// in the caches, before the first question.
//
// logmetrics, victoria-metrics and graphite-web are asked for values of 1000
// series, and for names out of 100 000; the first two out of a million, too.
// victoria-metrics is asked for values in its own language, where its
// /render is not in the package. graphite-web reads files of whisper's, with
// neither carbon nor memcached, on a clock that stands at their end. Sums of what is answered are checked.
//
// Usage: query [-rounds N] [-names N] [-only REGEXP] [-host HOST.PY] LOGMETRICS
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"github.com/logmetrics/logmetrics/bench/process"
)

var (
	rounds = flag.Int("rounds", 3, "times that each is started, loaded and asked")
	larger = flag.Int("names", 1_000_000, "names in the larger set, a multiple of 100 000; 0: none")
	only   = flag.String("only", "", "run what matches: 'values/logmetrics'")
	host   = flag.String("host", "internal/testutil/graphiteweb/host.py", "what runs graphite-web")
	seal   = flag.String("seal", "", "seal what this directory of logmetrics holds, and do no more")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *seal != "" {
		if err := sealAll(*seal); err != nil {
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
	peers := found(bin)
	sets := []set{values(), catalogue(100_000)}
	if *larger > 0 {
		sets = append(sets, catalogue(*larger))
	}
	for _, s := range sets {
		if err := s.race(peers, wanted); err != nil {
			log.Fatal(err)
		}
	}
}

// race asks all peers in turn, round by round, and prints the table.
func (s *set) race(peers []*peer, wanted *regexp.Regexp) error {
	t := newTable(s)
	for range *rounds {
		for _, p := range peers {
			if s.series > p.series || !wanted.MatchString(s.title+"/"+p.name) {
				continue
			}
			if err := s.measure(p, t); err != nil {
				return fmt.Errorf("%s, %s: %w", s.title, p.name, err)
			}
		}
	}
	t.print(peers)
	return nil
}
