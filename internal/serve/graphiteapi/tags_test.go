package graphiteapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Plain names have the tag called name, as carbon gives it to them.
func TestTags(t *testing.T) {
	g := newRig(t, "disk.used;dc=dc1;host=a", "disk.used;dc=dc2;host=b", "disk.free;dc=dc1;host=a", "other;k=v")
	for path, want := range map[string]string{
		"/tags":                                 `[{"id": 1, "tag": "dc"}, {"id": 2, "tag": "host"}, {"id": 10, "tag": "k"}, {"id": 3, "tag": "name"}]`,
		"/tags/":                                `[{"id": 1, "tag": "dc"}, {"id": 2, "tag": "host"}, {"id": 10, "tag": "k"}, {"id": 3, "tag": "name"}]`,
		"/tags?filter=d":                        `[{"id": 1, "tag": "dc"}]`,
		"/tags?filter=^.*o&limit=1":             `[{"id": 2, "tag": "host"}]`,
		"/tags/dc":                              `{"id": 1, "tag": "dc", "values": [{"id": 1, "value": "dc1", "count": 2}, {"id": 4, "value": "dc2", "count": 1}]}`,
		"/tags/dc?filter=.*2":                   `{"id": 1, "tag": "dc", "values": [{"id": 4, "value": "dc2", "count": 1}]}`,
		"/tags/dc?filter=x":                     `{"id": 1, "tag": "dc", "values": []}`,
		"/tags/dc?limit=1&pretty=1":             "{\n  \"id\": 1,\n  \"tag\": \"dc\",\n  \"values\": [\n    {\n      \"id\": 1,\n      \"value\": \"dc1\",\n      \"count\": 2\n    }\n  ]\n}",
		"/tags/dc/":                             "null",
		"/tags/nosuch":                          "null",
		"/tags/autoComplete/tags":               `["dc", "host", "k", "name"]`,
		"/tags/autoComplete/tags?tagPrefix=d":   `["dc"]`,
		"/tags/autoComplete/tags?expr=dc=dc1":   `["host", "name"]`,
		"/tags/autoComplete/tags?expr[]=dc=dc1": `["host", "name"]`,
		"/tags/autoComplete/tags?expr=dc=dc1&expr=name=~disk&limit=1": `["host"]`,
		"/tags/autoComplete/tags?limit=0":                             `[]`,
		"/tags/autoComplete/values?tag=dc":                            `["dc1", "dc2"]`,
		"/tags/autoComplete/values?tag=dc&valuePrefix=dc2":            `["dc2"]`,
		"/tags/autoComplete/values?tag=host&expr=dc=dc1":              `["a"]`,
		"/tags/autoComplete/values?tag=host&expr=dc!=dc1":             `["b"]`,
		"/tags/autoComplete/values?tag=dc&expr=dc!=dc1&expr=k=":       `["dc2"]`,
		"/tags/autoComplete/values?tag=name&expr=dc=":                 `["other"]`,
		"/tags/autoComplete/values?tag=nosuch&expr=dc!=dc1":           `[]`,
		"/tags/autoComplete/values?tag=name":                          `["disk.free", "disk.used", "other"]`,
		"/tags/autoComplete/values?tag=nosuch":                        `[]`,
		"/tags/findSeries?expr=dc=dc1":                                `["disk.free;dc=dc1;host=a", "disk.used;dc=dc1;host=a"]`,
		"/tags/findSeries?expr=dc=~dc[2]":                             `["disk.used;dc=dc2;host=b"]`,
		"/tags/findSeries?expr=dc!=dc1&expr=name!=":                   `["disk.used;dc=dc2;host=b", "other;k=v"]`,
		"/tags/findSeries?expr=name=nosuch":                           `[]`,
	} {
		g.answered(path, want)
	}
	for path, want := range map[string]string{
		"/tags/dc?limit=x":                   `{"error": "invalid literal for int() with base 10: 'x'"}`,
		"/tags/autoComplete/tags?expr=gaga":  `{"error": "Invalid tagspec gaga"}`,
		"/tags/autoComplete/tags?expr=dc=":   `{"error": "At least one tagspec must not match the empty string"}`,
		"/tags/autoComplete/tags?limit=x":    `{"error": "invalid literal for int() with base 10: 'x'"}`,
		"/tags/autoComplete/tags?limit=-1":   `{"error": "limit must not be negative"}`,
		"/tags/autoComplete/values":          `{"error": "no tag specified"}`,
		"/tags/findSeries":                   `{"error": "no tag expressions specified"}`,
		"/tags/findSeries?expr=dc=&pretty=1": "{\n  \"error\": \"At least one tagspec must not match the empty string\"\n}",
		"/tags?filter=(":                     "{\"error\": \"filter: error parsing regexp: missing closing ): `^(()`\"}",
		"/tags/findSeries?expr=dc=~(":        "{\"error\": \"bad pattern: \\\"dc=~(\\\": error parsing regexp: missing closing ): `^(()`\"}",
	} {
		g.refused(path, 400, want)
	}
	for _, path := range []string{"/tags", "/tags/dc"} {
		assert.Equal(t, http.StatusMethodNotAllowed, g.ask("POST", path, "", nil).Code, path)
	}
}

