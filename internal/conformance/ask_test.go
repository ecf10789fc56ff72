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
