package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dashboard is what of Grafana's JSON says what is asked for.
type dashboard struct {
	Title  string
	Panels []struct {
		Title   string
		Targets []struct{ RefID, Target string }
	}
	Templating struct {
		List []struct {
			Name, Type, Query string
		}
	}
	Annotations struct {
		List []struct{ Target struct{ Tags []string } }
	}
}

// TestDashboardOfPostfix: each target of the dashboard that Grafana is given finds
// what PostfixParser made of a real log, asked in Grafana's form.
func TestDashboardOfPostfix(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/grafana/postfix.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	require.NotEmpty(t, d.Panels)

	s := newSite(t)
	b := s.serve()
	log, err := filepath.Abs("../../testdata/parsers/postfix/real-rfc3164.log")
	require.NoError(t, err)
	for _, host := range []string{"mail1", "mail2"} {
		run := s.start(nil, "--from=begin", "--output=graphite", "--graphite-host="+b.at("carbon-tcp"), "-p", "servers."+host+".postfix", "PostfixParser", log)
		run.exits(0)
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			assert.Equal(t, []string{"mail1", "mail2"}, b.variable(strings.ReplaceAll(v.Query, "$prefix", "servers")), v.Name)
		}
	}
	b.takes("carbon", 20)
	for _, p := range d.Panels {
		for _, host := range []string{"*", "{mail1,mail2}"} {
			form := url.Values{"from": {"-6h"}, "until": {"now"}, "format": {"json"}, "maxDataPoints": {"1200"}}
			values := map[string]int{}
			for _, target := range p.Targets {
				expr := strings.NewReplacer("$prefix", "servers", "$host", host).Replace(target.Target)
				form.Add("target", `aliasSub(`+expr+`, "(^.*$)", "\1 `+target.RefID+`")`)
				values[target.RefID] = 0
			}
			b.panel(form, values)
			for ref, n := range values {
				assert.Positive(t, n, "%s: %s with host %s", p.Title, ref, host)
			}
		}
	}
}

// panel asks as Grafana's data source does, and counts the values of each target by its letter.
func (b *backend) panel(form url.Values, values map[string]int) {
	b.t.Helper()
	resp, err := http.PostForm("http://"+b.at("http")+"/render", form)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	require.Equal(b.t, http.StatusOK, resp.StatusCode, form)
	var list []struct {
		Target     string
		Datapoints [][2]*float64
	}
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&list))
	for _, s := range list {
		ref := s.Target[strings.LastIndexByte(s.Target, ' ')+1:]
		require.Contains(b.t, values, ref)
		for _, p := range s.Datapoints {
			if p[0] != nil {
				values[ref]++
			}
		}
	}
}

// variable asks for the values of a variable as Grafana does.
func (b *backend) variable(query string) (texts []string) {
	b.t.Helper()
	resp, err := http.Post("http://"+b.at("http")+"/metrics/find", "application/x-www-form-urlencoded", strings.NewReader("query="+query))
	require.NoError(b.t, err)
	defer resp.Body.Close()
	var list []struct{ Text string }
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&list))
	for _, n := range list {
		texts = append(texts, n.Text)
	}
	return texts
}
