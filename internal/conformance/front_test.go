package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
)

// front asks a graphite-web without files, whose CLUSTER_SERVERS names us, what it
// asks one that has the same in files of its own.
func front(t *testing.T, alone *graphiteweb.Server, ours string) {
	t.Helper()
	front := graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow, Cluster: []string{strings.TrimPrefix(ours, "http://")}})
	postEvents(t, front.URL)
	list := slices.DeleteFunc(requests(t, "testdata/requests"), func(r request) bool { return !passedOn(r) })
	askBoth(t, list, alone, front.URL, "testdata/differences-front.txt")
}

// passedOn reports whether graphite-web asks its nodes about a request: not with
// local=1, and of tags only what completes them.
func passedOn(r request) bool {
	return !r.params.Has("local") && (r.topic != "tags" || strings.HasPrefix(r.path, "/tags/autoComplete"))
}
