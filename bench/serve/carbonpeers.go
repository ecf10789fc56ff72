//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/logmetrics/logmetrics/bench/process"
)

// carbonPeer is a server that takes carbon's lines, and how to ask it what it has.
type carbonPeer struct {
	name   string
	series int // at most, so that a slow one ends
	line   int // port
	ready  int // a TCP port on which it listens when it can be asked
	argv   func(dir string) ([]string, error)
	taken  func(dir string) (int64, error)         // points since its start
	file   func(s *started, r *carbonResult) error // has it write what it holds back
	// look counts what can be read, and what it takes. The server may be ended by it.
	look func(s *started, l *points, r *carbonResult) error
}

func (p *carbonPeer) called() string { return p.name }

// started is a peer that runs, with a directory of its own.
type started struct {
	*carbonPeer
	*process.Process
	dir string
}

func (p *carbonPeer) start(dir string) (*started, error) {
	argv, err := p.argv(dir)
	if err != nil {
		return nil, err
	}
	proc, err := process.Start(p.ready, argv, dir)
	return &started{p, proc, dir}, err
}

// carbonPeers are those that are there.
func carbonPeers(bin string) []*carbonPeer {
	list := []*carbonPeer{oursForCarbon(bin)}
	if path := process.Found("victoria-metrics"); path != "" {
		list = append(list, victoria(path))
	}
	if path := process.Found("carbon-cache"); path != "" {
		list = append(list, carbonCache(path))
	}
	return list
}

func oursForCarbon(bin string) *carbonPeer {
	p := &carbonPeer{name: "logmetrics", series: 1 << 30, line: process.FreePort(), ready: process.FreePort()}
	http := p.ready // opened last
	p.argv = func(dir string) ([]string, error) {
		return []string{bin, "serve", "--data=" + filepath.Join(dir, "data"), process.Loopback("--http", http), process.Loopback("--carbon", p.line),
			"--pickle=off", "--statsd=off", "--influx-udp=off"}, nil
	}
	line := regexp.MustCompile(`(?m)^logmetrics_ingest_points_total\{listener="carbon"\} (\S+)$`)
	p.taken = func(string) (int64, error) { return process.Figure(http, line) }
	p.file = func(*started, *carbonResult) error { return nil } // that is what look does
	p.look = func(s *started, _ *points, r *carbonResult) error {
		s.End(syscall.SIGTERM)
		got, err := ask(filepath.Join(s.dir, "data"))
		r.lost = r.points - got.Points
		r.filing += got.Filing / float64(r.points) * 1e6
		r.fine, r.disk = float64(got.Fine)/float64(r.points), float64(got.Disk)/float64(r.points)
		return err
	}
	return p
}

func victoria(path string) *carbonPeer {
	p := &carbonPeer{name: "victoria-metrics", series: 1 << 30, line: process.FreePort()}
	p.ready = p.line
	http := process.FreePort()
	p.argv = func(dir string) ([]string, error) {
		return []string{path, "-storageDataPath=" + filepath.Join(dir, "data"), process.Loopback("-graphiteListenAddr", p.line), process.Loopback("-httpListenAddr", http),
			"-retentionPeriod=1", "-search.maxUniqueTimeseries=2000000", "-search.disableCache", "-search.latencyOffset=0s"}, nil
	}
	line := regexp.MustCompile(`(?m)^vm_rows_inserted_total\{type="graphite"\} (\S+)$`)
	p.taken = func(string) (int64, error) { return process.Figure(http, line) }
	p.file = func(*started, *carbonResult) error {
		_, err := process.Get(http, "/internal/force_flush")
		return err
	}
	p.look = func(s *started, l *points, r *carbonResult) error {
		n, err := victoriaPoints(http, l)
		r.lost = r.points - n
		data := filepath.Join(s.dir, "data")
		r.disk, r.fine = float64(diskUse(data))/float64(r.points), float64(diskUse(filepath.Join(data, "data")))/float64(r.points)
		return err
	}
	return p
}

// victoriaPoints counts what can be read.
func victoriaPoints(port int, l *points) (int64, error) {
	end := l.start + int64(l.steps)*step
	text, err := process.Get(port, fmt.Sprintf("/api/v1/query?nocache=1&time=%d&query=%s", end,
		url.QueryEscape(fmt.Sprintf(`sum(count_over_time({__name__=~"bench.+"}[%ds]))`, l.steps*step+60))))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Data.Result) == 0 {
		return 0, err
	}
	return strconv.ParseInt(answer.Data.Result[0].Value[1].(string), 10, 64)
}

const carbonConf = `[cache]
STORAGE_DIR = %[1]s
LOCAL_DATA_DIR = %[1]s/whisper
CONF_DIR = %[1]s
LOG_DIR = %[1]s
PID_DIR = %[1]s
USER =
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
LOG_LISTENER_CONN_SUCCESS = False
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = %[2]d
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = %[3]d
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = %[4]d
ENABLE_TAGS = False
`

// carbonCache is carbon's own daemon with one archive, 10s:4h, which is the least
// that it can be asked to write. It says what it took in its own series, a minute
// later: it has taken what its files have.
func carbonCache(path string) *carbonPeer {
	p := &carbonPeer{name: "carbon-cache", series: 5000, line: process.FreePort()}
	p.ready = p.line
	p.argv = func(dir string) ([]string, error) {
		conf := filepath.Join(dir, "carbon.conf")
		text := fmt.Sprintf(carbonConf, dir, p.line, process.FreePort(), process.FreePort())
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			return nil, err
		}
		err := os.WriteFile(filepath.Join(dir, "storage-schemas.conf"), []byte("[all]\npattern = .*\nretentions = 10s:4h\n"), 0o644)
		return []string{path, "--config=" + conf, "--pidfile=" + filepath.Join(dir, "pid"), "--nodaemon", "start"}, err
	}
	p.taken = func(dir string) (int64, error) { return whisperPoints(filepath.Join(dir, "whisper")) }
	p.file = func(*started, *carbonResult) error { return nil } // it is known by that to have taken them
	p.look = func(s *started, _ *points, r *carbonResult) error {
		dir := filepath.Join(s.dir, "whisper")
		n, err := whisperPoints(dir)
		r.lost = r.points - n
		r.disk = float64(diskUse(dir)) / float64(r.points)
		r.fine = 12 // of a file that is full
		return err
	}
	return p
}

// whisperPoints counts the points of the first archives below dir: after a head
// of 28 bytes pairs of a second in 4 bytes, 0 where there is none, and a value in 8.
func whisperPoints(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(file, filepath.Join(dir, "bench")) || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(file)
		for i := 28; i+12 <= len(data); i += 12 {
			if binary.BigEndian.Uint32(data[i:]) != 0 {
				n++
			}
		}
		return err
	})
	if os.IsNotExist(err) {
		err = nil
	}
	return n, err
}
