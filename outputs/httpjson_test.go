package outputs_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// TestPostedJSON reads what is posted, twice, with the decoder of any receiver.
func TestPostedJSON(t *testing.T) {
	var bodies, keys []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "/in/?a=1", r.URL.String(), "as it was given")
		bodies, keys = append(bodies, string(body)), append(keys, r.Header.Get("Idempotency-Key"))
	}))
	t.Cleanup(server.Close)
	out := newVariant(t, variant{"http", "", outputs.Options{Protocol: "http", Address: server.Listener.Addr().String() + "/in/?a=1"}})
	b := sampleBatch()
	b.Samples[0].Unit = "\"Total\\Sent\"\xff <&> é"
	require.NoError(t, out.Write(t.Context(), b))
	require.NoError(t, out.Write(t.Context(), b))
	b.ID.Seq++
	require.NoError(t, out.Write(t.Context(), b))
	assert.Equal(t, bodies[0], bodies[1])
	assert.Equal(t, []string{"01000000000000000000000000000000-1", "01000000000000000000000000000000-1", "01000000000000000000000000000000-2"}, keys)

	var got jsonBatch
	fromJSON(t, []byte(bodies[0]), &got)
	assert.Equal(t, []any{1, keys[0], int64(1759999990), int64(1760000000), int64(1760000000)}, []any{got.Version, got.ID, got.Start, got.End, got.Stamp})
	require.Len(t, got.Samples, len(b.Samples))
	byName := make(map[string]jsonSample)
	for _, s := range got.Samples {
		byName[s.Name] = s
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		o := byName["servers.web1."+s.Name+".test"]
		assert.Equal(t, s.Kind.String(), o.Kind, s.Name)
		if s.Kind != metric.Timer {
			assert.Equal(t, s.Value(), *o.Value, s.Name)
			continue
		}
		assert.Equal(t, "s", o.Unit)
		assert.Equal(t, s.Count, *o.Count)
		assert.Equal(t, s.Count == 0, o.P99 == nil)
	}
	assert.Equal(t, "\"Total\\Sent\"\ufffd <&> é", got.Samples[0].Unit)
	assert.Equal(t, map[string]string{"code": "200", "method": "GET"}, byName["servers.web1.requests.test"].Tags)
}

// TestErrorsOfHTTPHoldNoSecret: a query may be a token.
func TestErrorsOfHTTPHoldNoSecret(t *testing.T) {
	address := testutil.FreeAddress(t)
	out := newVariant(t, variant{"http", "", outputs.Options{Protocol: "http", Address: address + "/in?token=secret"}})
	err := out.Write(t.Context(), sampleBatch())
	assert.ErrorContains(t, err, "post to http://"+address+"/in: ")
	assert.NotContains(t, err.Error(), "secret")
}

func TestHeadersFileIsChecked(t *testing.T) {
	f, ok := outputs.Find("http")
	require.True(t, ok)
	name := filepath.Join(t.TempDir(), "headers")
	opt := outputs.Options{Address: "127.0.0.1:1", HTTP: outputs.HTTPOptions{HeadersFile: name}}
	_, err := f.New(opt)
	assert.ErrorIs(t, err, os.ErrNotExist)
	for text, want := range map[string]string{
		"A: b\nsecret":         "line 2 is not as in Authorization: Bearer TOKEN",
		"A b: secret":          "line 1 is not as in",
		": secret":             "line 1 is not as in",
		"A: secret\x01":        "line 1 is not as in",
		"# none\n\n A : b c\n": "",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		_, err := f.New(opt)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "secret:")
	}
	require.NoError(t, os.Chmod(name, 0o604))
	_, err = f.New(opt)
	assert.ErrorContains(t, err, "everybody may read or change it")
}
