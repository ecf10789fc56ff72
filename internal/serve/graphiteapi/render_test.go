package graphiteapi_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

// rendering returns a rig whose /render is over series in memory, of a minute each, seen from 3600.
func rendering(t testing.TB, opt graphiteapi.Options) *rig {
	m := &querytest.Memory{}
	ramp := make([]float64, 200)
	for i := range ramp {
		ramp[i] = float64(i)
	}
	m.Add("ramp", 0, 60, ramp...)
	m.Add("odd", 0, 60, math.Inf(1), math.Inf(-1), math.NaN(), 0.1, 1e-7, -2.5, 1e22, 123456.789, -0.001)
	m.Add(`disk.used;host=a;mount=/var`, 0, 60, 1, 2, 3)
	m.Add("ünï", 0, 60, 1, 2, 3)
	if opt.Engine == nil {
		opt.Engine = query.New(query.Options{Functions: functions.Table(), Source: m})
	}
	opt.Now = func() time.Time { return time.Unix(3600, 0) }
	opt.Zone = time.UTC
	g := &rig{t: t}
	g.serve(opt)
	return g
}

func TestRenderJSON(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	g.answered("/render?target=ramp&from=0&until=120&format=json",
		`[{"target": "ramp", "tags": {"name": "ramp"}, "datapoints": [[1.0, 60], [2.0, 120]]}]`)
	g.answered("/render?target=odd&from=0&until=480&format=json", `[{"target": "odd", "tags": {"name": "odd"}, "datapoints": [[-1e9999, 60], [null, 120], `+
		`[0.1, 180], [1e-07, 240], [-2.5, 300], [1e+22, 360], [123456.789, 420], [-0.001, 480]]}]`)
	g.answered("/render?target=nothing.*&from=0&until=120&format=json", `[]`)
	g.answered("/render/?target=%20&format=json&target=sumSeries(ramp", `[]`)
	g.answered("/render?format=json", `[]`)
	g.answered(`/render?target=disk.used;host=a;mount=/var|alias("é")&from=0&until=60&format=json`,
		`[{"target": "\u00e9", "tags": {"host": "a", "mount": "/var", "name": "disk.used"}, "datapoints": [[2.0, 60]]}]`)
	g.answered(`/render?target=aggregate(ramp,"count")&from=0&until=60&format=json`,
		`[{"target": "countSeries(ramp)", "tags": {"name": "ramp", "aggregatedBy": "count"}, "datapoints": [[1, 60]]}]`)
	g.answered(`/render?target=odd&from=0&until=180&format=json&noNullPoints`,
		`[{"target": "odd", "tags": {"name": "odd"}, "datapoints": [[-1e9999, 60], [0.1, 180]]}]`)
	g.answered(`/render?target=odd&target=ramp&from=60&until=120&format=json&noNullPoints`,
		`[{"target": "ramp", "tags": {"name": "ramp"}, "datapoints": [[2.0, 120]]}]`)
}

// The answers are graphite-web's for the same series.
func TestRenderThinsOut(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	points := func(query string) string {
		var got []struct{ Datapoints json.RawMessage }
		w := g.get("/render?target=ramp&format=json&" + query)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
		return string(got[0].Datapoints)
	}
	assert.Equal(t, "[[4.5, 240], [8.5, 480], [11.5, 720]]", points("from=0&until=720&maxDataPoints=3"))
	assert.Equal(t, "[[6.5, 60]]", points("from=0&until=720&maxDataPoints=1"))
	assert.Equal(t, "[[1.0, 60], [2.0, 120]]", points("from=0&until=120&maxDataPoints=2"))
	assert.Equal(t, "[[1.0, 60], [2.0, 120]]", points("from=0&until=120&maxDataPoints=0"))
	assert.Equal(t, "[[1.0, 60], [2.0, 120]]", points("from=0&until=120&maxDataPoints=many"))
}

