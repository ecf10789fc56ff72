package functions

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

// TestLongMatches: matches that can be ended in their middle are those of FindAll.
func TestLongMatches(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	parts := []string{"a", "b", "é", "x*", "(a|b)", "(a*)", "^", "$", `\b`, `\B`, ".", "(.*)b", "|", "(?i:A)", "[^a]", "a??", "(?P<n>b)?", `(?m:^)`, `\A`, `\z`}
	letters := []string{"a", "b", "é", " ", "\n", "x", "\xff"}
	draw := func(list []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(list[r.IntN(len(list))])
		}
		return b.String()
	}
	try := query.Function{Name: "try", Group: "Special", Call: func(c *query.Call) ([]*query.Series, error) {
		for range 3000 {
			text, s := draw(parts, 1+r.IntN(5)), draw(letters, 1+r.IntN(12))
			p, err := newPattern(c, text)
			if err != nil {
				continue
			}
			want, found := p.re.FindAllStringSubmatchIndex(s, -1), p.re.MatchString(s)
			p.size = atOnce + 1
			require.Equal(t, want, slices.Collect(p.matches(s)), "%q in %q", text, s)
			require.Equal(t, found, p.search(s), "%q in %q", text, s)
		}
		return nil, nil
	}}
	e := query.New(query.Options{Functions: query.NewTable([]query.Function{try}), Source: &querytest.Memory{}})
	_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{"try()"}, Until: 60})
	assert.NoError(t, err)
}
