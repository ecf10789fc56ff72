package canvas

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SVG writes the sheet to w, as a document of its own that needs nothing else:
// no script, no style sheet, no ids. Texts stay texts; their lengths are given, so
// that they fit with whatever font the viewer has.
func (s *Sheet) SVG(w io.Writer) error {
	v := &svg{dst: s.pixels.svg[:0], points: s.points}
	v.open(s)
	for _, m := range s.marks {
		v.mark(s, m)
	}
	v.close()
	v.dst = append(v.dst, "</svg>\n"...)
	s.pixels.svg = v.dst
	if _, err := w.Write(v.dst); err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	return nil
}

// An svg is the text as it grows, and what is open in it.
type svg struct {
	dst     []byte
	points  []Point
	inGroup bool
	inClip  bool
}

func (v *svg) open(s *Sheet) {
	v.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="%s">`+"\n",
		s.width, s.height, s.width, s.height, sans)
	if s.background.A > 0 {
		v.mark(s, mark{kind: box, rect: s.Bounds(), color: s.background})
	}
}

const (
	sans = `Go, 'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif`
	mono = `'Go Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace`
)

func (v *svg) mark(s *Sheet, m mark) {
	switch m.kind {
	case group:
		v.endGroup()
		v.printf("<g class=\"%s\">\n", escape(m.text))
		v.inGroup = true
	case clip:
		v.clip(m.rect, s.Bounds())
	case box:
		v.dst = append(v.dst, `<rect`...)
		v.attributes([]string{"x", "y", "width", "height"}, []float64{m.rect.X0, m.rect.Y0, m.rect.Width(), m.rect.Height()})
		v.color("fill", m.color)
		v.dst = append(v.dst, "/>\n"...)
	case area:
		v.path(m, true)
		v.color("fill", m.color)
		v.name(m.text, "path")
	case line:
		v.path(m, false)
		v.dst = append(v.dst, ` fill="none" stroke-linejoin="round" stroke-linecap="round"`...)
		v.color("stroke", m.color)
		v.attributes([]string{"stroke-width"}, []float64{m.width})
		if m.dash > 0 {
			v.attributes([]string{"stroke-dasharray"}, []float64{math.Max(m.dash, 1)})
		}
		v.name(m.text, "path")
	case words:
		v.text(s, m)
	}
}

// clip opens an inner svg, which clips without an id that two pictures on one
// page could share.
func (v *svg) clip(r, all Rect) {
	v.close()
	if r == all {
		return
	}
	r.X1, r.Y1 = math.Max(r.X0, r.X1), math.Max(r.Y0, r.Y1)
	v.dst = append(v.dst, `<svg`...)
	v.attributes([]string{"x", "y", "width", "height"}, []float64{r.X0, r.Y0, r.Width(), r.Height()})
	v.dst = append(v.dst, ` viewBox="`...)
	for _, n := range []float64{r.X0, r.Y0, r.Width(), r.Height()} {
		v.number(n)
		v.dst = append(v.dst, ' ')
	}
	v.dst = append(v.dst[:len(v.dst)-1], "\">\n"...)
	v.inClip = true
}

// close ends what is open.
func (v *svg) close() {
	v.endGroup()
	if v.inClip {
		v.dst = append(v.dst, "</svg>\n"...)
		v.inClip = false
	}
}

func (v *svg) endGroup() {
	if v.inGroup {
		v.dst = append(v.dst, "</g>\n"...)
		v.inGroup = false
	}
}

func (v *svg) path(m mark, closed bool) {
	v.dst = append(v.dst, `<path d="`...)
	for i, p := range v.points[m.from:m.to] {
		v.dst = append(v.dst, "ML"[min(i, 1)])
		v.number(p.X)
		v.dst = append(v.dst, ' ')
		v.number(p.Y)
	}
	switch {
	case closed:
		v.dst = append(v.dst, 'Z')
	case m.to-m.from == 1:
		v.dst = append(v.dst, "h0"...) // a dot: its round ends
	}
	v.dst = append(v.dst, '"')
}

func (v *svg) text(s *Sheet, m mark) {
	y := m.at.Y
	if m.angle == 0 {
		y = math.Round(y)
	}
	v.dst = append(v.dst, `<text`...)
	v.attributes([]string{"x", "y", "font-size", "textLength"}, []float64{m.at.X, y, m.face.size(), s.TextWidth(m.text, m.face)})
	v.dst = append(v.dst, ` lengthAdjust="spacingAndGlyphs"`...)
	if m.face.Mono {
		v.printf(` font-family="%s"`, mono)
	}
	if m.face.Bold {
		v.dst = append(v.dst, ` font-weight="bold"`...)
	}
	if m.face.Italic {
		v.dst = append(v.dst, ` font-style="italic"`...)
	}
	v.color("fill", m.color)
	if m.angle != 0 {
		v.dst = append(v.dst, ` transform="rotate(`...)
		for _, n := range []float64{m.angle, m.at.X, y} {
			v.number(n)
			v.dst = append(v.dst, ' ')
		}
		v.dst = append(v.dst[:len(v.dst)-1], `)"`...)
	}
	v.printf(">%s</text>\n", escape(m.text))
}

// name ends an element, with a title where there is a name.
func (v *svg) name(name, element string) {
	if name == "" {
		v.dst = append(v.dst, "/>\n"...)
		return
	}
	v.printf("><title>%s</title></%s>\n", escape(name), element)
}

func (v *svg) color(attribute string, c color.NRGBA) {
	v.printf(` %s="#%02x%02x%02x"`, attribute, c.R, c.G, c.B)
	if c.A < 255 {
		v.printf(` %s-opacity="%s"`, attribute, strconv.FormatFloat(float64(c.A)/255, 'f', 3, 64))
	}
}

func (v *svg) attributes(names []string, values []float64) {
	for i, n := range names {
		v.dst = append(append(append(v.dst, ' '), n...), `="`...)
		v.number(values[i])
		v.dst = append(v.dst, '"')
	}
}

// number writes a length to a hundredth of a pixel, in as few letters as it takes.
func (v *svg) number(n float64) {
	n = math.Round(n*100) / 100
	v.dst = strconv.AppendFloat(v.dst, n+0, 'f', -1, 64)
}

func (v *svg) printf(format string, args ...any) { v.dst = fmt.Appendf(v.dst, format, args...) }

// escape makes a text fit for XML 1.0: names of series are written by those who
// write logs. Characters that it has no form for become U+FFFD.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s { // U+FFFD for each byte that is no UTF-8
		switch {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '"', c == '\'', c == '\t', c == '\n', c == '\r':
			fmt.Fprintf(&b, "&#%d;", c)
		case c < ' ', c == 0xfffe, c == 0xffff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
