package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// peer is a server that takes carbon's lines, and how to ask it what it has.
type peer struct {
	name    string
	series  int // at most, so that a slow one ends
	line    int // ports
	http    int
	argv    func(dir string) ([]string, error)
	taken   func() (int64, error)           // points that it says it took since its start; nil: it does not say
	settle  func() error                    // has it write what it may hold back; nil: nothing does
	stored  func(dir string) (int64, error) // points that can be read back
	dataDir string                          // below dir
}

func peers(bin string) []*peer {
	list := []*peer{ours(bin), victoria(), carbon()}
	var have []*peer
	for _, p := range list {
		if p != nil {
			have = append(have, p)
		}
	}
	return have
}

// found returns the path of a program, "" without it, which is said.
func found(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		fmt.Println("left out, absent:", program)
	}
	return path
}

// ask returns the answer of a server on this host.
func ask(port int, pathAndQuery string) (string, error) {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, pathAndQuery))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %s", pathAndQuery, resp.Status, text)
	}
	return string(text), err
}

// counter returns the sum of the lines of a page of metrics that match.
func counter(port int, line *regexp.Regexp) (int64, error) {
	page, err := ask(port, "/metrics")
	var sum float64
	for _, m := range line.FindAllStringSubmatch(page, -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		sum += v
	}
	return int64(sum), err
}

func ours(bin string) *peer {
	p := &peer{name: "logmetrics", series: 1 << 30, line: freePort(), http: freePort(), dataDir: "data"}
	loopback := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	p.argv = func(dir string) ([]string, error) {
		return []string{bin, "serve", "--data=" + filepath.Join(dir, p.dataDir), "--http=" + loopback(p.http), "--carbon=" + loopback(p.line),
			"--pickle=off", "--statsd=off", "--influx-udp=off"}, nil
	}
	line := regexp.MustCompile(`(?m)^logmetrics_ingest_points_total\{listener="carbon"\} (\S+)$`)
	p.taken = func() (int64, error) { return counter(p.http, line) }
	p.stored = func(dir string) (int64, error) {
		out, err := exec.Command(bin, "db", "dump", "--data="+filepath.Join(dir, p.dataDir), "bench.*.*").Output()
		return int64(strings.Count(string(out), "\n")), err
	}
	return p
}

func victoria() *peer {
	path := found("victoria-metrics")
	if path == "" {
		return nil
	}
	p := &peer{name: "victoria-metrics", series: 1 << 30, line: freePort(), http: freePort(), dataDir: "data"}
	p.argv = func(dir string) ([]string, error) {
		return []string{path, "-storageDataPath=" + filepath.Join(dir, p.dataDir), fmt.Sprintf("-graphiteListenAddr=127.0.0.1:%d", p.line),
			fmt.Sprintf("-httpListenAddr=127.0.0.1:%d", p.http), "-retentionPeriod=1", "-search.maxUniqueTimeseries=2000000", "-search.disableCache"}, nil
	}
	line := regexp.MustCompile(`(?m)^vm_rows_inserted_total\{type="graphite"\} (\S+)$`)
	p.taken = func() (int64, error) { return counter(p.http, line) }
	p.settle = func() error {
		_, err := ask(p.http, "/internal/force_flush")
		return err
	}
	p.stored = func(string) (int64, error) {
		text, err := ask(p.http, "/api/v1/query?nocache=1&query="+url.QueryEscape(`sum(count_over_time({__name__=~"bench.+"}[3h]))`))
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
	return p
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

// carbon is Debian's carbon-cache with one archive, 10s:2h, which is the least
// that it can be asked to write.
func carbon() *peer {
	path := found("carbon-cache")
	if path == "" {
		return nil
	}
	p := &peer{name: "graphite-carbon", series: 5000, line: freePort(), dataDir: "whisper"}
	p.argv = func(dir string) ([]string, error) {
		conf := filepath.Join(dir, "carbon.conf")
		text := fmt.Sprintf(carbonConf, dir, p.line, freePort(), freePort())
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			return nil, err
		}
		err := os.WriteFile(filepath.Join(dir, "storage-schemas.conf"), []byte("[all]\npattern = .*\nretentions = 10s:2h\n"), 0o644)
		return []string{path, "--config=" + conf, "--pidfile=" + filepath.Join(dir, "pid"), "--nodaemon", "start"}, err
	}
	p.stored = func(dir string) (int64, error) { return whisperPoints(filepath.Join(dir, p.dataDir)) }
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

// started is a peer that runs, with a directory of its own.
type started struct {
	*peer
	dir string
	*process
}

func (p *peer) start(dir string) (*started, error) {
	argv, err := p.argv(dir)
	if err != nil {
		return nil, err
	}
	proc, err := start(fmt.Sprintf("127.0.0.1:%d", p.line), argv, dir)
	return &started{p, dir, proc}, err
}

// stop ends it as a service manager does.
func (s *started) stop() { s.end(syscall.SIGTERM) }
