//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// peer is a server under test. start starts it with the data of a set.
type peer struct {
	name   string
	ours   bool
	series int // at most
	start  func(s *set, dir string) (*server, error)
}

// found are the peers that are there; ours is the first.
func found(bin string) []*peer {
	list := []*peer{{"logmetrics", true, 1 << 30, startOurs(bin)}}
	if path := process.Found("victoria-metrics"); path != "" {
		list = append(list, &peer{"victoria-metrics", false, 1 << 30, startVictoria(path)})
	}
	if _, err := os.Stat("/usr/lib/python3/dist-packages/graphite/wsgi.py"); err == nil {
		list = append(list, &peer{"graphite-web", false, 100_000, startGraphiteWeb})
	} else {
		fmt.Println("left out, absent: graphite-web")
	}
	return list
}

// schemas says that we keep what the others are given.
const schemas = `[fine]
pattern = ^fine\.
retentions = 10s:2d
[all]
pattern = .*
retentions = 60s:2d
`

// startOurs loads a server, ends it, and starts it again when all is sealed, as it
// would be by itself after some minutes.
func startOurs(bin string) func(*set, string) (*server, error) {
	taken := regexp.MustCompile(`(?m)^logmetrics_ingest_points_total\{listener="carbon"\} (\S+)$`)
	return func(s *set, dir string) (*server, error) {
		line, http, data, file := process.FreePort(), process.FreePort(), filepath.Join(dir, "data"), filepath.Join(dir, "storage-schemas.conf")
		argv := []string{bin, "serve", "--data=" + data, "--schemas=" + file, process.Loopback("--http", http), process.Loopback("--carbon", line),
			"--pickle=off", "--statsd=off", "--influx-udp=off", "--max-series=2000000", "--max-new-series=2000000"}
		if err := os.WriteFile(file, []byte(schemas), 0o644); err != nil {
			return nil, err
		}
		p, err := process.Start(http, argv, dir)
		if err != nil {
			return nil, err
		}
		err = s.send(line, http, taken)
		p.End(syscall.SIGTERM)
		if err != nil {
			return nil, err
		}
		if out, err := exec.Command(os.Args[0], "-seal", data).CombinedOutput(); err != nil { // a store is to be closed by its owner only
			return nil, fmt.Errorf("seal: %w: %s", err, out)
		}
		p, err = process.Start(http, argv, dir)
		return &server{p, http, false}, err
	}
}

// sealAll opens the store in dir as of some time later, so that all buckets have closed.
func sealAll(dir string) error {
	kept, err := schema.Parse(schema.File{Name: "storage-schemas.conf", Text: schemas}, schema.File{})
	if err != nil {
		return err
	}
	db, err := store.Open(store.Options{Dir: dir, Schemas: kept, SealEvery: -1, Now: func() time.Time { return time.Now().Add(10 * time.Minute) }})
	if err != nil {
		return err
	}
	return errors.Join(db.Tend(context.Background()), db.Close())
}

func startVictoria(path string) func(*set, string) (*server, error) {
	taken := regexp.MustCompile(`(?m)^vm_rows_inserted_total\{type="graphite"\} (\S+)$`)
	return func(s *set, dir string) (*server, error) {
		line, http := process.FreePort(), process.FreePort()
		p, err := process.Start(http, []string{path, "-storageDataPath=" + filepath.Join(dir, "data"), process.Loopback("-graphiteListenAddr", line),
			process.Loopback("-httpListenAddr", http), "-retentionPeriod=1", "-search.maxUniqueTimeseries=2000000", "-search.disableCache",
			"-search.latencyOffset=0s"}, dir)
		if err != nil {
			return nil, err
		}
		if err = p.Answers(line); err == nil {
			err = s.send(line, http, taken)
		}
		if err == nil {
			_, err = process.Get(http, "/internal/force_flush")
		}
		if err != nil {
			p.End(syscall.SIGTERM)
		}
		return &server{p, http, true}, err
	}
}

// startGraphiteWeb starts it on files, and on a clock that stands at their end.
func startGraphiteWeb(s *set, dir string) (*server, error) {
	script, err := filepath.Abs(*host)
	if err = errors.Join(err, s.whisper(filepath.Join(dir, "whisper"))); err != nil {
		return nil, err
	}
	http, config := process.FreePort(), filepath.Join(dir, "config.json")
	text, err := json.Marshal(map[string]any{"dir": dir, "now": s.end, "port": http})
	if err = errors.Join(err, os.WriteFile(config, text, 0o644)); err != nil {
		return nil, err
	}
	p, err := process.Start(http, []string{"/usr/bin/env", "PYTHONDONTWRITEBYTECODE=1", "TZ=UTC", "/usr/bin/python3", script, config}, dir)
	return &server{p, http, false}, err
}
