package target_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// The file has random texts and what graphite-web 1.1.8's grammar makes of them.
func TestParseIsWhatGraphiteWebMakesOfIt(t *testing.T) {
	text, err := os.ReadFile("testdata/grammar.jsonl")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var pair [2]any
		require.NoError(t, json.Unmarshal([]byte(line), &pair), line)
		want, err := json.Marshal(pair[1])
		require.NoError(t, err)
		got := any([]any{"error"})
		if e, err := target.Parse(pair[0].(string)); err == nil {
			got = listed(e)
		}
		have, err := json.Marshal(got)
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(have), line)
	}
}

// listed is a tree in the form of the file.
func listed(e *target.Expr) any {
	switch e.Kind {
	case target.Path:
		return []any{"path", e.Text}
	case target.Text:
		return []any{"str", e.Text}
	case target.Int:
		return []any{"int", e.Number}
	case target.Real:
		if math.IsInf(e.Number, 1) {
			return []any{"real", "inf"}
		}
		return []any{"real", pythonFloat(e.Number)}
	case target.Bool:
		return []any{"bool", e.Number != 0}
	case target.None:
		return []any{"none"}
	}
	args, keywords := []any{}, []any{}
	for _, a := range e.Args {
		args = append(args, listed(a))
	}
	for _, k := range e.Keywords {
		keywords = append(keywords, []any{k.Name, listed(k.Value)})
	}
	if e.Kind == target.Template {
		return []any{"template", args[0], args[1:], keywords}
	}
	return []any{"call", e.Text, args, keywords, e.Raw}
}

// pythonFloat prints the few numbers of the file as Python does.
func pythonFloat(v float64) string {
	b, _ := json.Marshal(v) // finite
	if s := string(b); strings.ContainsAny(s, ".e") {
		return s
	}
	return string(b) + ".0"
}
