package parsers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

type jsonTruth struct {
	Lines    int
	Valid    int            `json:"valid_json_lines"`
	Invalid  int            `json:"invalid_json_nonempty_lines"`
	ByStatus map[string]int `json:"by_status"`
	ByLevel  map[string]int `json:"by_level"`
	Sums     map[string]struct {
		Count          uint64
		Sum, Last, Max float64
	} `json:"numeric_sums"`
}

var jsonLogs = []string{"clean-numeric", "nasty-json", "real-log4j2-json", "real-nginx-json"}

func TestJSONCountsAsTheTruth(t *testing.T) {
	for _, name := range jsonLogs {
		t.Run(name, func(t *testing.T) {
			var truth jsonTruth
			log := joinedLog(t, "json", name, &truth)
			stats := parsers.Stats{Lines: truth.Lines, Rejected: truth.Invalid, Skipped: truth.Lines - truth.Valid - truth.Invalid}
			gauges := joinedRun(t, "JsonParser", parsers.Options{}, log, nil)
			assert.Equal(t, stats, gauges.stats)
			counters := joinedRun(t, "JsonParser", parsers.Options{Args: []string{"--counter=**"}}, log, nil)
			assert.Equal(t, stats, counters.stats)
			alias := joinedRun(t, "JsonLogster", parsers.Options{}, log, nil)
			for path, want := range truth.Sums {
				name := metric.CleanName(path)
				if name == "_" {
					continue // several keys without a letter in ASCII are this one series
				}
				g, c := gauges.samples[name], counters.samples[name]
				assert.Equal(t, metric.Gauge, g.Kind, path)
				assert.Equal(t, []any{want.Count, want.Last, want.Max}, []any{g.Count, g.Last, g.Max}, path)
				assert.Equal(t, metric.Counter, c.Kind, path)
				assert.Equal(t, want.Count, c.Count, path)
				assert.InEpsilon(t, 1+want.Sum, 1+c.Sum, 1e-12, path)
				assert.Equal(t, want.Last, alias.samples[name].Last, path)
			}
		})
	}
}

func TestJSONCountBy(t *testing.T) {
	for _, name := range jsonLogs {
		t.Run(name, func(t *testing.T) {
			var truth jsonTruth
			log := joinedLog(t, "json", name, &truth)
			for path, by := range map[string]map[string]int{"status": truth.ByStatus, "level": truth.ByLevel} {
				r := joinedRun(t, "JsonParser", parsers.Options{Args: []string{"--count-by", path, "--skip=**"}}, log, nil)
				require.Len(t, r.samples, len(by))
				for value, n := range by {
					if value == "None" {
						value = "null"
					}
					s := r.samples["lines."+value]
					assert.EqualValues(t, n, s.Sum, value)
					require.Equal(t, metric.Tags{{Key: path, Value: value}}, s.Tags)
				}
			}
		})
	}
}

func TestJSONRules(t *testing.T) {
	log := []byte(`{"a":{"ms":1500,"n":2},"b":{"ms":500,"x":{"y":1}},"user":"\u0041nn","list":[1,"x"]}
{"a":{"ms":250,"n":3},"user":"Ann","user":"bob","list":[2]}
{"a":{"n":4,"n":5},"user":17,"list":[true,null]}
{"a":{"n":4}} x
`)
	args := []string{"--timer=*.ms:ms", "--counter=a.n", "--set=user", "--skip=b.**", "--gauge=list.*", "--skip=**"}
	r := joinedRun(t, "JsonParser", parsers.Options{Args: args}, log, nil)
	assert.Equal(t, parsers.Stats{Lines: 4, Rejected: 1}, r.stats)
	assert.Equal(t, []string{"a.ms", "a.n", "b.ms", "list.0", "user"}, r.order)
	assert.Equal(t, []float64{0.25, 1.5}, r.samples["a.ms"].Dist.Exact())
	assert.Equal(t, []float64{0.5}, r.samples["b.ms"].Dist.Exact())
	assert.EqualValues(t, 2+3+5, r.value("a.n"))
	assert.EqualValues(t, 2, r.value("list.0"))
	assert.Equal(t, []string{"17", "Ann", "bob"}, r.samples["user"].Members.Exact())

	r = joinedRun(t, "JsonLogster", parsers.Options{Args: []string{"-k", "_"}}, []byte(`{"b":{"c":-0},"a":1.0,"d":1e5,"s":"x","big":9007199254740993}`+"\n"), nil)
	assert.Equal(t, []string{"a", "b_c", "big", "d"}, r.order)
	forms := map[string]metric.Form{"a": metric.PyFloat, "b_c": metric.PyInt, "d": metric.PyFloat, "big": metric.PyInt}
	for name, form := range forms {
		assert.Equal(t, form, r.samples[name].Form, name)
	}
	assert.Equal(t, "0", strconv.FormatFloat(r.value("b_c"), 'g', -1, 64))
}

func TestJSONUsageErrors(t *testing.T) {
	f, _, _ := parsers.Find("Json")
	for _, args := range [][]string{{"--timer=x:days"}, {"--counter="}, {"--count-by="}, {"-k", ""}, {"--timer=:ms"}, {"x"}} {
		_, err := f.New(parsers.Options{Args: args}, metric.NewRecorder(metric.RecorderOptions{}))
		var usage *parsers.UsageError
		assert.ErrorAs(t, err, &usage, args)
	}
}

