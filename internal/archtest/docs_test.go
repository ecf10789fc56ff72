package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// files calls fn with the path, relative to the root, of each file of the
// project below dir.
func files(t *testing.T, dir string, fn func(path string, e fs.DirEntry)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == ".git" || e.Name() == "build" || e.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !e.IsDir() {
			rel, err := filepath.Rel(root, path)
			require.NoError(t, err)
			fn(rel, e)
		}
		return nil
	})
	require.NoError(t, err)
}

// maxTestdata is what a clone may carry of logs, in bytes.
const maxTestdata = 6 << 20

func TestTestdataIsSmall(t *testing.T) {
	size := sizeOf(t, "testdata")
	assert.Less(t, size, int64(maxTestdata))
	t.Logf("testdata: %d bytes", size)
}

// TestEachFolderOfTestdataIsDescribed: where it comes from, in the README.
func TestEachFolderOfTestdataIsDescribed(t *testing.T) {
	readme := read(t, "testdata/README.md")
	for _, pattern := range []string{"testdata/*", "testdata/parsers/*"} {
		dirs, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, dir := range dirs {
			fi, err := os.Stat(dir)
			require.NoError(t, err)
			if name := strings.TrimPrefix(dir, filepath.Join(root, "testdata")+"/"); fi.IsDir() {
				assert.Contains(t, readme, "`"+name+"/", "testdata/README.md says nothing of %s", name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

var (
	code    = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// TestLinksInDocs: each relative link leads to a file, and each anchor to a heading.
func TestLinksInDocs(t *testing.T) {
	count := 0
	files(t, "", func(path string, _ fs.DirEntry) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, path), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			count++
			assertLink(t, path, m[1])
		}
	})
	assert.Greater(t, count, 30)
}

func assertLink(t *testing.T, page, target string) {
	t.Helper()
	file, anchor, _ := strings.Cut(target, "#")
	to := page
	if file != "" {
		to = filepath.Join(filepath.Dir(page), file)
	}
	if _, err := os.Stat(filepath.Join(root, to)); !assert.NoError(t, err, "%s: link to %s", page, target) || anchor == "" {
		return
	}
	var anchors []string
	for _, m := range heading.FindAllStringSubmatch(regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(read(t, to), ""), -1) {
		anchors = append(anchors, anchorOf(m[1]))
	}
	assert.Contains(t, anchors, anchor, "%s: link to %s", page, target)
}

// anchorOf returns the anchor that GitHub gives to a heading.
func anchorOf(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestDecisionsAreNumbered: each number once, in the title too, and each page in the index.
func TestDecisionsAreNumbered(t *testing.T) {
	index := read(t, "docs/decisions/README.md")
	name := regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)
	seen := map[string]string{}
	files(t, "docs/decisions", func(path string, e fs.DirEntry) {
		if e.Name() == "README.md" {
			return
		}
		m := name.FindStringSubmatch(e.Name())
		if !assert.NotNil(t, m, e.Name()) {
			return
		}
		assert.Empty(t, seen[m[1]], "%s: its number is another page's", e.Name())
		seen[m[1]] = e.Name()
		assert.True(t, strings.HasPrefix(read(t, path), "# "+strings.TrimLeft(m[1], "0")+". "), "%s: its title has another number", e.Name())
		assert.Contains(t, index, "("+e.Name()+")")
	})
}

// TestSizesOfTestdata: the README's are within a quarter of the folders'.
func TestSizesOfTestdata(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([a-z0-9]+(?:/[a-z0-9]+)?)/`[^|]* \\| (\\d+) \\|").FindAllStringSubmatch(read(t, "testdata/README.md"), -1)
	require.Greater(t, len(rows), 10)
	for _, row := range rows {
		dir := filepath.Join("testdata", row[1])
		said, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		assert.InEpsilon(t, float64(sizeOf(t, dir))/1024, float64(said)+.5, .25, "KiB of %s", dir)
	}
}

// sizeOf returns the bytes of all files below dir.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	files(t, dir, func(_ string, e fs.DirEntry) {
		fi, err := e.Info()
		require.NoError(t, err)
		size += fi.Size()
	})
	return size
}

// TestImportsInDocs holds the table of docs/architecture.md to allowed.
func TestImportsInDocs(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/architecture.md"), "## Who may import whom")
	section, _, _ = strings.Cut(section, "\n## ")
	said := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\| ([^|]*) \\|$").FindAllStringSubmatch(section, -1) {
		may := quotedPaths(row[2])
		if row[2] == "anything" {
			may = []string{"*"}
		}
		for _, pkg := range quotedPaths(row[1]) {
			said[pkg] = may
		}
	}
	for pkg, may := range allowed {
		may = slices.DeleteFunc(slices.Clone(may), absent)
		if !absent(pkg) {
			assert.ElementsMatch(t, may, said[pkg], "docs/architecture.md: imports of %s", pkg)
		}
	}
	for pkg := range said {
		assert.Contains(t, allowed, pkg)
	}
}

// quotedPaths returns the words in backquotes that can be packages.
func quotedPaths(text string) (list []string) {
	for _, m := range regexp.MustCompile("`([a-z/*]+)`").FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// absent reports whether there is no such package yet.
func absent(pkg string) bool {
	_, err := os.Stat(filepath.Join(root, strings.TrimSuffix(pkg, "/*")))
	return pkg != "*" && err != nil
}
