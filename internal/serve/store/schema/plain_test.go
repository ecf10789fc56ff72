package schema

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPlain: a pattern that is but text finds what the regular expression finds.
func TestPlain(t *testing.T) {
	names := []string{"", "a", "a.b", "flux.a", "x.flux.a", "flux", "a.count", "a.count.b", "count", "a.COUNT", "stats_counts.a", "a\n.count", "\n", ".*", "é.ü", "é"}
	for _, c := range []struct {
		pattern string
		plain   bool
	}{
		{`^flux\.`, true}, {`\.count$`, true}, {`.*`, true}, {`^.*`, true}, {`.*$`, true}, {``, false}, {`^$`, true}, {`^`, true}, {`$`, true},
		{`flux`, true}, {`^a\.count$`, true}, {`\.\*`, true}, {`\Qa.b\E`, true}, {`é`, true}, {`\Acount\z`, true},
		{`^.*$`, false}, {`(?i)count`, false}, {`a.count`, false}, {`\.upper(_\d+)?$`, false}, {`a|b`, false}, {`(?m)^\.count`, false}, {`.+`, false},
		{`^^a`, false}, {`a$$`, false}, {`[a]`, true}, {`(a)`, false}, {`(?s).*`, true}, {`\bcount`, false}, {`(?i)1`, false}, {`a*`, false},
	} {
		p, err := compilePattern(c.pattern)
		if !assert.NoError(t, err, c.pattern) {
			continue
		}
		assert.Equal(t, c.plain, p.plain != nil, c.pattern)
		re := regexp.MustCompile(c.pattern)
		for _, name := range names {
			assert.Equal(t, re.MatchString(name), p.found(name), "%q in %q", c.pattern, name)
		}
	}
}
