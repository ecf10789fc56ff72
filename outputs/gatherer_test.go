package outputs_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/outputs"
)

func newGatherer(t *testing.T, opt outputs.Options, handle http.HandlerFunc) outputs.Output {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	opt.Protocol, opt.Address = "http", strings.TrimPrefix(s.URL, "http://")+"/behind"
	return newVariant(t, variant{output: "gatherer", opt: opt})
}

// TestGathererSendsTheToken, which is asked for by the server.
func TestGathererSendsTheToken(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("secret\n"), 0o600))
	handle := func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/behind/gatherer/v1/batch", r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}
	}
	require.NoError(t, newGatherer(t, outputs.Options{Gatherer: outputs.GathererOptions{TokenFile: token}}, handle).Write(t.Context(), sampleBatch()))
	err := newGatherer(t, outputs.Options{}, handle).Write(t.Context(), sampleBatch())
	require.ErrorContains(t, err, "who are you?")
	assert.NotErrorIs(t, err, outputs.ErrPermanent)
}

// TestGathererBelievesGatherersOnly: a page that says 200 to everybody has taken
// nothing.
func TestGathererBelievesGatherersOnly(t *testing.T) {
	out := newGatherer(t, outputs.Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("<html>Welcome to our wireless network"))
	})
	err := out.Write(t.Context(), sampleBatch())
	require.ErrorContains(t, err, "not the answer of a gatherer")
	assert.NotErrorIs(t, err, outputs.ErrPermanent)
}

func TestGathererRefusesNamesThatAreNone(t *testing.T) {
	b := sampleBatch()
	b.Samples[0].Name = "a b"
	out := newGatherer(t, outputs.Options{}, func(http.ResponseWriter, *http.Request) { t.Error("it is sent") })
	assert.ErrorIs(t, out.Write(t.Context(), b), outputs.ErrPermanent)
}

// TestPatience is what the header asks for.
func TestPatience(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-1": 0, "99999": 5 * time.Minute, "99999999999": 0, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
	} {
		for _, status := range []int{429, 503} {
			out := newGatherer(t, outputs.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(status)
			})
			assert.Equal(t, want, outputs.Patience(out.Write(t.Context(), sampleBatch())), "%q", header)
		}
	}
}

// TestRetryWaitsAsLongAsItIsAskedTo, and not a second more or less.
func TestRetryWaitsAsLongAsItIsAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out := outputs.Retry(&flaky{errs: []error{outputs.Asking(13 * time.Second), outputs.Asking(13 * time.Second)}}, time.Millisecond, time.Millisecond)
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		assert.Equal(t, 26*time.Second, time.Since(began))
	})
}
