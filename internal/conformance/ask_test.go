package conformance

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
	require.NoError(t, err, r.name())
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err, r.name())
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), body}
}

// postEvents tells servers of the same events.
func postEvents(t testing.TB, servers ...string) {
	t.Helper()
	for _, event := range []string{
		`{"what": "deploy 1", "tags": "deploy web", "when": 1772449900, "data": "by a"}`,
		`{"what": "deploy 2", "tags": ["deploy", "db"], "when": 1772451000, "data": ""}`,
		`{"what": "no tags", "when": 1772452000}`,
		`{"what": "ünïcode \"quoted\"", "tags": "web", "when": 1772453220, "data": "line 1\nline 2"}`,
		`{"what": "long ago", "tags": "deploy web db", "when": 1700000000, "data": "x"}`,
	} {
		for _, server := range servers {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/events/", strings.NewReader(event))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode, event)
		}
	}
}
