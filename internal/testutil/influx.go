package testutil

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const influxConf = `reporting-disabled = true
bind-address = "127.0.0.1:%[2]d"
[meta]
  dir = "%[1]s/meta"
[data]
  dir = "%[1]s/data"
  wal-dir = "%[1]s/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:%[3]d"
  auth-enabled = true
[[udp]]
  enabled = true
  bind-address = "127.0.0.1:%[4]d"
  database = "datagrams"
  batch-size = 1
`

// Influx is Debian's InfluxDB 1 on loopback, with a user me, whose password is
// pass, and a database datagrams, which takes what comes over UDP.
type Influx struct {
	HTTP, UDP string // host:port
	Password  string // a file that holds it
}

// StartInflux starts one, until the test's end.
func StartInflux(t testing.TB) *Influx {
	t.Helper()
	path := Peer(t, "influxd")
	dir := t.TempDir()
	web, udp := FreePort(t), FreePort(t)
	conf := filepath.Join(dir, "influxdb.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, influxConf, dir, FreePort(t), web, udp), 0o644))
	Start(t, path, "-config", conf)
	s := &Influx{HTTP: fmt.Sprintf("127.0.0.1:%d", web), UDP: fmt.Sprintf("127.0.0.1:%d", udp), Password: filepath.Join(dir, "password")}
	require.NoError(t, os.WriteFile(s.Password, []byte("pass\n"), 0o600))
	Eventually(t, StartLimit, Listens(web))
	s.Query(t, "", "CREATE USER me WITH PASSWORD 'pass' WITH ALL PRIVILEGES")
	s.Query(t, "", "CREATE DATABASE datagrams")
	return s
}

// Post sends a request as the user me.
func (s *Influx) Post(t testing.TB, path string, query url.Values, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.HTTP+path+"?"+query.Encode(), strings.NewReader(body))
	require.NoError(t, err)
	req.SetBasicAuth("me", "pass")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text)
}

// InfluxRow is a point, by the names of its columns.
type InfluxRow map[string]any

// Number returns the number in the column, which must be there.
func (r InfluxRow) Number(t testing.TB, column string) float64 {
	t.Helper()
	n, ok := r[column].(json.Number)
	require.True(t, ok, "%s of %v", column, r)
	v, err := n.Float64()
	require.NoError(t, err)
	return v
}

// Query returns the rows that the server answers with; times are nanoseconds.
func (s *Influx) Query(t testing.TB, database, q string) (rows []InfluxRow) {
	t.Helper()
	status, text := s.Post(t, "/query", url.Values{"db": {database}, "epoch": {"ns"}, "q": {q}}, "")
	require.Equal(t, http.StatusOK, status, text)
	var answer struct {
		Results []struct {
			Error  string
			Series []struct {
				Columns []string
				Values  [][]any
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&answer), text)
	for _, result := range answer.Results {
		require.Empty(t, result.Error, q)
		for _, series := range result.Series {
			for _, values := range series.Values {
				row := InfluxRow{}
				for i, column := range series.Columns {
					row[column] = values[i]
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}
