package target_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// show writes a tree in a form of which no two are alike.
func show(e *target.Expr) string {
	switch e.Kind {
	case target.Path:
		return "<" + e.Text + ">"
	case target.Text:
		return strconv.Quote(e.Text)
	case target.Int:
		return strconv.FormatFloat(e.Number, 'f', -1, 64)
	case target.Real:
		return strconv.FormatFloat(e.Number, 'e', -1, 64)
	case target.Bool:
		return fmt.Sprintf("bool(%v)", e.Number)
	case target.None:
		return "none"
	}
	parts := []string{}
	for _, a := range e.Args {
		parts = append(parts, show(a))
	}
	for _, k := range e.Keywords {
		parts = append(parts, k.Name+":"+show(k.Value))
	}
	name := e.Text
	if e.Kind == target.Template {
		name = "TEMPLATE"
	}
	return name + "(" + strings.Join(parts, " ") + ")"
}

// What graphite-web's grammar makes of them, found by running it.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"a.b.c":                        "<a.b.c>",
		" a.*.[0-9].{b,c}d?":           "<a.*.[0-9].{b,c}d?>",
		"a.b;t=1;u=2":                  "<a.b;t=1;u=2>",
		"f(a)":                         "f(<a>)",
		"f ( a , 'x' ,\"y\" )":         `f(<a> "x" "y")`,
		"f(a,1,-2,1.5,1e3,-1.5E-3)":    "f(<a> 1 -2 1.5e+00 1e+03 -1.5e-03)",
		"f(a,true,FALSE,None,inf)":     "f(<a> bool(1) bool(0) none +Inf)",
		"f(a,k=1,l='x')":               `f(<a> k:1 l:"x")`,
		"f(a,k=b.c(d))":                "<f>",
		"f(a,k=g(d))":                  "f(<a> k:g(<d>))",
		"a|f()|g(1)":                   "g(f(<a>) 1)",
		"a | f(b|h())":                 "f(<a> h(<b>))",
		"a|f":                          "<a>",
		"sumSeries(x":                  "<sumSeries>",
		"f(a) trailing )":              "f(<a>)",
		"f(a)garbage":                  "f(<a>)",
		"f(10min)":                     "f(<10min>)",
		"f(a,5.a)":                     "f(<a> <5.a>)",
		"f()":                          "f()",
		"f(k=1)":                       "<f>",
		"f(a,)":                        "<f>",
		"template(f($a),a='x')":        `TEMPLATE(f(<$a>) a:"x")`,
		"template(a.$1,'x',2)|f()":     `f(TEMPLATE(<a.$1> "x" 2))`,
		"template(f(a),g(b))":          "template(f(<a>) g(<b>))",
		"templates(a)":                 "templates(<a>)",
		`a\.b\(c.d`:                    "<a.b(c.d>",
		`f(a,"it""s","\"","\x41",'"')`: `f(<a> "it\"\"s" "\\\"" "\\x41" "\"")`,
		"a.{b,}":                       "<a>",
		"a..b":                         "<a>",
		"a.":                           "<a>",
		"f(a=b)":                       "<f>",
		"f(x,a=)":                      "f(<x> <a=>)",
		"métric.ü":                     "<métric.ü>",
	} {
		e, err := target.Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, show(e), text)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "(", ")", "'a'", ",", `"`} {
		_, err := target.Parse(text)
		require.ErrorIs(t, err, target.ErrSyntax, text)
	}
	_, err := target.Parse(strings.Repeat("f(", 10_000) + "a" + strings.Repeat(")", 10_000))
	require.ErrorIs(t, err, target.ErrDeep)
	_, err = target.Parse("a" + strings.Repeat("|f()", 10_000))
	require.ErrorIs(t, err, target.ErrDeep)
	_, err = target.Parse(strings.Repeat("a", target.MaxLen+1))
	require.ErrorIs(t, err, target.ErrLong)
	for n := 1; n < 1000; n++ {
		_, err = target.Parse(strings.Repeat("template(f(x,k=", n))
		if err != nil {
			require.ErrorIs(t, err, target.ErrDeep)
		}
	}
}

// What makes a parser that tries again take time without end takes none.
func TestParseTakesLinearTime(t *testing.T) {
	for _, unit := range []string{"template(f(x,k=", "f(a=", "f(x,a=", "a|f(", "{a,", `"`, `""`, "f('", "a,", "template(", "f(x,template(g(y,", "1e", "\\", "f(a)|"} {
		start := time.Now()
		_, _ = target.Parse(strings.Repeat(unit, 500_000/len(unit)))
		assert.Less(t, time.Since(start), 2*time.Second, unit)
	}
}

func TestFirstPath(t *testing.T) {
	for text, want := range map[string]string{"scale(f(a.b,2),1)": "a.b", "a.b": "a.b", "f('x')": "", "f()": "", "(": ""} {
		got, ok := target.FirstPath(text)
		assert.Equal(t, want != "", ok, text)
		if ok {
			assert.Equal(t, want, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a|f(b,1,k='x')", "template(f($a),a=1)", "f(\"\\x4\",{a,b}.c", "f(template(", "'''\"\"", "a\\", "\t\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := target.Parse(s)
		if err == nil && e == nil {
			t.Fatal("neither a tree nor an error")
		}
	})
}
