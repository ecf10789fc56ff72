package querytest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// Run runs the cases in all files *.test of dir, with the functions of table. A file is read line by line; what
// is behind a '#' at a line's begin is for people:
//
//	clear                                    forgets what was loaded
//	load NAME start=60 step=60: 1 2 _ 4x3    a series: 1, 2, null, three times 4; "1..5" is 1 2 3 4 5
//	now 7200                                 the request's now; else it is until
//	xff 0.5                                  the request's xFilesFactor, until the next clear
//	template KEY=VALUE                       a value of template(), until the next clear
//	eval 0 600 TARGET                        from, until; what follows it, indented, is what comes back:
//	  series NAME                            the next series; nothing else may come than is listed
//	    tags a=1 name=x                      all its tags, if the line is there; a value with blanks in quotes
//	    path EXPRESSION                      its pathExpression, likewise
//	    at 60 600 60                         start, end, step, likewise
//	    values 1 2 _ 4                       values as shown, to 1e-12 of each; "..." at the end: more may follow
//	    drawing color=red second dashed=5    what is said of how it is drawn
//	  error TEXT                             instead: it is refused, with TEXT in the error
//
// `eval 0 600 TARGET` with nothing below expects no series.
func Run(t *testing.T, table *query.Table, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.test"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			s := script{table: table, file: file}
			s.clear()
			require.NoError(t, s.run(t, strings.Split(string(text), "\n")))
		})
	}
}

// script is a file of cases under way.
type script struct {
	table  *query.Table
	file   string
	line   int
	source *Memory
	req    query.Request
	now    int64
}

func (s *script) clear() {
	s.source, s.now = &Memory{}, 0
	s.req = query.Request{Template: map[string]string{}}
}

func (s *script) run(t *testing.T, lines []string) error {
	for i := 0; i < len(lines); i++ {
		s.line = i + 1
		words := strings.SplitN(strings.TrimSpace(lines[i]), " ", 2)
		if words[0] == "" || words[0][0] == '#' {
			continue
		}
		rest := strings.TrimSpace(strings.Join(words[1:], ""))
		if words[0] == "eval" {
			var below []string
			for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], " ") || strings.HasPrefix(lines[i+1], "#")) {
				i++
				if line := strings.TrimSpace(lines[i]); line[0] != '#' {
					below = append(below, line)
				}
			}
			if err := s.eval(t, rest, below); err != nil {
				return fmt.Errorf("%s:%d: %w", s.file, s.line, err)
			}
		} else if err := s.command(words[0], rest); err != nil {
			return fmt.Errorf("%s:%d: %w", s.file, s.line, err)
		}
	}
	return nil
}

func (s *script) command(word, rest string) (err error) {
	switch word {
	case "clear":
		s.clear()
	case "load":
		return s.load(rest)
	case "now":
		s.now, err = strconv.ParseInt(rest, 10, 64)
	case "xff":
		s.req.XFilesFactor, err = strconv.ParseFloat(rest, 64)
	case "template":
		key, value, _ := strings.Cut(rest, "=")
		s.req.Template[key] = value
	default:
		return fmt.Errorf("unknown command %q", word)
	}
	return err
}

func (s *script) load(rest string) error {
	head, tail, ok := strings.Cut(rest, ": ")
	var name string
	start, step := int64(0), int64(60)
	for _, word := range strings.Fields(head) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch {
		case key == "start":
			start, err = strconv.ParseInt(value, 10, 64)
		case key == "step":
			step, err = strconv.ParseInt(value, 10, 64)
		case name == "":
			name = word
		default:
			err = fmt.Errorf("unknown word %q", word)
		}
		if err != nil {
			return err
		}
	}
	values, _, err := parseValues(tail)
	if err != nil || !ok || name == "" {
		return fmt.Errorf("load needs NAME start=S step=S: VALUES: %w", err)
	}
	s.source.Add(name, start, step, values...)
	return nil
}

// parseValues reads "1 _ 2x3 1..5 ..." .
func parseValues(text string) (values []float64, more bool, err error) {
	for _, word := range strings.Fields(text) {
		if word == "..." {
			return values, true, nil
		}
		if first, last, ok := strings.Cut(word, ".."); ok {
			a, err1 := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			if err1 != nil || err2 != nil || b-a > 1e6 {
				return nil, false, fmt.Errorf("not a range: %q", word)
			}
			for ; a <= b; a++ {
				values = append(values, float64(a))
			}
			continue
		}
		value, times, ok := strings.Cut(word, "x")
		n := 1
		if ok {
			if n, err = strconv.Atoi(times); err != nil {
				return nil, false, err
			}
		}
		v := query.Null()
		if value != "_" {
			if v, err = strconv.ParseFloat(value, 64); err != nil {
				return nil, false, err
			}
		}
		for range n {
			values = append(values, v)
		}
	}
	return values, false, nil
}

