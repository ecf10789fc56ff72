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

// TestEachFlagIsUnderAHeading: help lists flags without a group before all others.
func TestEachFlagIsUnderAHeading(t *testing.T) {
	app, err := (&console{}).newApp(new(cli), nil)
	require.NoError(t, err)
	titles := make(map[string]string)
	for _, g := range groups() {
		titles[g.Key] = g.Title
	}
	for _, f := range allFlags(app.Model.Node) {
		if f.Name == "help" {
			continue
		}
		if assert.NotNil(t, f.Group, f.Name) {
			assert.Equal(t, titles[f.Group.Key], f.Group.Title, "--%s is in a group without a heading", f.Name)
			assert.NotEmpty(t, f.Group.Title, f.Name)
		}
	}
}
