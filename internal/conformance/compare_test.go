package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image/png"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is what a server said.
type answer struct {
	status int
	kind   string // Content-Type
	body   []byte
}

func (a answer) refused() bool { return a.status >= 400 }

// decoder makes JSON of pickle and msgpack.
type decoder func(format string, body []byte) (text string, ok bool)

// difference tells the first one between two answers; "" when they agree. Of
// refusals the status counts alone: their text is for people.
func difference(r request, want, got answer, decode decoder) string {
	if want.status != got.status {
		return fmt.Sprintf("status %d, want %d", got.status, want.status)
	}
	if want.refused() {
		return ""
	}
	if want.kind != got.kind {
		return fmt.Sprintf("content type %q, want %q", got.kind, want.kind)
	}
	c := comparison{order: r.order, random: r.random}
	kind, _, _ := mime.ParseMediaType(want.kind)
	switch {
	case kind == "image/png":
		return c.pictures(want.body, got.body)
	case kind == "image/svg+xml":
		return c.svg(want.body, got.body)
	case r.params.Get("format") == "svg" && kind == "text/javascript":
		return ""
	case kind == "application/pickle", kind == "application/x-msgpack":
		return c.decoded(kind, want.body, got.body, decode)
	case kind == "application/json":
		return c.json(want.body, got.body)
	case kind == "text/javascript":
		return c.script(want.body, got.body)
	}
	return c.text(want.body, got.body)
}

type comparison struct {
	order, random bool
	typed         bool // 1 is not 1.0
}

func (c comparison) text(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: %s", i+1, apart(g[i], w[i]))
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// apart shows two texts from shortly before where they differ.
func apart(got, want string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	i = max(0, i-20)
	return fmt.Sprintf("%.120q, want %.120q", got[i:], want[i:])
}

func (c comparison) json(want, got []byte) string {
	w, err := parseJSON(infinite(want))
	if err != nil {
		return c.text(want, got)
	}
	g, err := parseJSON(infinite(got))
	if err != nil {
		return fmt.Sprintf("no JSON: %v: %.200q", err, got)
	}
	return c.value("", w, g)
}

// infinite makes JSON of what Python writes for an infinite default.
func infinite(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte(`"default": Infinity`), []byte(`"default": 1e9999`))
}

func parseJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && d.More() {
		err = fmt.Errorf("more behind it")
	}
	return v, err
}

// script compares "name(JSON)".
func (c comparison) script(want, got []byte) string {
	wname, wrest, _ := strings.Cut(string(want), "(")
	gname, grest, _ := strings.Cut(string(got), "(")
	if wname != gname {
		return fmt.Sprintf("callback %q, want %q", gname, wname)
	}
	return c.json([]byte(strings.TrimSuffix(wrest, ")")), []byte(strings.TrimSuffix(grest, ")")))
}

func (c comparison) decoded(kind string, want, got []byte, decode decoder) string {
	format := strings.TrimPrefix(strings.TrimPrefix(kind, "application/"), "x-")
	w, ok := decode(format, want)
	if !ok {
		return "graphite-web's own answer cannot be decoded: " + w
	}
	g, ok := decode(format, got)
	if !ok {
		return "cannot be decoded: " + g
	}
	c.typed = true
	return c.json([]byte(w), []byte(g))
}

// value compares what JSON holds, at a path.
func (c comparison) value(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		return c.object(path, w, g)
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		return c.list(path, w, g)
	case json.Number:
		if g, ok := got.(json.Number); ok && c.number(w, g) {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s: %s, want %s", path, short(got), short(want))
}

func (c comparison) number(want, got json.Number) bool {
	if c.random || want == got {
		return true
	}
	w, err1 := strconv.ParseFloat(want.String(), 64)
	g, err2 := strconv.ParseFloat(got.String(), 64)
	return !c.typed && w == g && (err1 == nil) == (err2 == nil)
}

func (c comparison) object(path string, want, got map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if key == "description" {
			continue // for people: ours are our own
		}
		g, ok := got[key]
		if !ok {
			return fmt.Sprintf("%s: no %q, which is %s", path, key, short(want[key]))
		}
		if d := c.value(path+"."+key, want[key], g); d != "" {
			return d
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("%s: %q is there: %s", path, key, short(got[key]))
		}
	}
	return ""
}

func (c comparison) list(path string, want, got []any) string {
	if !c.order {
		want, got = sorted(want), sorted(got)
	}
	for i := range min(len(want), len(got)) {
		if d := c.value(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); d != "" {
			return d
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%s: %d elements, want %d: %s, want %s", path, len(got), len(want), short(got), short(want))
	}
	return ""
}

func sorted(list []any) []any {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(long(a), long(b)) })
	return list
}

func long(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func short(v any) string {
	text := long(v)
	if len(text) > 160 {
		text = text[:160] + "..."
	}
	return text
}

// pictures need only be of the same size: what is in them is for eyes.
func (c comparison) pictures(want, got []byte) string {
	w, err := png.DecodeConfig(bytes.NewReader(want))
	if err != nil {
		return "graphite-web's own picture: " + err.Error()
	}
	g, err := png.DecodeConfig(bytes.NewReader(got))
	if err != nil {
		return "picture: " + err.Error()
	}
	if w.Width != g.Width || w.Height != g.Height {
		return fmt.Sprintf("%d x %d, want %d x %d", g.Width, g.Height, w.Width, w.Height)
	}
	return ""
}

func (c comparison) svg(_, got []byte) string {
	if !bytes.Contains(got, []byte("<svg")) {
		return fmt.Sprintf("no SVG: %.100q", got)
	}
	return ""
}

// refusedElsewhere: graphite-web fell over what was asked, we refuse it.
func refusedElsewhere(want, got answer) bool {
	return want.status == http.StatusInternalServerError && got.status >= 400 && got.status < 500
}
