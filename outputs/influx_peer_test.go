package outputs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// influxServer is Debian's InfluxDB 1.
type influxServer struct {
	*testutil.Influx
	t *testing.T
}

func startInflux(t *testing.T) influxServer {
	t.Helper()
	return influxServer{testutil.StartInflux(t), t}
}

// influxRow is a point, by the names of its columns.
type influxRow = testutil.InfluxRow

func (s influxServer) post(path string, query url.Values, body string) (status int, answer string) {
	s.t.Helper()
	return s.Post(s.t, path, query, body)
}

func (s influxServer) query(database, q string) []influxRow {
	s.t.Helper()
	return s.Query(s.t, database, q)
}

// only returns the only point of a measurement, once it is there.
func (s influxServer) only(database, measurement string) (row influxRow) {
	s.t.Helper()
	var rows []influxRow
	testutil.Eventually(s.t, startLimit, func() bool {
		rows = s.query(database, fmt.Sprintf(`SELECT * FROM "%s"`, measurement))
		return len(rows) > 0
	})
	require.Len(s.t, rows, 1, measurement)
	return rows[0]
}

func (s influxServer) over(protocol string, o outputs.InfluxOptions) (out outputs.Output, database string) {
	s.t.Helper()
	if protocol == "udp" {
		return newInflux(s.t, outputs.Options{Protocol: "udp", Address: s.UDP, Influx: o}), "datagrams"
	}
	o.Database, o.User, o.PasswordFile = "bodies", "me", s.Password
	return newInflux(s.t, outputs.Options{Protocol: "http", Address: s.HTTP, Influx: o}), "bodies"
}

// TestInfluxDB writes by each protocol and in each layout to Debian's InfluxDB,
// and reads back what it has stored.
func TestInfluxDB(t *testing.T) {
	s := startInflux(t)
	out, database := s.over("http", outputs.InfluxOptions{})
	err := out.Write(t.Context(), sampleBatch())
	require.ErrorContains(t, err, "database not found")
	require.NotErrorIs(t, err, outputs.ErrPermanent, "it may still be made")
	s.query("", "CREATE DATABASE "+database)
	for _, protocol := range []string{"http", "udp"} {
		t.Run(protocol, func(t *testing.T) { checkMeasurements(t, s, protocol) })
		t.Run(protocol+" telemetry", func(t *testing.T) { checkTelemetry(t, s, protocol) })
	}
	t.Run("wrong password", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(other, []byte("other"), 0o600))
		out := newInflux(t, outputs.Options{Address: s.HTTP, Influx: outputs.InfluxOptions{Database: "bodies", User: "me", PasswordFile: other}})
		err := out.Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, "401")
		require.NotErrorIs(t, err, outputs.ErrPermanent)
	})
	t.Run("conflict", func(t *testing.T) { checkConflict(t, s) })
	t.Run("refusals", func(t *testing.T) { checkRefusals(t, s) })
}

func checkMeasurements(t *testing.T, s influxServer, protocol string) {
	out, database := s.over(protocol, outputs.InfluxOptions{ExtraTags: `dc=a\ b`})
	for range 2 { // a repeat changes nothing
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
	}
	for name, fields := range map[string]map[string]float64{
		"numSent": {"value": 97}, "pctSent": {"value": 100}, "change": {"value": -5.25}, "tiny": {"value": 1e-5}, "clients": {"value": 4},
		"idle.counter": {"value": 0}, "idle.timer": {"count": 0}, "requests": {"value": 7},
		"delay": {"count": 4, "upper": 2, "lower": -1, "median": (.0123 + .1) / 2}, "time": {"p99": .25},
	} {
		row := s.only(database, "servers.web1."+name+".test")
		assert.Equal(t, json.Number("1760000000000000000"), row["time"])
		assert.Equal(t, "a b", row["dc"])
		for field, want := range fields {
			assert.Equal(t, want, row.Number(t, field), "%s %s", name, field)
		}
		if name == "requests" {
			assert.Equal(t, []any{"200", "GET"}, []any{row["code"], row["method"]})
		}
	}
}

