package graphiteapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// BenchmarkRender is what a client waits for, over HTTP: a thousand series of a day by minutes, one of a day by
// 10 s.
func BenchmarkRender(b *testing.B) {
	unix := int64(1772409600)
	clock := func() time.Time { return time.Unix(unix, 0) }
	text := "[fine]\npattern = ^fine\nretentions = 10s:2d\n[all]\npattern = .*\nretentions = 60s:2d\n"
	schemas, err := schema.Parse(schema.File{Name: "bench", Text: text}, schema.File{})
	require.NoError(b, err)
	db, err := store.Open(store.Options{Dir: b.TempDir(), SealEvery: -1, Now: clock, Schemas: schemas})
	require.NoError(b, err)
	defer db.Close()
	fillDay(b, db, &unix)
	mux := http.NewServeMux()
	for _, r := range graphiteapi.New(graphiteapi.Options{DB: db, Now: clock, QueryTime: time.Minute}).Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, c := range []struct{ name, query string }{
		{"1x1440", "target=host.h500.load&from=-24h"},
		{"1x8640", "target=fine.load&from=-24h"},
		{"sumSeries1000x1440", "target=sumSeries(host.*.load)&from=-24h"},
		{"1000x1440", "target=host.*.load&from=-24h"},
		{"movingAverage1000x720", "target=sumSeries(movingAverage(host.*.load,'10min'))&from=-12h"},
		{"1000x1440thinned", "target=host.*.load&from=-24h&maxDataPoints=300"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(ask(b, server.URL+"/render?format=json&"+c.query))
			}
		})
	}
}

func ask(b *testing.B, url string) int64 {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	require.NoError(b, err)
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	defer resp.Body.Close()
	require.Equal(b, http.StatusOK, resp.StatusCode)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(b, err)
	return n
}

// fillDay keeps a day, and goes through it with the clock.
func fillDay(b *testing.B, db *store.DB, unix *int64) {
	w := db.NewWriter()
	names := make([][]byte, 1000)
	for i := range names {
		names[i] = fmt.Appendf(nil, "host.h%03d.load", i)
	}
	for end := *unix + 86400; *unix < end; *unix += 10 {
		require.Equal(b, store.Taken, w.Put([]byte("fine.load"), metric.Average, *unix, float64(*unix%1000)/8))
		for i, name := range names {
			if *unix%60 == 0 {
				require.Equal(b, store.Taken, w.Put(name, metric.Average, *unix, float64(*unix%977*int64(i)%10007)/100))
			}
		}
		require.NoError(b, w.Flush())
		if *unix%3600 == 0 {
			require.NoError(b, db.Tend(b.Context()))
		}
	}
}
