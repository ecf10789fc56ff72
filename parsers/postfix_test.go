package parsers_test

import (
	"bytes"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// postfixTruth is what an independent program counted in a log.
type postfixTruth struct {
	Lines    int    `json:"lines"`
	First    string `json:"first_timestamp"`
	Last     string `json:"last_timestamp"`
	Delivery struct {
		ByStatus map[string]int            `json:"by_status"`
		ByTag    map[string]map[string]int `json:"by_tag"`
		Pct      map[string]float64        `json:"pct"`
		Delay    map[string]struct {
			Count               uint64
			Sum, Mean, Min, Max float64
			P50                 float64 `json:"p50_lin"`
			P90                 float64 `json:"p90_lin"`
			P95                 float64 `json:"p95_lin"`
			P99                 float64 `json:"p99_lin"`
		} `json:"delay_by_status"`
		Stages   [4]float64     `json:"delays_component_sums"`
		DSNClass map[string]int `json:"by_dsn_class"`
	} `json:"delivery"`
	Qmgr    map[string]int `json:"qmgr"`
	SMTPD   map[string]int `json:"smtpd"`
	Actions map[string]int `json:"smtpd_actions"`
	RBL     int            `json:"smtpd_rbl_rejects"`
}

// postfixLogs returns the logs with a truth: those of the project, and those
// beside its checkout that are too large or not ours to copy.
func postfixLogs(t *testing.T) (logs []string) {
	t.Helper()
	own, err := filepath.Glob("../testdata/parsers/postfix/*.truth.json")
	require.NoError(t, err)
	require.NotEmpty(t, own)
	for _, path := range own {
		logs = append(logs, strings.TrimSuffix(path, ".truth.json"))
	}
	for _, name := range []string{"nasty-bytes", "pub-sergeymakinen", "pub-whyscream-shapes"} {
		logs = append(logs, filepath.Join("..", "..", "shared", "testdata", "postfix", name))
	}
	return logs
}

// withTruth runs fn for each log with its truth, read with args.
func withTruth(t *testing.T, args []string, fn func(t *testing.T, truth *postfixTruth, c logCase, o outcome)) {
	t.Helper()
	factory, _, ok := parsers.Find("postfix")
	require.True(t, ok)
	for _, base := range postfixLogs(t) {
		t.Run(filepath.Base(base), func(t *testing.T) {
			text, err := os.ReadFile(base + ".truth.json")
			if os.IsNotExist(err) {
				skipElsewhere(t)
			}
			require.NoError(t, err)
			truth := new(postfixTruth)
			require.NoError(t, json.Unmarshal(text, truth))
			c := casesOf(t, factory, base)[0]
			c.args = args
			fn(t, truth, c, read(t, c, setup{}))
		})
	}
}

// sample returns the series with that name and those tag values.
func (o outcome) sample(name string, tags ...string) *metric.Sample {
	for i := range o.batches[0].Samples {
		s := &o.batches[0].Samples[i]
		if s.Name == name && len(s.Tags) == len(tags) && tagsMatch(s.Tags, tags) {
			return s
		}
	}
	return &metric.Sample{}
}

func tagsMatch(tags metric.Tags, values []string) bool {
	for i, v := range values {
		if tags[i].Value != v {
			return false
		}
	}
	return true
}

func TestPostfixTruth(t *testing.T) {
	withTruth(t, nil, func(t *testing.T, truth *postfixTruth, _ logCase, o outcome) {
		by := truth.Delivery.ByStatus
		assert.Equal(t, truth.Lines, o.stats.Lines)
		for name, want := range map[string]int{
			"numSent":               by["sent"],
			"numDeferred":           by["deferred"],
			"numBounced":            by["bounced"],
			"numSoftBounced":        by["SOFTBOUNCE"],
			"numProbeDeliverable":   by["deliverable"],
			"numProbeUndeliverable": by["undeliverable"] + by["undeliverable-but-not-cached"],
			"numExpired":            truth.Qmgr["status_expired"],
			"numConnect":            truth.SMTPD["connect"],
			"numReject":             truth.Actions["reject"],
			"numRbl":                truth.RBL,
		} {
			assert.Equal(t, float64(want), o.sample(name).Sum, name)
		}
		for name, want := range map[string]float64{
			"pctSent":     truth.Delivery.Pct["sent"],
			"pctDeferred": truth.Delivery.Pct["deferred"],
			"pctBounced":  truth.Delivery.Pct["bounced"],
			"mailTxnsSec": float64(by["sent"]+by["deferred"]+by["bounced"]) / 60,
			"mailSentSec": float64(by["sent"]) / 60,
		} {
			assert.InDelta(t, want, o.sample(name).Last, 1e-6, name)
		}
	})
}

func TestPostfixDelays(t *testing.T) {
	withTruth(t, nil, func(t *testing.T, truth *postfixTruth, _ logCase, o outcome) {
		want := truth.Delivery.Delay["sent"]
		got := o.sample("delay")
		require.Equal(t, want.Count, got.Count)
		assert.InDelta(t, want.Mean, o.sample("avgDelay").Last, 1e-6)
		assert.InDelta(t, want.Sum, got.Sum, 1e-6)
		assert.Equal(t, []float64{want.Min, want.Max}, []float64{got.Min, got.Max})
		for q, v := range map[float64]float64{.5: want.P50, .9: want.P90, .95: want.P95, .99: want.P99} {
			assert.InDelta(t, v, got.Dist.Quantile(q), 1e-6, "quantile %v", q)
		}
	})
}

func TestPostfixDetail(t *testing.T) {
	withTruth(t, []string{"--by-transport", "--by-dsn", "--stages"}, func(t *testing.T, truth *postfixTruth, _ logCase, o outcome) {
		transports := map[[2]string]float64{} // status, transport
		for tag, by := range truth.Delivery.ByTag {
			_, transport, found := strings.Cut(tag, "/")
			if !found {
				transport = tag
			}
			for status, n := range by {
				transports[[2]string{status, metric.CleanName(transport)}] += float64(n)
			}
		}
		var stages [4]float64
		classes := map[string]float64{}
		for _, s := range o.batches[0].Samples {
			switch s.Name {
			case "byTransport":
				key := [2]string{s.Tags[0].Value, s.Tags[1].Value}
				assert.Equal(t, transports[key], s.Sum, "%v", key)
				delete(transports, key)
			case "byDsn":
				classes[strings.Replace(s.Tags[0].Value, "none", "?", 1)] += s.Sum
			case "stages":
				stages[map[string]int{"before_qmgr": 0, "qmgr": 1, "connect": 2, "transmit": 3}[s.Tags[0].Value]] += s.Sum
			}
		}
		assert.Empty(t, transports, "not counted")
		for class, n := range truth.Delivery.DSNClass {
			assert.Equal(t, float64(n), classes[class], "class %s", class)
		}
		for i, want := range truth.Delivery.Stages {
			assert.InDelta(t, want, stages[i], 1e-6)
		}
	})
}

// TestPostfixTimes reads the stamps of the first and the last line that have
// one, which are the truth's; a log in order of time spans just them.
func TestPostfixTimes(t *testing.T) {
	withTruth(t, nil, func(t *testing.T, truth *postfixTruth, c logCase, o outcome) {
		first, last := truthTime(t, truth.First), truthTime(t, truth.Last)
		lines := slices.Collect(bytes.Lines(c.log))
		assert.Equal(t, first, firstTime(t, c, slices.Values(lines)))
		slices.Reverse(lines)
		assert.Equal(t, last, firstTime(t, c, slices.Values(lines)))
		if strings.HasPrefix(filepath.Base(t.Name()), "real-") {
			assert.Equal(t, []int64{first, last}, []int64{o.first, o.last})
			assert.Zero(t, o.stats.Untimed)
		}
	})
}

// firstTime returns the time of the first line that has one.
func firstTime(t *testing.T, c logCase, lines iter.Seq[[]byte]) int64 {
	t.Helper()
	for line := range lines {
		c.log = line
		if o := read(t, c, setup{}); o.timed {
			return o.first
		}
	}
	t.Fatal("no line has a time")
	return 0
}

func truthTime(t *testing.T, s string) int64 {
	t.Helper()
	if tm, err := time.Parse(time.RFC3339, s); err == nil {
		return tm.Unix()
	}
	tm, err := time.Parse("2006 Jan _2 15:04:05", "2026 "+s)
	require.NoError(t, err)
	if tm.Unix() > newest+24*3600 {
		tm = tm.AddDate(-1, 0, 0)
	}
	return tm.Unix()
}

// TestPostfixBehindPriority: sockets and the journal give each line a
// priority, which changes no count.
func TestPostfixBehindPriority(t *testing.T) {
	withTruth(t, nil, func(t *testing.T, _ *postfixTruth, c logCase, want outcome) {
		var log []byte
		for line := range bytes.Lines(c.log) {
			if line[0] != '<' {
				log = append(log, "<22>"...)
			}
			log = append(log, line...)
		}
		c.log = log
		assertSame(t, want, read(t, c, setup{}))
	})
}