func TestTagSeries(t *testing.T) {
	g := newRig(t, "a;b=2;z=1")
	posted := func(path, body string, code int, want string) {
		t.Helper()
		w := g.ask("POST", path, body, nil)
		assert.Equal(t, code, w.Code, body)
		assert.Equal(t, want, w.Body.String(), body)
	}
	posted("/tags/tagSeries", "path=single", 200, `"single"`)
	posted("/tags/tagSeries", "path=a;z=1;b=2", 200, `"a;b=2;z=1"`)
	posted("/tags/tagSeries", `path=a{x="1",y="2"}`, 200, `"a;x=1;y=2"`)
	posted("/tags/tagMultiSeries", "path=a;z=1;b=2&path=c;z=1", 200, `["a;b=2;z=1", "c;z=1"]`)
	posted("/tags/tagMultiSeries", "path[]=a;z=1;b=2", 200, `["a;b=2;z=1"]`)
	posted("/tags/tagSeries", "", 400, `{"error": "no path specified"}`)
	posted("/tags/tagMultiSeries", "", 400, `{"error": "no paths specified"}`)
	posted("/tags/tagSeries", "path=a;z", 400, `{"error": "Cannot parse path a;z, invalid segment z"}`)
	posted("/tags/tagSeries", "path=a;=1", 400, `{"error": "Cannot parse path a;=1, invalid segment =1"}`)
	posted("/tags/tagSeries", "path=a;x=", 400, `{"error": "Value for tag \"x\" may not be empty"}`)
	posted("/tags/tagSeries", "path=a;x=~1", 400, `{"error": "Tag values are not allowed to start with \"~\" in tag \"x\""}`)
	posted("/tags/tagSeries", "path=;x=1", 400, `{"error": "Cannot parse path ;x=1, no metric found"}`)
	posted("/tags/tagSeries", "path=a b", 400, `{"error": "Cannot parse path a b"}`)
	assert.Equal(t, 1, g.db.Names().Len(), "nothing was made")
}

func TestDelete(t *testing.T) {
	g := newRig(t, site...)
	w := g.ask("POST", "/tags/delSeries", "path=disk.used;host=a;dc=dc1&path=nosuch", nil)
	assert.Equal(t, "true", w.Body.String())
	g.answered("/tags/findSeries?expr=host=a", `["disk.free;dc=dc1;host=a"]`)
	w = g.ask("POST", "/metrics/delete", "query=servers.*.cpu.{user,system}&query=nosuch.*", nil)
	assert.Equal(t, `{"deletedDefs": 4}`, w.Body.String())
	g.answered("/metrics/expand?query=servers.**", `{"results": ["servers.db1", "servers.db1.mem"]}`)
	assert.Equal(t, 400, g.ask("POST", "/metrics/delete", "", nil).Code)
	assert.Equal(t, 400, g.ask("POST", "/tags/delSeries", "", nil).Code)
	assert.Equal(t, 400, g.ask("POST", "/tags/delSeries", "path=a;x", nil).Code)
	assert.Equal(t, 405, g.get("/metrics/delete?query=*").Code)

	for _, r := range g.api.Routes() {
		switch r.Pattern {
		case "POST /events", "POST /events/{$}", "POST /metrics/delete", "POST /metrics/delete/{$}", "POST /tags/delSeries", "POST /tags/delSeries/{$}",
			"POST /tags/tagSeries", "POST /tags/tagSeries/{$}", "POST /tags/tagMultiSeries", "POST /tags/tagMultiSeries/{$}":
			assert.True(t, r.Change, r.Pattern)
		default:
			assert.False(t, r.Change, r.Pattern)
		}
	}
}