func TestRenderOtherFormats(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	const both = "from=0&until=180&target=odd&target=alias(ramp,'a,\"b')"
	g.answered("/render?rawData=1&"+both, "odd,60,240,60|-inf,None,0.1\na,\"b,60,240,60|1.0,2.0,3.0\n")
	g.answered("/render?format=raw&target=aggregate(ramp,'count')&from=0&until=60", "countSeries(ramp),60,120,60|1\n")
	g.answered("/render?format=csv&tz=Europe/Berlin&"+both, "odd,1970-01-01 01:01:00,-inf\r\nodd,1970-01-01 01:02:00,\r\nodd,1970-01-01 01:03:00,0.1\r\n"+
		"\"a,\"\"b\",1970-01-01 01:01:00,1.0\r\n\"a,\"\"b\",1970-01-01 01:02:00,2.0\r\n\"a,\"\"b\",1970-01-01 01:03:00,3.0\r\n")
	g.answered("/render?format=dygraph&"+both,
		`{"labels" : ["Time", "odd", "a,\"b"], "data" : [[60000, -Infinity, 1.0], [120000, null, 2.0], [180000, 0.1, 3.0]]}`)
	g.answered("/render?format=dygraph&target=nothing", `{}`)
	g.answered("/render?format=rickshaw&from=0&until=120&target=ramp", `[{"target": "ramp", "datapoints": [{"x": 60, "y": 1.0}, {"x": 120, "y": 2.0}]}]`)
	for format, kind := range map[string]string{"json": "application/json", "csv": "text/csv", "raw": "text/plain", "dygraph": "application/json"} {
		assert.Equal(t, kind, g.get("/render?target=ramp&format="+format).Header().Get("Content-Type"))
	}
}

func TestRenderDraws(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	for path, kind := range map[string]string{"/render?target=ramp": "image/png", "/render?target=scale(ramp,2)&format=svg&title=a": "image/svg+xml",
		"/render?target=constantLine(1)&from=3599&until=3600&format=png": "image/png", "/render?format=png&target=odd": "image/png", "/render?format=gif&target=odd": "image/png"} {
		w := g.get(path)
		assert.Equal(t, http.StatusOK, w.Code, path)
		assert.Equal(t, kind, w.Header().Get("Content-Type"), path)
		assert.Greater(t, w.Body.Len(), 500, path)
	}
	w := g.get("/render?target=ramp&width=1000000&height=1000000")
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "Invalid parameters")
}

func TestRenderCallsBack(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	g.answered("/render?target=nothing&format=json&jsonp=my.fn$1", `my.fn$1([])`)
	g.answered("/render?target=nothing&format=json&jsonp=", `([])`)
	assert.Equal(t, "text/javascript", g.get("/render?target=x&format=json&jsonp=f").Header().Get("Content-Type"))
	for _, name := range []string{"1f", "a b", "alert(1)//", "f;g", "f<script>", strings.Repeat("f", 65)} {
		w := g.get("/render?target=x&format=json&jsonp=" + strings.ReplaceAll(name, " ", "+"))
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
		assert.NotContains(t, w.Body.String(), name)
	}
}

func TestRenderTakesForms(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	want := `[{"target": "ramp", "tags": {"name": "ramp"}, "datapoints": [[59.0, 3540], [60.0, 3600]]}]`
	for _, body := range []string{"target=ramp&from=-2min&format=json", "target[]=ramp&from=-120s&until=now&format=json",
		"target=ramp&now=3600&from=now-2min&format=json&tz=Asia/Kolkata", "target=ramp&from=3480&until=3600&format=json"} {
		w := g.ask("POST", "/render", body, nil)
		assert.Equal(t, want, w.Body.String(), body)
	}
	g.answered("/render?target=template(scale($x,$f))|alias(\"a\")&template[f]=2&format=json&from=0&until=60", `[]`)
	g.answered("/render?target=template(alias(ramp,$x),x=%22y%22)&template[x]=z&format=json&from=0&until=60",
		`[{"target": "z", "tags": {"name": "ramp"}, "datapoints": [[1.0, 60]]}]`)
}

func TestRenderTimesAreOfTheZone(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	// Midnight of the second of January 1970 in Berlin is an hour before that of UTC.
	w := g.get("/render?target=constantLine(1)&now=200000&from=midnight&until=noon&tz=Europe/Berlin&format=raw")
	assert.Equal(t, fmt.Sprintf("1.0,%d,%d,%d|1.0,1.0,1.0\n", 2*86400-3600, 2*86400+11*3600, 6*3600), w.Body.String())
	w = g.get("/render?target=constantLine(1)&now=200000&from=midnight&until=noon&tz=Nowhere/../x&format=raw")
	assert.Equal(t, fmt.Sprintf("1.0,%d,%d,%d|1.0,1.0,1.0\n", 2*86400, 2*86400+12*3600, 6*3600), w.Body.String())
}

