package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/logmetrics/logmetrics"

// allowed says which packages of the module each package may import; "x/*"
// stands for all below x. A package that is not here fails the test. A change
// needs a page in docs/decisions: one does not edit the table to mend a build.
var allowed = map[string][]string{
	"metric":                         {},
	"internal/vfs":                   {},
	"internal/telemetry":             {},
	"internal/supervise":             {},
	"internal/testutil":              {},
	"internal/testutil/*":            {"internal/testutil"},
	"internal/archtest":              {},
	"internal/pagetest":              {},
	"internal/conformance":           {},
	"internal/logtime":               {},
	"internal/newline":               {},
	"internal/near":                  {},
	"internal/lazy":                  {},
	"internal/notify":                {},
	"internal/logformat":             {"metric"},
	"internal/rules":                 {"metric", "internal/logtime", "internal/near"},
	"internal/wire/*":                {"metric"},
	"parsers":                        {"metric", "internal/logformat", "internal/rules", "internal/logtime", "internal/near", "internal/newline", "internal/marks"},
	"outputs":                        {"metric", "internal/wire/*"},
	"state":                          {"metric", "internal/vfs"},
	"internal/tail":                  {"state", "internal/vfs", "parsers"},
	"internal/feed":                  {"internal/tail", "parsers"},
	"internal/stream":                {"internal/feed", "internal/tail", "parsers", "state"},
	"internal/journal":               {"internal/feed", "internal/stream", "internal/tail", "parsers", "state"},
	"internal/source":                {"internal/journal", "internal/stream", "internal/tail", "internal/vfs", "state"},
	"internal/extract":               {"metric", "parsers", "outputs", "state", "internal/source", "internal/tail", "internal/vfs"},
	"bench/serve":                    {"bench/process", "internal/serve/store"},
	"bench/query":                    {"bench/process", "internal/serve/store", "internal/serve/store/schema"},
	"internal/marks":                 {},
	"demo":                           {},
	"internal/serve":                 {"metric", "internal/telemetry", "internal/serve/*", "internal/serve/store/*", "internal/wire/*"},
	"internal/serve/access":          {"internal/telemetry"},
	"internal/serve/aggregate":       {"metric", "internal/telemetry", "internal/wire/statsd"},
	"internal/serve/cluster":         {"internal/serve/query", "internal/telemetry"},
	"internal/serve/graphiteapi":     {"metric", "internal/serve/cluster", "internal/telemetry", "internal/wire/*", "internal/serve/picture", "internal/serve/query", "internal/serve/query/*", "internal/serve/store", "internal/serve/store/*"},
	"internal/serve/ingest":          {"metric", "internal/wire/*", "internal/telemetry", "internal/serve/store"},
	"internal/serve/kv":              {"internal/serve/store"},
	"internal/serve/picture":         {"internal/serve/picture/canvas"},
	"internal/serve/picture/canvas":  {},
	"internal/serve/query":           {"internal/serve/store/names", "internal/serve/query/target", "internal/serve/query/when"},
	"internal/serve/query/fetch":     {"internal/serve/query", "internal/serve/store", "internal/serve/store/names"},
	"internal/serve/query/functions": {"internal/serve/query", "internal/serve/query/libm", "internal/serve/query/target", "internal/serve/query/when"},
	"internal/serve/query/libm":      {},
	"internal/serve/query/querytest": {"internal/serve/query", "internal/serve/store/names"},
	"internal/serve/query/target":    {},
	"internal/serve/query/when":      {},
	"internal/serve/store":           {"metric", "internal/serve/store/*"},
	"internal/serve/store/frame":     {"metric"},
	"internal/serve/store/names":     {"metric"},
	"internal/serve/store/schema":    {"metric"},
	"internal/serve/store/wal":       {"metric"},
	"internal/serve/web":             {},
	"bench/*":                        {},
	"cmd/*":                          {"*"},
}

// mayNot says which packages of the standard library a package must not use.
var mayNot = map[string][]string{
	"metric":  {"os", "net", "time"},
	"parsers": {"os", "net"},
}

type listed struct {
	ImportPath, Doc, Name string
	Imports               []string
}

func packages(t *testing.T) (list []listed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,Name,Imports", module+"/...")
	out, err := cmd.Output()
	require.NoError(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

func rule(pkg string) (rules []string, ok bool) {
	if rules, ok = allowed[pkg]; ok {
		return rules, true
	}
	rules, ok = allowed[path.Dir(pkg)+"/*"]
	return rules, ok
}

func permitted(rules []string, pkg string) bool {
	return pkg == "internal/lazy" || slices.ContainsFunc(rules, func(r string) bool {
		return r == "*" || r == pkg || strings.HasSuffix(r, "/*") && path.Dir(pkg) == strings.TrimSuffix(r, "/*")
	})
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module+"/")
		rules, ok := rule(pkg)
		if !assert.True(t, ok, "%s is not in the import table", pkg) {
			continue
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok {
				assert.True(t, permitted(rules, own), "%s must not import %s", pkg, own)
			}
			assert.NotContains(t, mayNot[pkg], imp, "%s must not import %s", pkg, imp)
		}
	}
}

func TestMetricImportsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module+"/metric" {
			continue
		}
		for _, imp := range p.Imports {
			assert.NotContains(t, strings.Split(imp, "/")[0], ".", imp)
		}
	}
}

func TestEveryPackageSaysWhatItDoes(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" {
			assert.NotEmpty(t, p.Doc, p.ImportPath)
			continue
		}
		assert.True(t, strings.HasPrefix(p.Doc, "Package "+p.Name+" "), "%s: %q", p.ImportPath, p.Doc)
	}
}
