package ingest_test

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// TestInfluxFromInfluxDB: Debian's InfluxDB passes what it is sent on to us, as
// one of its subscribers.
func TestInfluxFromInfluxDB(t *testing.T) {
	r := newRig(ingest.HTTPOptions{})
	s := httptest.NewServer(r.mux)
	defer s.Close()
	db := testutil.StartInflux(t)
	db.Query(t, "datagrams", `CREATE SUBSCRIPTION "us" ON "datagrams"."autogen" DESTINATIONS ALL '`+s.URL+`'`)
	lines := "cpu,host=web\\ 1 idle=97.5,busy=2i,up=true,state=\"a \\\"b\\\"\" 1760000003000000000\nload value=1.25 1759999990000000000\n"
	want := []string{"put cpu.busy;host=web_1 - 3 2", "put cpu.idle;host=web_1 - 3 97.5", "put cpu.up;host=web_1 - 3 1", "put load - -10 1.25"}
	// A subscriber is told of what comes after the server has noticed it.
	testutil.Eventually(t, testutil.StartLimit, func() bool {
		status, says := db.Post(t, "/write", url.Values{"db": {"datagrams"}}, lines)
		assert.Equal(t, 204, status, says)
		got := slices.Compact(r.sorted())
		return slices.Equal(want, got)
	})
	assert.Zero(t, r.figure(t, "refusedRequests", "http-influx", "badRequest"))
	assert.Positive(t, r.figure(t, "textFields", "http-influx"))
}