func TestTimesInFunctionsAreOfTheZone(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	for _, function := range []string{"timeSlice", "linearRegression"} {
		for zone, seconds := range map[string]string{"Europe/Berlin": "600, 1200", "UTC": "4200, 4800"} {
			w := g.get("/render?now=6000&from=0&format=raw&target=" + function + "(ramp,'01:10_19700101','01:20_19700101')&tz=" + zone)
			assert.Contains(t, w.Body.String(), function+"(ramp, "+seconds+"),", zone)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	for query, want := range map[string]string{
		"target=nothing(ramp)":                 "Invalid parameters (Received request for unknown function: nothing); targets: \"nothing(ramp)\"",
		"target=)":                             "Invalid parameters (not an expression); targets: \")\"",
		"target=ramp&from=60&until=60":         "Invalid parameters (Invalid empty time range)",
		"target=ramp&from=x":                   "Invalid parameters (from: not a time: unknown day \"x\")",
		"target=ramp&xFilesFactor=x":           "Invalid parameters (could not convert string to float: 'x')",
		"target=grep(ramp,'a(?=b)')":           "Invalid parameters (regular expression 'a(?=b)': error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
		"target=ramp&cacheTimeout=x":           "Invalid parameters (Invalid int value 'x' for param cacheTimeout",
		"target=seriesByTag('a=~(')":           "error parsing regexp",
		"target=" + strings.Repeat("f(", 9000): "200 calls within each other",
	} {
		w := g.get("/render?format=json&" + query)
		assert.Equal(t, http.StatusBadRequest, w.Code, query)
		assert.Contains(t, w.Body.String(), want, query)
		assert.Less(t, w.Body.Len(), 5000)
	}
	w := g.ask("POST", "/render", "format=json"+strings.Repeat("&target=ramp", 2000), nil)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "more than 1000 targets")
}

func TestRenderMayBeKept(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	h := g.get("/render?format=json").Header()
	assert.Equal(t, "max-age=60", h.Get("Cache-Control"))
	assert.Equal(t, "Thu, 01 Jan 1970 01:01:00 GMT", h.Get("Expires"))
	assert.Equal(t, "max-age=5", g.get("/render?format=json&cacheTimeout=5").Header().Get("Cache-Control"))
	assert.Contains(t, g.get("/render?format=json&noCache=1").Header().Get("Cache-Control"), "no-store")
}

func TestRenderCompresses(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	const path = "/render?target=ramp&target=ramp&from=0&until=9000&format=json"
	plain := g.get(path).Body.String()
	w := g.ask("GET", path, "", func(r *http.Request) { r.Header.Set("Accept-Encoding", "br, gzip;q=0.5") })
	assert.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	assert.Empty(t, w.Header().Get("Content-Length"))
	assert.Less(t, w.Body.Len()*3, len(plain))
	z, err := gzip.NewReader(w.Body)
	require.NoError(t, err)
	got, err := io.ReadAll(z)
	require.NoError(t, err)
	assert.Equal(t, plain, string(got))
	for _, take := range []string{"", "br", "gzip;q=0"} {
		w := g.ask("GET", path, "", func(r *http.Request) { r.Header.Set("Accept-Encoding", take) })
		assert.Equal(t, plain, w.Body.String(), take)
	}
	w = g.ask("GET", "/render?target=)&format=json", "", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") })
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Empty(t, w.Header().Get("Content-Encoding"))
}

// waits is a Source that waits until it is told to go on.
type waits struct {
	begun chan struct{}
	goOn  chan struct{}
}

func (s *waits) Fetch(ctx context.Context, q query.Fetch) ([][]*query.Series, error) {
	s.begun <- struct{}{}
	select {
	case <-s.goOn:
		return make([][]*query.Series, len(q.Patterns)), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestQueriesWaitForEachOther(t *testing.T) {
	s := &waits{make(chan struct{}), make(chan struct{})}
	g := rendering(t, graphiteapi.Options{Queries: 1, QueryQueue: 1, QueryTime: time.Minute,
		Engine: query.New(query.Options{Functions: functions.Table(), Source: s})})
	answers := make(chan int)
	ask := func() { answers <- g.get("/render?target=a&format=json").Code }
	go ask()
	<-s.begun
	go ask()
	require.Eventually(t, func() bool { return g.figure("queriesWaiting") == 1 }, 10*time.Second, time.Millisecond)
	g.refused("/render?target=a&format=json", http.StatusServiceUnavailable, "too many queries at once, try again")
	assert.Equal(t, "1", g.get("/render?target=a&format=json").Header().Get("Retry-After"))
	s.goOn <- struct{}{}
	assert.Equal(t, http.StatusOK, <-answers)
	<-s.begun
	s.goOn <- struct{}{}
	assert.Equal(t, http.StatusOK, <-answers)
}

func TestSlowQueriesEnd(t *testing.T) {
	s := &waits{make(chan struct{}, 1), nil}
	g := rendering(t, graphiteapi.Options{QueryTime: time.Millisecond, Engine: query.New(query.Options{Functions: functions.Table(), Source: s})})
	g.refused("/render?target=a&format=json", http.StatusServiceUnavailable, "the query took too long")
	assert.EqualValues(t, 1, g.figure("queriesRefused"))
}

// figure returns the sum of the figures of a name.
func (g *rig) figure(name string) (sum float64) {
	for _, f := range g.api.Figures() {
		if f.Name == name {
			sum += f.Value
		}
	}
	return sum
}

func TestFunctionsAreListed(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	var all map[string]struct {
		Name, Function, Description, Module, Group string
		Params                                     []map[string]any
	}
	text := g.get("/functions").Body.String()
	assert.Contains(t, text, `"type": "intOrInf", "default": 1e9999`) // of the spellings that graphite-web has for it the one that is JSON
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(text, "1e9999", "1e99")), &all))
	assert.Equal(t, "scale(seriesList, factor)", all["scale"].Function)
	assert.Equal(t, "sumSeries(*seriesLists)", all["sumSeries"].Function)
	assert.Equal(t, "summarize(seriesList, intervalString, func='sum', alignToFrom=False)", all["summarize"].Function)
	assert.Equal(t, "graphite.render.functions", all["scale"].Module)
	assert.Equal(t, []map[string]any{{"name": "seriesList", "type": "seriesList", "required": true}, {"name": "factor", "type": "float", "required": true}}, all["scale"].Params)
	assert.Contains(t, all["summarize"].Params[2]["options"], "rangeOf")
	var groups map[string]map[string]any
	text = strings.ReplaceAll(g.get("/functions/?grouped=1").Body.String(), "1e9999", "1e99")
	require.NoError(t, json.Unmarshal([]byte(text), &groups))
	assert.Contains(t, groups["Transform"], "scale")
	var one map[string]any
	require.NoError(t, json.Unmarshal(g.get("/functions/scale").Body.Bytes(), &one))
	assert.Equal(t, "Transform", one["group"])
	g.refused("/functions/none", http.StatusNotFound, "Function not found: none")
	require.NoError(t, json.Unmarshal(g.get("/functions?group=Alias").Body.Bytes(), &one))
	assert.Contains(t, one, "alias")
	assert.NotContains(t, one, "sumSeries")
}

// Numbers of few digits go another way than the others, which must not be seen.
func TestNumbersAreTheShortest(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		v := math.Round(r.NormFloat64()*math.Pow10(r.IntN(18))) / math.Pow10(r.IntN(8))
		if r.IntN(10) == 0 {
			v = math.Float64frombits(r.Uint64())
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		text := string(graphiteapi.AppendValue(nil, v, false))
		require.Equal(t, query.FormatFloat(v), text)
		back, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		require.Equal(t, v, back)
	}
}

func BenchmarkAppendValue(b *testing.B) {
	for name, v := range map[string]float64{"integer": 1234567, "decimal": 1234.56, "any": math.Pi * 1000} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = graphiteapi.AppendValue(buf[:0], v, false)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}
