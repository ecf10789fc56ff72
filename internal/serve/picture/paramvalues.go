package picture

import (
	"fmt"
	"image/color"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

func (q *query) color(name string) *color.NRGBA {
	s := q.text(name)
	if s == "" {
		return nil
	}
	c, ok := parseColor(s)
	if !ok {
		q.refuse(name, s, colorForms)
		return nil
	}
	return &c
}

// maxColors bounds colorList; there are not as many that one could tell apart.
const maxColors = 1000

func (q *query) colors(name string) (list []color.NRGBA) {
	s := decode(q.text(name))
	if s == "" {
		return nil
	}
	for i, part := range strings.Split(s, ",") {
		if i == maxColors {
			q.refuse(name, s, fmt.Sprintf("at most %d colours", maxColors))
			return nil
		}
		c, ok := parseColor(strings.TrimSpace(part))
		if !ok {
			q.refuse(name, part, "a list of colours with commas between, each "+colorForms)
			return nil
		}
		list = append(list, c)
	}
	return list
}

// side reads how the lines of one axis are drawn. "leftDashed=true" are dashes
// of the length that dashed() has.
func (q *query) side(name string) Side {
	s := Side{Width: q.above(0, name+"Width"), Color: q.color(name + "Color")}
	text := q.text(name + "Dashed")
	if text == "" {
		return s
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case strings.EqualFold(text, "false") || err == nil && !(n > 0):
		n = 0
	case err != nil || math.IsInf(n, 0):
		n = dashLength
	}
	s.Dash = &n
	return s
}

// dashLength is that of dashed() without an argument, in pixels.
const dashLength = 5

// axis reads the bounds of an axis: yMin, yMinLeft. Low and high are other names.
func (q *query) axis(side, low, high string) (a Axis) {
	a.Min, a.Limit, a.Step = q.float("yMin"+side), q.float("yLimit"+side), q.float("yStep"+side)
	if a.Min == nil && low != "" {
		a.Min = q.float(low)
	}
	name := "yMax" + side
	if q.text(name) == "" && high != "" {
		name = high
	}
	if a.MaxOfData = q.text(name) == "max"; !a.MaxOfData {
		a.Max = q.float(name)
	}
	if a.Step != nil && *a.Step <= 0 {
		q.refuse("yStep"+side, q.text("yStep"+side), "above 0")
	}
	if a.Min != nil && a.Max != nil && *a.Min >= *a.Max {
		q.refuse(name, q.text(name), "above yMin"+side)
	}
	return a
}

// logBase is 0 for a linear axis.
func (q *query) logBase() float64 {
	if q.text("logBase") == "e" {
		return math.E
	}
	n := q.float("logBase")
	switch {
	case n == nil || *n < 1:
		return 0
	case *n < 1.01: // of which the powers would be denser than pixels
		q.refuse("logBase", q.text("logBase"), "e, or above 1")
	}
	return *n
}

func (q *query) divisors() (list []int) {
	s := q.text("yDivisors")
	if s == "" {
		return nil
	}
	for _, part := range strings.Split(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > 100 || len(list) == 20 {
			q.refuse("yDivisors", s, "at most 20 whole numbers from 1 to 100 with commas between")
			return nil
		}
		list = append(list, n)
	}
	return list
}

func (q *query) fontSize() float64 {
	n := q.float("fontSize")
	if n == nil {
		return 0
	}
	if *n < 1 || *n > canvas.MaxSize {
		q.refuse("fontSize", q.text("fontSize"), fmt.Sprintf("from 1 to %d", canvas.MaxSize))
	}
	return *n
}

// areaAlpha takes a word for one half, as graphite-web does.
func (q *query) areaAlpha(p *Params) {
	s := q.text("areaAlpha")
	if s == "" || strings.EqualFold(s, "false") {
		return
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case strings.EqualFold(s, "true"):
		n = 1
	case err != nil || math.IsNaN(n):
		n = 0.5
	}
	p.AreaAlpha = math.Max(0, math.Min(1, n))
}

// decode takes "+" for a space and resolves %41, leaving what is malformed.
func decode(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
