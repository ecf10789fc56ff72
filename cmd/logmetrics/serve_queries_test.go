package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// manyTargets is beyond what a request may have.
const manyTargets = 1001

// hostileQueries are requests to /render that ask for too much, and what they are
// answered with: 200 where it costs little, else 400 or, when time ends first, 503.
func hostileQueries() map[string]url.Values {
	const all = "servers.*.cpu"
	nested := func(function, inner, arguments string, n int) string {
		return strings.Repeat(function+"(", n) + inner + strings.Repeat(arguments+")", n)
	}
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	list := map[string]url.Values{
		"400 targets": {"target": strings.Split(strings.Repeat("a,", manyTargets)+"a", ",")},
		"200 zone":    {"target": {"servers.web1.cpu"}, "tz": {"../../../../etc/passwd"}},
		"200 format":  {"target": {"servers.web1.cpu"}, "format": {"../../etc/passwd"}},
		"400 script":  {"target": {"servers.web1.cpu"}, "jsonp": {"alert(1)//"}},
		"400 from":    {"target": {all}, "from": {"-1000000000y"}},
		"400 until":   {"target": {all}, "until": {"9000000000000000000"}},
	}
	for name, target := range map[string]string{
		"400 deep": nested("absolute", "a", "", 10_000), "400 pipes": "a" + strings.Repeat("|absolute()", 10_000), "200 nested": nested("absolute", "servers.web1.cpu", "", 190),
		"400 names": nested("aliasSub", all, `,"^(.*)$","\1\1"`, 60), "400 legend": "legendValue(" + all + strings.Repeat(`,"median"`, 20_000) + ")",
		"200 expression": `aliasSub(` + all + `,"(a+)+(a+)+(a+)+$","x")`, "400 repeat": `aliasSub(` + all + `,"(.{1000}){1000}","x")`, "200 search": `grep(` + all + `,"^(([a-z])+.)+[A-Z]([a-z])+$")`,
		"400 tags": "seriesByTag(" + strings.Repeat("'host=~.*',", 5000) + "'a!=b')", "400 braces": strings.Repeat("{a,b}", 30), "200 globs": strings.Repeat("*a*b*c*d", 1000),
		"400 seconds": `randomWalk("x",1)|timeShift("-100y")|summarize("1s")|timeStack("1s",0,100000)`, "400 shifts": nested("timeShift", all, `,"1d"`, 25),
		"400 step": `sin("x",1,0)`, "400 delay": "delay(servers.web1.cpu,9223372036854775807)", "400 keywords": "alias(" + all + numbered(60_000, ",k%d=1") + ")", "200 names": "group(" + strings.Repeat("a,", 200_000) + "a)",
		"400 template": "template(group(" + strings.Repeat("$a,", 100_000) + "$a),a='" + strings.Repeat("x", 1000) + "')", "400 copies": "sumSeries(" + strings.Repeat(all+",", 5000) + all + ")",
		"400 lists": "group(" + strings.Repeat("mapSeries("+all+",1),", 1500) + all + ")", "400 self": "group(" + strings.Repeat(all+",", 5000) + all + ")",
		"200 bytes": "\xff\xfe(\x00", "200 power": "pow(servers.web1.cpu,1e308)",
	} {
		list[name] = url.Values{"target": {target}}
	}
	for name, params := range map[string]string{
		"400 width": "width=1000000000&height=1", "400 pixels": "width=100000&height=100000", "400 font": "fontSize=1e9", "400 log": "logBase=1.0000000001",
		"200 dashes": "lineWidth=50&width=500&height=500", "200 steps": "yStep=1e-300", "200 values": "minXStep=1e-9",
	} {
		q, _ := url.ParseQuery(params)
		q.Set("target", "dashed("+all+",0.001)")
		q.Set("format", "png")
		list[name] = q
	}
	return list
}

// TestHostileQueries: what asks for too much is refused, said and counted, in time and
// without much memory; a good client is answered meanwhile.
func TestHostileQueries(t *testing.T) {
	t.Parallel()
	const queryTime, series, points = 2 * time.Second, 500, 30
	s := newSite(t)
	b := s.serve("--query-time=" + queryTime.String())
	now := time.Now().Unix() / 10 * 10
	var lines strings.Builder
	for i := range series {
		for k := range points {
			fmt.Fprintf(&lines, "servers.web%d.cpu %d %d\n", i, i*k, now-int64(10*k))
		}
	}
	b.send("carbon-tcp", lines.String())
	b.takes("carbon", series*points)

	done := make(chan struct{})
	var good sync.WaitGroup
	good.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for answered := 0; ; answered++ {
			select {
			case <-done:
				assert.Positive(t, answered)
				return
			case <-tick.C:
				code, _ := get(t, b.at("http"), "/render?target=servers.web1.cpu&from=-5min&format=json")
				assert.Equal(t, http.StatusOK, code)
			}
		}
	})
	refused := 0.0
	for name, q := range hostileQueries() {
		if !q.Has("from") {
			q.Set("from", "-5min")
		}
		if !q.Has("format") {
			q.Set("format", "json")
		}
		begun := time.Now()
		code, text := b.query(q)
		assert.Contains(t, []string{name[:3], "503"}, fmt.Sprint(code), "%s: %.300s", name, text) // the machine may be slow
		assert.Less(t, time.Since(begun), queryTime+limit, name)
		if code != http.StatusOK {
			refused++
		}
	}
	close(done)
	good.Wait()
	counted := 0.0
	for _, reason := range []string{"busy", "invalid", "limit", "slow"} {
		counted += b.figure(`logmetrics_query_queries_refused_total{reason="` + reason + `"}`)
	}
	assert.EqualValues(t, refused, counted, "each refusal is counted")
	assert.Zero(t, b.figure("logmetrics_query_queries_broken_total")+b.figure("logmetrics_http_panics_total"))
	resident := b.figure("process_resident_memory_bytes")
	t.Logf("%.0f MiB resident", resident/(1<<20))
	assert.Less(t, resident, float64(640<<20))
}

// query posts to /render.
func (b *backend) query(form url.Values) (code int, text string) {
	b.t.Helper()
	resp, err := http.PostForm("http://"+b.at("http")+"/render", form)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode, string(body)
}

// TestClientsThatGo: queries end when those who asked have gone.
func TestClientsThatGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve("--query-time=1h")
	form := url.Values{"target": {"legendValue(randomWalk('x')" + strings.Repeat(`,"median"`, 10_000) + ")"}, "from": {"-1y"}, "format": {"json"}}.Encode()
	for range 50 {
		conn := b.dial("http")
		_, err := fmt.Fprintf(conn, "POST /render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	testutil.Eventually(t, limit, func() bool {
		return b.figure("logmetrics_query_queries_running")+b.figure("logmetrics_query_queries_waiting") == 0
	})
	b.ends()
}
