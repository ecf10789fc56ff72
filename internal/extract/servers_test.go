package extract_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// Real servers behind the real program, which is killed and ended while its log
// is written: what they hold in the end is what was written.

// delivering is a world whose program delivers to other outputs than the sink.
func delivering(t *testing.T, output string, flags ...string) *world {
	t.Helper()
	w := mailWorld(t, "")
	w.logs, w.outputs = []string{w.log()}, []string{output}
	w.args = append(w.args, append(flags, "--from=begin", "-p", "mx")...)
	w.add(10)
	return w
}

// add appends n deliveries to the log.
func (w *world) add(n int) { w.t.Helper(); w.raw("", strings.Join(w.sent(n), "\n")+"\n") }

// lives follows the log several times, with each end in turn, and leaves a
// process that goes on.
func (w *world) lives() *process {
	w.t.Helper()
	for round := range 5 {
		p := w.follow("--interval=1s")
		after := time.After(time.Duration(200+w.rand.IntN(2000)) * time.Millisecond)
		for range 3 {
			w.add(1 + w.rand.IntN(50))
		}
		if round%2 == 1 {
			p.end()
		} else {
			<-after
			p.kill()
		}
		assert.Empty(w.t, p.said())
	}
	p := w.follow("--interval=1s")
	w.add(7)
	return p
}

// TestCarbonBehindAProcessThatFollows: no second is written twice with
// different values, over restarts within a second, too.
func TestCarbonBehindAProcessThatFollows(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"tcp", "pickle"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			carbon := testutil.NewCarbon(t, "1s:1h")
			carbon.Start(t)
			port := map[string]int{"tcp": carbon.Line, "pickle": carbon.Pickle}[protocol]
			w := delivering(t, "graphite")
			w.args = append(slices.DeleteFunc(w.args, func(arg string) bool { return arg == "--graphite-host" || arg == w.sink.address }),
				"--graphite-host", fmt.Sprintf("%s://127.0.0.1:%d", protocol, port))
			p := w.lives()
			testutil.Eventually(t, patience, func() bool { return sum(carbon.Points(t, "mx.numSent")) == float64(w.written) })
			p.end()
			testutil.Eventually(t, patience, func() bool { return sum(carbon.Points(t, "mx.logmetrics.lines")) == float64(w.written) })
			assert.GreaterOrEqual(t, len(carbon.Points(t, "mx.numSent")), 3, "each life that was not killed made one at least")
		})
	}
}

func sum(points map[int64]float64) (total float64) {
	for _, v := range points {
		total += v
	}
	return total
}

// inInflux returns the flags that send to the database, which it makes.
func inInflux(t *testing.T, s *testutil.Influx, database string, more ...string) []string {
	t.Helper()
	s.Query(t, "", "CREATE DATABASE "+database)
	return append([]string{"--influx-host", s.HTTP, "--influx-database", database, "--influx-user=me", "--influx-password-file", s.Password}, more...)
}

// column returns the values of a measurement's column by time, in seconds; what
// has none is left out.
func column(t *testing.T, s *testutil.Influx, database, measurement, name string) map[int64]float64 {
	t.Helper()
	points := map[int64]float64{}
	for _, row := range s.Query(t, database, fmt.Sprintf(`SELECT * FROM "%s"`, measurement)) {
		if row[name] == nil {
			continue
		}
		ns, err := row["time"].(json.Number).Int64()
		require.NoError(t, err)
		points[ns/1e9] = row.Number(t, name)
	}
	return points
}

func TestInfluxBehindAProcessThatFollows(t *testing.T) {
	t.Parallel()
	s := testutil.StartInflux(t)
	w := delivering(t, "influx", inInflux(t, s, "mail")...)
	p := w.lives()
	testutil.Eventually(t, patience, func() bool { return sum(column(t, s, "mail", "mx.numSent", "value")) == float64(w.written) })
	p.end()
}

// TestTelemetryOfCVMFSOverRestarts: totals go on, deltas add up to them, and
// the first batch of all has none.
func TestTelemetryOfCVMFSOverRestarts(t *testing.T) {
	t.Parallel()
	s := testutil.StartInflux(t)
	w := delivering(t, "influx", inInflux(t, s, "cvmfs", "--influx-metric-name=cv", "--influx-extra-tags=repo=atlas")...)
	p := w.lives()
	var totals map[int64]float64
	testutil.Eventually(t, patience, func() bool {
		totals = column(t, s, "cvmfs", "cv_absolute", "mx.numSent")
		_, newest := ends(totals)
		return totals[newest] == float64(w.written)
	})
	p.end()
	totals = column(t, s, "cvmfs", "cv_absolute", "mx.numSent")
	deltas := column(t, s, "cvmfs", "cv_delta", "mx.numSent")
	first, _ := ends(totals)
	assert.NotContains(t, deltas, first, "the first batch has no delta")
	assert.GreaterOrEqual(t, totals[first], 10.0)
	total := totals[first]
	for _, at := range inOrder(totals)[1:] {
		total += deltas[at]
		assert.Equal(t, total, totals[at], "at %d", at)
	}
	assert.EqualValues(t, w.written, total)
	assert.Len(t, deltas, len(totals)-1)
}

func inOrder(points map[int64]float64) (at []int64) {
	for second := range points {
		at = append(at, second)
	}
	slices.Sort(at)
	return at
}

// ends returns the first and the last second of points, 0 of none.
func ends(points map[int64]float64) (first, last int64) {
	if at := inOrder(points); len(at) > 0 {
		return at[0], at[len(at)-1]
	}
	return 0, 0
}

// TestPrometheusBehindAProcessThatFollows: Debian's Prometheus scrapes a page
// and takes remote writes, and sees no counter fall over restarts.
func TestPrometheusBehindAProcessThatFollows(t *testing.T) {
	t.Parallel()
	page := testutil.FreeAddress(t)
	server := testutil.StartPrometheus(t, page)
	w := delivering(t, "prometheus", "--prometheus-listen", page, "--prometheus-remote-write", "http://"+server.Address, "--prometheus-buckets=.1,1")
	p := w.lives()
	for _, from := range []string{`job="logs"`, `job=""`} { // scraped; written
		server.Shows(t, fmt.Sprintf(`mx_num_sent_total{%s}`, from), float64(w.written))
		server.Shows(t, fmt.Sprintf(`mx_delay_seconds_bucket{%s,le=~"1|1.0"}`, from), float64(w.written))
		for _, series := range []string{"mx_num_sent_total", "mx_delay_seconds_count", "mx_logmetrics_lines_total"} {
			server.Shows(t, fmt.Sprintf(`resets(%s{%s}[10m])`, series, from), 0)
		}
	}
	p.end()
}

// TestTextfileFromCron: totals go on over runs, killed ones among them.
func TestTextfileFromCron(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mail.prom")
	w := delivering(t, "prometheus", "--prometheus-textfile", file)
	shown := func() int {
		page, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			return 0
		}
		require.NoError(t, err)
		m := regexp.MustCompile(`(?m)^mx_num_sent_total (\d+)$`).FindSubmatch(page)
		require.NotNil(t, m, "%s", page)
		n, err := strconv.Atoi(string(m[1]))
		require.NoError(t, err)
		return n
	}
	before := 0
	for w.killed < 10 {
		w.add(1 + w.rand.IntN(20))
		w.run(time.Duration(1+w.rand.IntN(20000)) * time.Microsecond)
		now := shown()
		require.GreaterOrEqual(t, now, before, "the total fell")
		before = now
	}
	w.add(1)
	for range 2 {
		w.exits(0)
		assert.Equal(t, w.written, shown())
	}
}