func (s *script) eval(t *testing.T, rest string, below []string) error {
	t.Helper()
	words := strings.SplitN(rest, " ", 3)
	if len(words) < 3 {
		return fmt.Errorf("eval needs FROM UNTIL TARGET")
	}
	req := s.req
	var err1, err2 error
	req.From, err1 = strconv.ParseInt(words[0], 10, 64)
	req.Until, err2 = strconv.ParseInt(words[1], 10, 64)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("eval needs FROM UNTIL in seconds")
	}
	req.Targets = []string{words[2]}
	req.Now = s.now
	if req.Now == 0 {
		req.Now = req.Until
	}
	engine := query.New(query.Options{Functions: s.table, Source: s.source})
	got, err := engine.Evaluate(t.Context(), req)
	where := fmt.Sprintf("%s:%d: %s", s.file, s.line, words[2])
	if len(below) > 0 && strings.HasPrefix(below[0], "error ") {
		assert.ErrorContains(t, err, strings.TrimPrefix(below[0], "error "), where)
		return nil
	}
	if !assert.NoError(t, err, where) {
		return nil
	}
	if err := s.compare(t, where, got, below); err != nil {
		return err
	}
	// Named twice, what is read is shared and must not be written to.
	req.Targets = []string{words[2], words[2]}
	got, err = engine.Evaluate(t.Context(), req)
	assert.NoError(t, err, where)
	return s.compare(t, where+", first of two", got[:len(got)/2], below)
}

// compare checks what came against what is listed.
func (s *script) compare(t *testing.T, where string, got []*query.Series, below []string) error {
	t.Helper()
	var seen []string
	var at *query.Series
	for _, line := range below {
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		if word == "series" {
			seen = append(seen, rest)
			at = nil
			if len(seen) <= len(got) {
				at = got[len(seen)-1]
				assert.Equal(t, rest, at.Name, "%s: name of series %d", where, len(seen))
			}
			continue
		}
		if at == nil {
			continue // there are fewer than listed, which is said below
		}
		if err := check(t, where, at, word, rest); err != nil {
			return err
		}
	}
	names := make([]string, len(got))
	for i, g := range got {
		names[i] = g.Name
	}
	assert.Len(t, got, len(seen), "%s: series %q", where, names)
	return nil
}

func check(t *testing.T, where string, s *query.Series, word, rest string) error {
	t.Helper()
	what := where + ": " + word + " of " + s.Name
	switch word {
	case "tags":
		got := map[string]string{}
		for _, tag := range s.Tags {
			got[tag.Key] = tag.Value
		}
		want, err := parseTags(rest)
		assert.Equal(t, want, got, what)
		return err
	case "path":
		assert.Equal(t, rest, s.PathExpression, what)
	case "at":
		assert.Equal(t, rest, fmt.Sprintf("%d %d %d", s.Start, s.End, s.PointStep()), what)
	case "values":
		want, more, err := parseValues(rest)
		sameValues(t, what, want, s.Points(), more)
		return err
	case "drawing":
		assert.Equal(t, rest, drawing(s.Drawing), what)
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}

// parseTags reads k=v with blanks between; a value may be in double quotes.
func parseTags(text string) (map[string]string, error) {
	tags := map[string]string{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("not a tag: %q", text)
		}
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			tags[key], _ = strconv.Unquote(quoted)
			text = rest[len(quoted):]
			continue
		}
		tags[key], text, _ = strings.Cut(rest, " ")
	}
	return tags, nil
}

func sameValues(t *testing.T, what string, want, got []float64, more bool) {
	t.Helper()
	if more && len(got) > len(want) {
		got = got[:len(want)]
	}
	same := len(want) == len(got)
	for i := range min(len(want), len(got)) {
		w, g := want[i], got[i]
		same = same && (w == g || query.IsNull(w) && query.IsNull(g) || math.Abs(w-g) <= 1e-12*math.Abs(w))
	}
	assert.True(t, same, "%s\nwant %s\ngot  %s", what, show(want), show(got))
}

func show(values []float64) string {
	var b strings.Builder
	for _, v := range values {
		if query.IsNull(v) {
			b.WriteString("_ ")
			continue
		}
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64) + " ")
	}
	return b.String()
}

func drawing(d query.Drawing) string {
	var parts []string
	add := func(ok bool, text string) {
		if ok {
			parts = append(parts, text)
		}
	}
	add(d.Color != "", "color="+d.Color)
	add(d.HasAlpha, fmt.Sprintf("alpha=%v", d.Alpha))
	add(d.LineWidth != 0, fmt.Sprintf("width=%v", d.LineWidth))
	add(d.Dashed != 0, fmt.Sprintf("dashed=%v", d.Dashed))
	add(d.SecondYAxis, "second")
	add(d.Infinite, "infinite")
	add(d.Stacked, "stacked")
	add(d.Invisible, "invisible")
	add(d.Connected, "connected")
	return strings.Join(parts, " ")
}