func TestJSONTimes(t *testing.T) {
	at := time.Date(2026, 11, 20, 21, 59, 41, 0, time.UTC).Unix()
	for line, want := range map[string]int64{
		`{"time":"2026-11-20T22:59:41.5+01:00"}`:                  at,
		`{"timestamp":1795211981}`:                                at,
		`{"ts":1795211981123}`:                                    at,
		`{"ts":1795211981.99}`:                                    at,
		`{"ts":"1795211981"}`:                                     at,
		`{"ts":1,"@timestamp":"2026-11-20 21:59:41"}`:             at,
		`{"instant":{"epochSecond":1795211981,"nanoOfSecond":5}}`: at,
		`{"time":"20/Nov/2026:21:59:41 +0000"}`:                   at,
		`{"timeMillis":1795211981999}`:                            at,
		`{"x":{"time":1795211981}}`:                               0,
		`{"time":"soon"}`:                                         0,
		`{"time":null}`:                                           0,
		`{"time":-5}`:                                             0,
		`{"time":1e300}`:                                          0,
	} {
		rec := metric.NewRecorder(metric.RecorderOptions{})
		f, _, _ := parsers.Find("Json")
		p, err := f.New(parsers.Options{WantTime: true, Zone: time.UTC, Args: []string{"--key-separator=__"}}, rec)
		require.NoError(t, err)
		st := p.Parse(parsers.Block{Bytes: []byte(line + "\n")}, rec)
		unix, _, ok := rec.Span()
		assert.Equal(t, want != 0, ok, line)
		assert.Equal(t, want, unix, line)
		assert.Equal(t, map[bool]int{true: 0, false: 1}[ok], st.Untimed, line)
	}
}

// Lines made by random changes to valid ones must be valid for the parser
// whenever they are for encoding/json, and yield its numbers.
func TestJSONAgreesWithTheStandardLibrary(t *testing.T) {
	rng := joinedRand(t)
	seeds := []string{
		`{"a":[1,-0.5e+3,{"b":"x\ud83d\ude00\n"}],"":null,"t":true,"f":false}`,
		`[[],{},"\u00e9\\",0.1,1E-7, 123456789012345678901234567890 ]`,
		` { "k" : 1.7976931348623157e308 , "l" : [ 5e-324 , 0.30000000000000004 ] } `,
	}
	const alphabet = "{}[]:,\"\\eE+-.0123456789truefalsnu \t\x01\x7f\xff"
	f, _, _ := parsers.Find("Json")
	rec := metric.NewRecorder(metric.RecorderOptions{MaxSeries: 1 << 20})
	p, err := f.New(parsers.Options{}, rec)
	require.NoError(t, err)
	valid := 0
	for range 200000 {
		line := mutate([]byte(seeds[rng.IntN(len(seeds))]), alphabet, rng)
		ok := json.Valid(line)
		st := p.Parse(parsers.Block{Bytes: append(line, '\n')}, rec)
		if len(bytes.TrimSpace(line)) > 0 {
			require.Equal(t, ok, st.Rejected == 0, "%q", line)
		}
		if ok {
			valid++
		}
	}
	require.Greater(t, valid, 1000)
}

func mutate(line []byte, alphabet string, rng *rand.Rand) []byte {
	for range rng.IntN(4) {
		at, c := rng.IntN(len(line)), alphabet[rng.IntN(len(alphabet))]
		switch rng.IntN(3) {
		case 0:
			line[at] = c
		case 1:
			line = append(line[:at], line[at+1:]...)
		default:
			line = append(line[:at], append([]byte{c}, line[at:]...)...)
		}
	}
	return line
}

func TestJSONNumbersAreTheNearest(t *testing.T) {
	rng := joinedRand(t)
	var log strings.Builder
	var want []float64
	for n := range 5000 {
		text := strconv.FormatFloat(rng.NormFloat64()*float64(rng.Int64N(1<<60)), "efg"[rng.IntN(3)], rng.IntN(20), 64)
		if n%2 == 0 {
			text = fmt.Sprintf("%d.%0*d", rng.Int64N(1<<uint(1+rng.IntN(60))), 1+rng.IntN(12), rng.IntN(1000))
		}
		v, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		want = append(want, v)
		fmt.Fprintf(&log, "{\"n%d\":%s}\n", n, text)
	}
	r := joinedRun(t, "JsonParser", parsers.Options{}, []byte(log.String()), nil)
	for n, v := range want {
		require.Equal(t, v, r.value(fmt.Sprint("n", n)))
	}
}

func TestJSONBounds(t *testing.T) {
	deep := strings.Repeat("[", 512) + "1" + strings.Repeat("]", 512)
	wide := "[" + strings.Repeat("1,", 9999) + "1]"
	for line, rejected := range map[string]int{
		deep:             0,
		"[" + deep + "]": 1,
		wide:             0,
		"[1," + wide[1:]: 1,
		`{"` + strings.Repeat("k", 1<<20) + `":1}`: 0,
		"{\"a\":1e999}": 0,
	} {
		r := joinedRun(t, "JsonParser", parsers.Options{}, []byte(line+"\n"), nil)
		assert.Equal(t, rejected, r.stats.Rejected, "%.40s", line)
		for name := range r.samples {
			assert.LessOrEqual(t, len(name), metric.MaxNameLen)
		}
	}
}
