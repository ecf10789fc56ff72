package rules

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each pattern known by name compiles, for Go's engine too, within the limits.
func TestAllGrokPatternsCompile(t *testing.T) {
	longest, most := "", 0
	for _, table := range grokTables() {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			g := grok{}
			require.Nil(t, g.expand("%{"+name+":field}"), name)
			if g.out.Len() > most {
				longest, most = name, g.out.Len()
			}
			p, err := tryCompile("%{" + name + ":field}")
			if assert.NoError(t, err, name) {
				assert.NotNil(t, p.std, "%s needs lookaround", name)
				assert.Equal(t, "field", p.names[1], name)
			}
		}
	}
	t.Logf("the longest is %s with %d bytes", longest, most)
	assert.Less(t, 2*most, maxGrokBytes)
}

func TestWithoutGroups(t *testing.T) {
	for in, want := range map[string]string{
		`(a)(?:b)(?P<n>c)(?<m>d)`: `(?:a)(?:b)(?:c)(?:d)`,
		`\((a[(]b[])(]c[^](]d)`:   `\((?:a[(]b[])(]c[^](]d)`,
		`(?<=x)(?<!y)(?i)(?=z)`:   `(?<=x)(?<!y)(?i)(?=z)`,
		`(a(b))`:                  `(?:a(?:b))`,
		`(`:                       `(?:`,
		`(?P<`:                    `(?P<`,
	} {
		assert.Equal(t, want, withoutGroups(in), in)
	}
}

func TestGrokIsBounded(t *testing.T) {
	own := map[string]string{"A": "%{B}%{B}%{B}%{B}", "B": "%{C}%{C}%{C}%{C}", "C": "%{D}%{D}%{D}%{D}", "D": "%{IPV6}%{IPV6}%{IPV6}%{IPV6}"}
	g := grok{own: own}
	err := g.expand("%{A}%{A}%{A}%{A}")
	require.NotNil(t, err)
	assert.Contains(t, err.reason, "expands to more than 64 KiB")

	g = grok{own: map[string]string{"LOOP": "x%{LOOP}"}}
	err = g.expand("ab%{LOOP}")
	require.NotNil(t, err)
	assert.Equal(t, 2, err.at)
	assert.Contains(t, err.reason, "contains itself")
}

func TestGroupName(t *testing.T) {
	for in, want := range map[string]string{"client.address": "client_address", "[client][address]": "client_address", "a-b c": "a_b_c", "@x": "_x"} {
		assert.Equal(t, want, groupName(in))
	}
}
