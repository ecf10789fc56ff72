package aggregate

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
)

// Handler answers brubeck's requests: GET /ping, /_ping, /stats, /metric/NAME,
// and POST /expire/NAME, which changes something, so that who mounts it asks
// for a token first.
func (u *Brubeck) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		path := r.URL.Path
		metricKey, isMetric := strings.CutPrefix(path, "/metric/")
		expireKey, isExpire := strings.CutPrefix(path, "/expire/")
		switch {
		case r.Method == http.MethodGet && (path == "/ping" || path == "/_ping"):
			answerJSON(w, u.ping())
		case r.Method == http.MethodGet && path == "/stats":
			answerJSON(w, u.stats())
		case r.Method == http.MethodGet && isMetric:
			if m, ok := u.metric(metricKey); ok {
				answerJSON(w, m)
				return
			}
			notFound(w)
		case r.Method == http.MethodPost && isExpire && u.disable(expireKey):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusOK)
		default:
			notFound(w)
		}
	})
}

func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("404 not found")) // the client's loss
}

func answerJSON(w http.ResponseWriter, v any) {
	text, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		panic("BUG: brubeck's answers are JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client's loss
}

// fraction is a number that is written with a fraction, as brubeck has it.
type fraction float64

// MarshalJSON writes the number.
func (v fraction) MarshalJSON() ([]byte, error) {
	text := appendJS(nil, float64(v))
	if !strings.ContainsAny(string(text), ".e") {
		text = append(text, ".0"...)
	}
	return text, nil
}

type brubeckPing struct {
	Version string   `json:"version"`
	PID     int      `json:"pid"`
	Status  string   `json:"status"`
	Metrics fraction `json:"metrics_per_second"`
	Errors  fraction `json:"errors_per_second"`
	Keys    int      `json:"unique_keys"`
}

func (u *Brubeck) ping() brubeckPing {
	r, seconds := u.lastRates(), float64(u.opt.Frequency)
	status := "OK"
	for _, b := range u.backends(r) {
		if !b.Connected {
			status = "ERROR (backend disconnected)"
		}
	}
	return brubeckPing{u.version(), os.Getpid(), status, fraction(r.metrics / seconds), fraction(r.errors / seconds), u.uniqueKeys()}
}

func (u *Brubeck) version() string { return strings.TrimSpace("logmetrics " + u.opt.Version) }

func (u *Brubeck) lastRates() brubeckRates {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rates
}

type brubeckStats struct {
	Version  string           `json:"version"`
	Metrics  uint64           `json:"metrics"`
	Errors   uint64           `json:"errors"`
	Keys     int              `json:"unique_keys"`
	Secure   brubeckSecure    `json:"secure"`
	Backends []brubeckBackend `json:"backends"`
	Samplers []brubeckSampler `json:"samplers"`
}

// brubeckSecure is always 0: lines that are signed are not taken.
type brubeckSecure struct {
	Failed     int `json:"failed"`
	FromFuture int `json:"from_future"`
	Delayed    int `json:"delayed"`
	Replayed   int `json:"replayed"`
}

type brubeckBackend struct {
	Type      string `json:"type"`
	Frequency int    `json:"sample_freq"`
	Connected bool   `json:"connected"`
	Address   string `json:"address,omitempty"`
	Port      int    `json:"port,omitempty"`
	Sent      uint64 `json:"sent"` // bytes to carbon, values to the store
}

type brubeckSampler struct {
	Type      string   `json:"type"`
	Frequency fraction `json:"sample_freq"`
	Address   string   `json:"address"`
	Port      int      `json:"port"`
}

func (u *Brubeck) stats() brubeckStats {
	r := u.lastRates()
	s := brubeckStats{
		Version: u.version(), Metrics: uint64(r.metrics), Errors: uint64(r.errors), Keys: u.uniqueKeys(), Backends: u.backends(r),
		Samplers: []brubeckSampler{},
	}
	u.mu.Lock()
	samplers := slices.Clone(u.samplers)
	u.mu.Unlock()
	for _, address := range samplers {
		host, port := hostPort(address)
		s.Samplers = append(s.Samplers, brubeckSampler{Type: "statsd", Address: host, Port: port})
	}
	return s
}

func (u *Brubeck) backends(r brubeckRates) (list []brubeckBackend) {
	list = append(list, brubeckBackend{Type: "store", Frequency: u.opt.Frequency, Connected: !r.down, Sent: r.sent})
	if f := u.opt.Forward; f != nil {
		s, _ := f.stats()
		host, port := hostPort(f.opt.Address)
		list = append(list, brubeckBackend{"carbon", u.opt.Frequency, !s.exception.After(s.flushed), host, port, s.bytes})
	}
	return list
}

func hostPort(address string) (host string, port int) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0
	}
	port, _ = strconv.Atoi(text) // a name of a service has none
	return host, port
}

type brubeckMetric struct {
	Key    string `json:"key"`
	Type   string `json:"type"`
	Shard  int    `json:"shard"`
	Expire string `json:"expire"`
}

var brubeckTypes = [statsd.Total + 1]string{
	statsd.Gauge: "gauge", statsd.Counter: "meter", statsd.Total: "counter", statsd.Histogram: "histogram", statsd.Timer: "timer",
}

var brubeckStates = [...]string{"active", "inactive", "disabled"}

func (u *Brubeck) metric(name string) (m brubeckMetric, ok bool) {
	if name == u.opt.ServerName {
		return brubeckMetric{name, "internal", 0, brubeckStates[stateActive]}, true
	}
	k, ok := u.key(name)
	if !ok {
		return m, false
	}
	return brubeckMetric{name, brubeckTypes[statsd.Type(k.kind.Load()-1)], 0, brubeckStates[k.state.Load()]}, true
}

// key returns a name that was heard in full.
func (u *Brubeck) key(name string) (*brubeckKey, bool) {
	r := &u.e.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.keys.byKey[name]
	return k, ok && k.kind.Load() != 0
}

// disable takes a name out until something of it comes.
func (u *Brubeck) disable(name string) bool {
	k, ok := u.key(name)
	if ok {
		k.state.Store(stateDisabled)
		u.epoch.Add(1)
	}
	return ok
}