func checkTelemetry(t *testing.T, s influxServer, protocol string) {
	out, database := s.over(protocol, outputs.InfluxOptions{MetricName: "cv", ExtraTags: "repo=atlas.example.org", ExtraFields: `os="a b",cores=8`})
	var many []metric.Sample
	for i := range 300 { // so many that over UDP they need several lines
		many = append(many, counter(fmt.Sprintf("many.counters.with.long.names%d", i), 1))
	}
	for range 2 {
		require.NoError(t, out.Write(t.Context(), counts(1, append(many, counter("c1", 1), counter("c2", 0), counter("c3", 10))...)))
	}
	for range 2 {
		require.NoError(t, out.Write(t.Context(), counts(2, counter("c2", 1), counter("c3", 5))))
	}
	var rows []influxRow
	testutil.Eventually(t, startLimit, func() bool {
		rows = s.query(database, "SELECT * FROM cv_delta")
		return len(rows) == 1 && rows[0]["test.c3"] != nil && len(rows[0]) == 305
	})
	assert.Equal(t, json.Number("1760000020000000000"), rows[0]["time"])
	for name, want := range map[string]float64{"c1": 0, "c2": 1, "c3": 5, "many.counters.with.long.names299": 0} {
		assert.Equal(t, want, rows[0].Number(t, "test."+name), name)
	}
	rows = s.query(database, "SELECT * FROM cv_absolute")
	require.Len(t, rows, 2)
	assert.Nil(t, rows[0]["test.c2"], "it had never counted")
	for i, want := range []map[string]float64{{"c1": 1, "c3": 10}, {"c1": 1, "c2": 1, "c3": 15}} {
		assert.Equal(t, json.Number(fmt.Sprint(1760000010+10*i)+"000000000"), rows[i]["time"])
		assert.Equal(t, []any{"atlas.example.org", "a b", json.Number("8")}, []any{rows[i]["repo"], rows[i]["os"], rows[i]["cores"]})
		for name, v := range want {
			assert.Equal(t, v, rows[i].Number(t, "test."+name), name)
		}
	}
}

// checkConflict has a field that is already of another type: the point is
// refused for ever, the others are stored.
func checkConflict(t *testing.T, s influxServer) {
	status, _ := s.post("/write", url.Values{"db": {"bodies"}}, `test.clash value="text" 1760000010000000000`)
	require.Equal(t, http.StatusNoContent, status)
	out, _ := s.over("http", outputs.InfluxOptions{})
	err := out.Write(t.Context(), counts(1, counter("clash", 1), counter("fine", 2)))
	require.ErrorIs(t, err, outputs.ErrPermanent)
	require.ErrorContains(t, err, "partial write: field type conflict")
	assert.Equal(t, 2.0, s.only("bodies", "test.fine").Number(t, "value"))
}

// checkRefusals has lines that our parser and InfluxDB refuse in the same words,
// and lines that both take.
func checkRefusals(t *testing.T, s influxServer) {
	now := time.Now().UnixNano()
	for _, line := range []string{
		"m", "m,a=b", "m 123", "m f", "m f=1,g", "m =1", "m f=", "m f=,g=1", "m f=nan", "m f=1.2.3", "m f=-", "m f=1x", "m f=1.5i", "m f=1e400",
		"m f=9223372036854775808i", "m f=inf", "m f=tRUE", `m f="a`, "m f=1 abc", "m f=1 1.5", "m f=1 9223372036854775807", "m, f=1", "m,=b f=1",
		"m,a f=1", "m,a= f=1", "m,a=b=c f=1", "m,a=b,a=c f=1", ",a=b f=1",
		"ok f=1", "# comment", "", `ok,k=a\ b\,c f=1 5`, `o\,k s="a \" b"`, "ok i=3i,b=t", fmt.Sprintf("ok f=1 %d", now),
	} {
		var p influx.Parser
		var pt influx.Point
		p.Reset([]byte(line))
		_, err := p.Next(&pt)
		status, answer := s.post("/write", url.Values{"db": {"bodies"}}, line)
		if err == nil {
			assert.Equal(t, http.StatusNoContent, status, "%q: %s", line, answer)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, status, "%q", line)
		assert.Contains(t, answer, err.Error(), "%q", line)
	}
}
