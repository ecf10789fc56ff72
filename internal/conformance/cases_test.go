package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
)

const casesDir = "../serve/query/functions/testdata"

// TestCasesAreGraphiteWebs asks graphite-web what the cases of package functions
// say. With -update it writes its answers into them, but for refusals. A case
// below the comment "# ours" is left alone: graphite-web does otherwise, or has no such thing.
func TestCasesAreGraphiteWebs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(casesDir, "*.test"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	cases := caseFiles{now: 0}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		cases.read(t, file, string(text))
	}
	cases.server = graphiteweb.Start(t, graphiteweb.Options{Now: 1 << 31, Series: cases.series})
	for _, f := range cases.files {
		text := cases.answered(t, f)
		if testutil.Update() {
			require.NoError(t, os.WriteFile(f.path, []byte(text), 0o644))
			continue
		}
		before, err := os.ReadFile(f.path)
		require.NoError(t, err)
		assert.Equal(t, string(before), text, f.path)
	}
}

// caseFiles are all cases. The series of each set of loads have a folder of their
// own at graphite-web, which its answers do not show.
type caseFiles struct {
	files  []caseFile
	series []graphiteweb.Series
	now    int64
	server *graphiteweb.Server
}

type caseFile struct {
	path  string
	parts []casePart
}

// casePart is a line, and of eval those below it.
type casePart struct {
	line, rest string
	below      []string
	state      caseState
	ours       bool
}

// caseState is what holds for an eval.
type caseState struct {
	now, xff string
	template []string
}

func (c *caseFiles) read(t *testing.T, path, text string) {
	t.Helper()
	f := caseFile{path: path}
	var state caseState
	ours := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, " ") && len(f.parts) > 0 {
			last := &f.parts[len(f.parts)-1]
			last.below = append(last.below, line)
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "clear":
			state = caseState{}
		case "load":
			c.load(t, rest)
		case "now":
			state.now = rest
		case "xff":
			state.xff = rest
		case "template":
			state.template = append(slices.Clone(state.template), rest)
		}
		f.parts = append(f.parts, casePart{line: line, rest: rest, state: state, ours: ours})
		ours = line == "# ours"
	}
	c.files = append(c.files, f)
}

