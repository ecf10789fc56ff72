package conformance

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
)

// client gives up before what a request could cost.
var client = &http.Client{Timeout: 10 * time.Second}

// ask sends a request to a server.
func ask(t testing.TB, base string, r request) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, base+r.url(), strings.NewReader(r.body()))
	require.NoError(t, err)
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), body}
}

func TestItself(t *testing.T) {
	s := graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow, Series: graphiteweb.Fleet()})
	for _, r := range requests(t, "testdata/requests") {
		start := time.Now()
		want := ask(t, s.URL, r)
		if d := time.Since(start); d > 200*time.Millisecond {
			t.Log(d, want.status, len(want.body), r.name())
		}
	}
}
