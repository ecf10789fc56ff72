package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplitWords(t *testing.T) {
	for in, want := range map[string][]string{
		"":                           nil,
		"  ":                         nil,
		"a b\tc\nd":                  {"a", "b", "c", "d"},
		`--counter 'a b'`:            {"--counter", "a b"},
		`'a\b' "a\b" "a\"b\\" a\ b`:  {`a\b`, `a\b`, `a"b\`, "a b"},
		`''`:                         {""},
		`a''b"c d"e`:                 {"abc de"},
		`-k=_ --re='^(\d+) "x" \[$'`: {"-k=_", `--re=^(\d+) "x" \[$`},
	} {
		got, err := splitWords(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{`'a`, `"a`, `a\`, `"a\`} {
		_, err := splitWords(in)
		assert.Error(t, err, in)
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]size{
		"0": 0, "1000": 1000, "64MiB": 64 << 20, "64 mib": 64 << 20, "10k": 10 << 10, "1.5M": 3 << 19, "2GB": 2e9, "7b": 7,
	} {
		var got size
		require.NoError(t, got.UnmarshalText([]byte(in)), in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "MiB", "-1", "1X", "nan", "inf", "1e300", "9999999T"} {
		assert.Error(t, new(size).UnmarshalText([]byte(in)), in)
	}
}

func TestPrintableEscapesWhatSteersATerminal(t *testing.T) {
	assert.Equal(t, `a "b" \x1b[31m\n`, printable("a \"b\" \x1b[31m\n"))
	assert.Equal(t, "grüße", printable("grüße"))
}
