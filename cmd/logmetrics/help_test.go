package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHelpFitsATerminal: 80 columns, but for the examples, which are to be copied.
func TestHelpFitsATerminal(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"daemon", "--help"}, {"check", "--help"}, {"state", "--help"}} {
		var out strings.Builder
		c := &console{stdout: &out, stderr: &out}
		require.Equal(t, exitOK, c.main(t.Context(), args), out.String())
		text, _, _ := strings.Cut(out.String(), "\nExamples:")
		for line := range strings.Lines(text) {
			assert.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, "%q", line)
		}
	}
}