// load makes a whisper file of a series. The names of all files must differ.
func (c *caseFiles) load(t *testing.T, rest string) {
	t.Helper()
	head, tail, _ := strings.Cut(rest, ": ")
	s := graphiteweb.Series{Method: "average", Archives: [][2]int64{{60, 5000}}}
	start := int64(0)
	for _, word := range strings.Fields(head) {
		key, value, found := strings.Cut(word, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch {
		case found && key == "start":
			start = n
		case found && key == "step":
			s.Archives[0][0] = n
		default:
			s.Name = word
		}
	}
	for i, v := range caseValues(t, tail) {
		if !math.IsNaN(v) {
			s.Points = append(s.Points, graphiteweb.Point{Time: start + int64(i)*s.Archives[0][0], Value: v})
		}
	}
	require.False(t, slices.ContainsFunc(c.series, func(o graphiteweb.Series) bool { return o.Name == s.Name }), "%s is loaded twice: names of all files must differ", s.Name)
	c.series = append(c.series, s)
}

func caseValues(t *testing.T, text string) (values []float64) {
	t.Helper()
	for _, word := range strings.Fields(text) {
		if first, last, ok := strings.Cut(word, ".."); ok {
			a, err1 := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			require.NoError(t, err1)
			require.NoError(t, err2)
			for ; a <= b; a++ {
				values = append(values, float64(a))
			}
			continue
		}
		value, times, ok := strings.Cut(word, "x")
		n := 1
		if ok {
			n, _ = strconv.Atoi(times)
		}
		v := math.NaN()
		if value != "_" {
			var err error
			v, err = strconv.ParseFloat(value, 64)
			require.NoError(t, err)
		}
		for range n {
			values = append(values, v)
		}
	}
	return values
}

// answered is the text of a file with graphite-web's answers.
func (c *caseFiles) answered(t *testing.T, f caseFile) string {
	t.Helper()
	var b strings.Builder
	for _, p := range f.parts {
		b.WriteString(p.line + "\n")
		below := p.below
		if strings.HasPrefix(p.line, "eval ") && !p.ours {
			below = c.ask(t, f.path, p)
		}
		for _, line := range below {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func (c *caseFiles) ask(t *testing.T, path string, p casePart) []string {
	t.Helper()
	words := strings.SplitN(p.rest, " ", 3)
	q := url.Values{"from": {words[0]}, "until": {words[1]}, "now": {words[1]}, "target": {words[2]}, "format": {"json"}}
	if p.state.now != "" {
		q.Set("now", p.state.now)
	}
	if p.state.xff != "" {
		q.Set("xFilesFactor", p.state.xff)
	}
	for _, kv := range p.state.template {
		key, value, _ := strings.Cut(kv, "=")
		q.Set("template["+key+"]", value)
	}
	status, body := c.server.Get(t, "/render?"+q.Encode())
	if status != 200 {
		assert.True(t, len(p.below) == 1 && strings.HasPrefix(p.below[0], "  error "), "%s: %s: graphite-web answers %d", path, p.line, status)
		return p.below
	}
	var tagged []struct{ Tags map[string]string }
	require.NoError(t, json.Unmarshal([]byte(body), &tagged), body)
	q.Set("format", "pickle")
	status, body = c.server.Get(t, "/render?"+q.Encode())
	require.Equal(t, 200, status)
	text, ok := c.server.Decode(t, "pickle", []byte(body))
	require.True(t, ok, text)
	var list []caseSeries
	require.NoError(t, json.Unmarshal([]byte(text), &list), text)
	require.Len(t, tagged, len(list), "%s: %s", path, p.line)
	var lines []string
	for i, s := range list {
		lines = append(lines, s.lines(tagged[i].Tags, p.below)...)
	}
	return lines
}

// caseSeries is what graphite-web's pickle has of a series.
type caseSeries struct {
	Name, PathExpression             string
	Start, End, Step, ValuesPerPoint float64
	Values                           []*float64
}

// lines shows a series. What is only for pictures is taken from the file, for no answer tells it.
func (s caseSeries) lines(tags map[string]string, before []string) []string {
	lines := []string{"  series " + s.Name}
	text := "    tags"
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		v := tags[k]
		if strings.ContainsAny(v, " \"") || v == "" {
			v = strconv.Quote(v)
		}
		text += " " + k + "=" + v
	}
	lines = append(lines, text)
	if s.PathExpression != s.Name {
		lines = append(lines, "    path "+s.PathExpression)
	}
	lines = append(lines, fmt.Sprintf("    at %d %d %d", int64(s.Start), int64(s.End), int64(s.Step*max(s.ValuesPerPoint, 1))), "    values"+shown(s.Values))
	if i := slices.Index(before, "  series "+s.Name); i >= 0 {
		for _, line := range before[i+1:] {
			if strings.HasPrefix(line, "    drawing ") {
				return append(lines, line)
			}
			if strings.HasPrefix(line, "  series ") {
				break
			}
		}
	}
	return lines
}

func shown(values []*float64) string {
	var b strings.Builder
	for i := 0; i < len(values); {
		n := 1
		for i+n < len(values) && (values[i] == nil) == (values[i+n] == nil) && (values[i] == nil || *values[i] == *values[i+n]) {
			n++
		}
		b.WriteByte(' ')
		if values[i] == nil {
			b.WriteByte('_')
		} else {
			b.WriteString(strconv.FormatFloat(*values[i], 'g', -1, 64))
		}
		if n > 1 {
			fmt.Fprintf(&b, "x%d", n)
		}
		i += n
	}
	return b.String()
}
