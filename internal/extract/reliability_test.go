package extract_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestScenariosAreInTheDocs: each that is played has its row, or, where it is
// one of many forms, is named in one.
func TestScenariosAreInTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	require.NoError(t, err)
	page := string(text)
	for _, group := range [][]scenario{appending, rotating, replaced, content} {
		for _, s := range group {
			assert.Contains(t, page, "\n| "+s.name+" | ")
		}
	}
	for _, in := range incidents {
		assert.Contains(t, page, "\n| "+in.name+" | ")
	}
	for name := range outages {
		assert.Contains(t, page, "\n| output "+name+" | ")
	}
	for _, s := range append(dateext(), dateBeforeExtension()...) {
		form, _, _ := strings.Cut(strings.TrimPrefix(s.name, "dateext "), " ")
		assert.Contains(t, page, form+"`")
	}
	for _, s := range compressed() {
		name := strings.Replace(s.name, "twice between two runs", "at once", 1)
		assert.Contains(t, page, "`"+name+"`")
	}
}
