package conformance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/fetch"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
	"github.com/logmetrics/logmetrics/metric"
)

// startOurs serves the Graphite API over a store with these series, on a clock
// that stands.
func startOurs(t testing.TB, now int64, series []graphiteweb.Series) (url string) {
	t.Helper()
	clock := func() time.Time { return time.Unix(now, 0) }
	db, err := store.Open(store.Options{Dir: t.TempDir(), SealEvery: -1, Now: clock, Schemas: schemas(t, series)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	load(t, db, series)
	mux := http.NewServeMux()
	engine := query.New(query.Options{Functions: functions.Table(), Source: fetch.New(db)})
	api := graphiteapi.New(graphiteapi.Options{DB: db, Now: clock, Engine: engine, Zone: time.UTC})
	for _, r := range api.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// schemas has a rule for each series.
func schemas(t testing.TB, series []graphiteweb.Series) schema.Schemas {
	t.Helper()
	var tiers, methods strings.Builder
	for i, s := range series {
		var retentions []string
		for _, a := range s.Archives {
			retentions = append(retentions, fmt.Sprintf("%d:%d", a[0], a[1]))
		}
		section := fmt.Sprintf("[s%d]\npattern = ^%s$\n", i, strings.ReplaceAll(regexp.QuoteMeta(s.Name), "%", "%%"))
		fmt.Fprintf(&tiers, "%sretentions = %s\n", section, strings.Join(retentions, ","))
		fmt.Fprintf(&methods, "%saggregationMethod = %s\nxFilesFactor = %g\n", section, s.Method, s.XFF)
	}
	all, err := schema.Parse(schema.File{Name: "schemas", Text: tiers.String()}, schema.File{Name: "aggregation", Text: methods.String()})
	require.NoError(t, err)
	return all
}

func load(t testing.TB, db *store.DB, series []graphiteweb.Series) {
	t.Helper()
	w := db.NewWriter()
	for _, s := range series {
		for _, p := range s.Points {
			require.Equal(t, store.Taken, w.Put([]byte(s.Name), metric.Unset, p.Time, p.Value), s.Name)
		}
		require.NoError(t, w.Flush())
	}
}
