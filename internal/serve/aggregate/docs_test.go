package aggregate_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocsNameTests: each test that docs/statsd.md names is there, and so are its
// parts that are plays.
func TestDocsNameTests(t *testing.T) {
	const root = "../../.."
	text, err := os.ReadFile(filepath.Join(root, "docs", "statsd.md"))
	require.NoError(t, err)
	there := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(code, -1) {
			there[string(m[1])] = true
		}
		return err
	}))
	for _, m := range regexp.MustCompile("`(Test\\w+)").FindAllSubmatch(text, -1) {
		assert.True(t, there[string(m[1])], "no %s", m[1])
	}
	for name := range plays {
		assert.Contains(t, string(text), "/"+strings.ReplaceAll(name, " ", "_")+"`", "no row has %q", name)
	}
}
