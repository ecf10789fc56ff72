package aggregate_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/metric"
)

// recorder is a sink that keeps the last flush.
type recorder struct {
	mu      sync.Mutex
	pending map[string]float64
	values  map[string]float64
	how     map[string]metric.Method
	adds    []string // names of sums and rates, of all flushes
	stamp   int64
	flushes int
	err     error
}

func (r *recorder) Put(name []byte, m metric.Method, stamp int64, v float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.pending, r.how = map[string]float64{}, map[string]metric.Method{}
	}
	r.pending[string(name)], r.how[string(name)], r.stamp = v, m, stamp
}

func (r *recorder) Add(name []byte, m metric.Method, stamp int64, v float64) {
	r.Put(name, m, stamp, v)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.adds = append(r.adds, string(name))
}

func (r *recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.values, r.pending = r.pending, nil
	r.flushes++
	return r.err
}

// last returns how many flushes there were, and the stamp of the last.
func (r *recorder) last() (flushes int, stamp int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flushes, r.stamp
}

// value returns a value of the last flush, 0 when there is none.
func (r *recorder) value(name string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.values[name]
}

// lines are the values as JavaScript prints them, sorted, but for what node
// tells of its times.
func (r *recorder) lines() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, v := range r.values {
		if steady(name) {
			lines = append(lines, name+" "+js(v))
		}
	}
	slices.Sort(lines)
	return lines
}

// steady reports whether the value of a series is the same in each run.
func steady(name string) bool {
	for _, part := range []string{"processing_time", "graphiteStats.", "timestamp_lag"} {
		if strings.Contains(name, part) {
			return false
		}
	}
	return true
}

// js prints as JavaScript does, by another road than the product.
func js(v float64) string {
	if m := math.Abs(v); m != 0 && (m < 1e-6 || m >= 1e21) {
		text := strconv.FormatFloat(v, 'e', -1, 64)
		mantissa, exponent, _ := strings.Cut(text, "e")
		return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
	}
	return strconv.FormatFloat(v+0, 'f', -1, 64)
}

// node returns a Node of the settings, in YAML or JSON, and its sink.
func node(t testing.TB, settings string) (*aggregate.Node, *recorder) {
	t.Helper()
	var opt aggregate.NodeOptions
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(settings), &opt.NodeConfig, yaml.Strict()))
	sink := &recorder{}
	opt.Sink = sink
	n, err := aggregate.NewNode(opt)
	require.NoError(t, err)
	return n, sink
}

// values returns those of want's series that the flush of in gives.
func flushed(t testing.TB, settings string, in ...string) map[string]float64 {
	t.Helper()
	n, sink := node(t, settings)
	w := n.Worker()
	for _, packet := range in {
		w.Block([]byte(packet))
	}
	n.Flush(1000)
	return sink.values
}
