package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// since118 are the functions that graphite-web 1.1.8 has not.
var since118 = []string{"compressPeriodicGaps", "lower", "statistic", "upper"}

// compareFunctions: what /functions says of each function is what graphite-web
// says, but for descriptions.
func compareFunctions(t *testing.T, theirs, ours string) {
	t.Helper()
	r := request{method: http.MethodGet, path: "/functions"}
	want, got := functionRows(t, ask(t, theirs, r)), functionRows(t, ask(t, ours, r))
	assert.Len(t, want, 151)
	for name, row := range want {
		assert.Empty(t, comparison{order: true}.json(row, got[name]), name)
		delete(got, name)
	}
	var more []string
	for name := range got {
		more = append(more, name)
	}
	slices.Sort(more)
	assert.Equal(t, since118, more)
}

func functionRows(t *testing.T, a answer) (rows map[string]json.RawMessage) {
	t.Helper()
	require.NoError(t, json.Unmarshal(infinite(a.body), &rows))
	return rows
}
