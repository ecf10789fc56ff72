package graphiteweb_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
)

var ask = flag.String("ask", "", "ask graphite-web over the fleet: a target, a path as /metrics/find?query=*, @FILE for a file of these, or serve to run it until killed")

// TestAsk is a tool:
//
//	go test ./internal/testutil/graphiteweb -v -run TestAsk -ask 'sumSeries(shape.*)&from=-5min'
func TestAsk(t *testing.T) {
	if *ask == "" {
		return
	}
	s := graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow, Series: graphiteweb.Fleet()})
	questions := []string{*ask}
	if file, ok := strings.CutPrefix(*ask, "@"); ok {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		questions = strings.Split(strings.TrimSpace(string(text)), "\n")
	} else if *ask == "serve" {
		fmt.Println(s.URL)
		<-t.Context().Done()
	}
	for _, question := range questions {
		show(t, s, question)
	}
}

func show(t *testing.T, s *graphiteweb.Server, question string) {
	if !strings.HasPrefix(question, "/") {
		question = "/render?from=-5min&format=json&target=" + escape(question)
	}
	status, body := s.Get(t, question)
	fmt.Printf("%s\n%d\n%s\n", question, status, strings.ReplaceAll(body, `{"target"`, "\n"+`{"target"`))
}

// escape leaves the & between parameters.
func escape(question string) string {
	target, more, _ := strings.Cut(question, "&")
	return url.QueryEscape(target) + "&" + more
}

func TestFleetIsThere(t *testing.T) {
	t.Parallel()
	s := graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow, Series: graphiteweb.Fleet()})
	_, body := s.Get(t, "/metrics/index.json")
	var names []string
	require.NoError(t, json.Unmarshal([]byte(body), &names))
	assert.Len(t, names, len(graphiteweb.Fleet()))

	status, body := s.Render(t, "shape.one", "from=-2min")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `[{"target": "shape.one", "tags": {"name": "shape.one"}, "datapoints": [[1.0, 1772453340], [1.0, 1772453400]]}]`, body)

	_, body = s.Get(t, "/render?format=raw&from=-3min&target="+url.QueryEscape("seriesByTag('name=disk.used','server=db02')"))
	assert.Regexp(t, `^disk.used;datacenter=dc2;server=db02,1772453280,1772453460,60\|\d+\.\d+,`, body)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	s := graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow})
	text, ok := s.Decode(t, "msgpack", []byte{0x92, 0x01, 0xc0})
	assert.True(t, ok)
	assert.Equal(t, "[1, null]", text)
	text, ok = s.Decode(t, "pickle", []byte("(I1\nF1\nt."))
	assert.True(t, ok)
	assert.Equal(t, `{"tuple": [1, 1.0]}`, text)
	_, ok = s.Decode(t, "pickle", []byte("garbage"))
	assert.False(t, ok)
}
