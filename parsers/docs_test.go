package parsers_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/parsers"
)

// docSections returns the sections of docs/parsers.md by the parser's name in
// their heading.
func docSections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/parsers.md")
	require.NoError(t, err)
	sections := make(map[string]string)
	for i, part := range strings.Split(string(text), "\n## ") {
		if i > 0 {
			name, body, _ := strings.Cut(part, "\n")
			sections[name] = body
		}
	}
	return sections
}

func TestEachParserHasItsDocs(t *testing.T) {
	sections := docSections(t)
	for _, f := range parsers.Table() {
		section, ok := sections[f.Name]
		assert.True(t, ok, "docs/parsers.md has no section %q", f.Name)
		assert.Contains(t, section, f.Alias, "the Logster name of %s", f.Name)
		delete(sections, f.Name)
	}
	assert.Empty(t, sections, "sections of no parser")
}

// TestEachSeriesHasItsDocs compares names in backquotes with what the parsers
// emit over their logs. A row for names from the log has a placeholder in
// angle brackets, which stands for any text: `<name>.mean`.
func TestEachSeriesHasItsDocs(t *testing.T) {
	sections := docSections(t)
	for _, c := range logCases(t) {
		rows := documented(sections[c.factory.Name])
		clothes(c, func(alias bool) {
			for _, b := range read(t, c, setup{alias: alias}).batches {
				for i := range b.Samples {
					assert.True(t, covered(rows, b.Samples[i].Name), "%s: %s has no row in docs/parsers.md", c.name, b.Samples[i].Name)
				}
			}
		})
	}
}

// documented returns the names in backquotes in the first cells of a section's tables.
func documented(section string) (names []string) {
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for i, part := range strings.Split(cells[1], "`") {
			if i%2 == 1 {
				names = append(names, part)
			}
		}
	}
	return names
}

func covered(rows []string, name string) bool {
	for _, row := range rows {
		if row == name {
			return true
		}
		head, rest, ok := strings.Cut(row, "<")
		if !ok {
			continue
		}
		_, tail, _ := strings.Cut(rest, ">")
		if strings.HasPrefix(name, head) && strings.HasSuffix(name, tail) && len(name) > len(head)+len(tail) {
			return true
		}
	}
	return false
}

// TestEachRowHasItsSeries finds rows of series that no parser emits over its logs.
func TestEachRowHasItsSeries(t *testing.T) {
	emitted := make(map[string][]string)
	for _, c := range logCases(t) {
		clothes(c, func(alias bool) {
			for _, b := range read(t, c, setup{alias: alias}).batches {
				for i := range b.Samples {
					emitted[c.factory.Name] = append(emitted[c.factory.Name], b.Samples[i].Name)
				}
			}
		})
	}
	for parser, section := range docSections(t) {
		for _, row := range documented(section) {
			assert.True(t, anyCovered(row, emitted[parser]), "%s: row %s, which no log of its folder gives", parser, row)
		}
	}
}

func anyCovered(row string, names []string) bool {
	for _, name := range names {
		if covered([]string{row}, name) {
			return true
		}
	}
	return false
}
