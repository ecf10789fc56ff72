package picture

import (
	"fmt"
	"image/color"
	"math"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// An entry is one line of the legend.
type entry struct {
	name  string
	color color.NRGBA
	right bool // of the second axis
}

// hiddenAbove is how many series there may be for a legend that was not asked for.
const hiddenAbove = 10

func (s *sketch) legendEntries() (list []entry) {
	if s.p.HideLegend != nil && *s.p.HideLegend || s.p.HideLegend == nil && (len(s.curves) > hiddenAbove || s.cramped()) {
		return nil
	}
	seen := map[string]bool{}
	for i := range s.curves {
		c := &s.curves[i]
		if c.Name == "" || c.Invisible || s.p.UniqueLegend && seen[c.Name] || s.p.HideNullLegend && c.empty() {
			continue
		}
		seen[c.Name] = true
		list = append(list, entry{c.Name, c.color, c.SecondY})
	}
	return list
}

// cramped reports whether a legend would leave no room for what it is about.
func (s *sketch) cramped() bool { return s.plot.Height() < 6*s.text.Line }

// A column of the legend: how wide, and how many there are.
type columns struct {
	box, width, line float64
	count            int
}

const legendGap = 14 // pixels between two columns

// arrange chooses as many columns as the widest name leaves room for.
func (s *sketch) arrange(list []entry, room float64) columns {
	c := columns{box: s.text.Digit + 1, line: s.text.Line}
	widest := 0.0
	for _, e := range list {
		widest = math.Max(widest, s.sheet.TextWidth(e.name, s.look.face))
	}
	c.width = math.Min(c.box+5+widest, room)
	c.count = max(1, int((room+legendGap)/(c.width+legendGap)))
	for len(list) > c.count*s.legendLines() { // shorter names rather than none
		width := (room+legendGap)/float64(c.count+1) - legendGap
		if width < 12*s.look.face.Size {
			break
		}
		c.width, c.count = width, c.count+1
	}
	return c
}

// legendLines is how many a legend may have: two fifths of the height, and what
// leaves room for the graph and its labels of times.
func (s *sketch) legendLines() int {
	return max(1, int(min(s.sheet.Bounds().Height()*2/5, s.plot.Height()-5*s.text.Line)/s.text.Line))
}

// legend writes the entries below the plot, in columns; those of a second axis
// on the right when there is room for two. It takes at most two fifths of the
// height; how many have no room is said.
func (s *sketch) legend(list []entry) {
	if len(list) == 0 {
		return
	}
	s.sheet.Group("legend")
	room := s.plot.Width()
	c := s.arrange(list, room)
	left, right := split(list)
	if len(right) == 0 || len(left) == 0 || c.count < 2 {
		lines := s.shown(&list, c.count)
		s.plot.Y1 -= float64(lines)*c.line + 6
		s.place(list, c, c.count, s.plot.X0, s.plot.Y1+6)
		return
	}
	half := c.count / 2
	lines := max(s.shown(&left, half), s.shown(&right, half))
	s.plot.Y1 -= float64(lines)*c.line + 6
	s.place(left, c, half, s.plot.X0, s.plot.Y1+6)
	used := float64(min(half, len(right)))*(c.width+legendGap) - legendGap
	s.place(right, c, half, s.plot.X1-used, s.plot.Y1+6)
}

func split(list []entry) (left, right []entry) {
	for _, e := range list {
		if e.right {
			right = append(right, e)
		} else {
			left = append(left, e)
		}
	}
	return left, right
}

// shown cuts the list to what has room, and returns its lines.
func (s *sketch) shown(list *[]entry, count int) int {
	most := s.legendLines()
	lines := (len(*list) + count - 1) / count
	if lines <= most {
		return lines
	}
	n := most*count - 1
	rest := len(*list) - n
	*list = append((*list)[:n:n], entry{name: fmt.Sprintf("+%d more", rest)})
	return most
}

func (s *sketch) place(list []entry, c columns, count int, x, y float64) {
	for i, e := range list {
		at := canvas.Point{X: math.Floor(x + float64(i%count)*(c.width+legendGap)), Y: math.Floor(y + float64(i/count)*c.line)}
		b := canvas.Rect{X0: at.X, Y0: at.Y + 1, X1: at.X + c.box, Y1: at.Y + 1 + c.box}
		s.sheet.Box(b, faded(mixed(e.color, s.look.foreground, 0.35), 1)) // an edge, for colours near that of the ground
		s.sheet.Box(canvas.Rect{X0: b.X0 + 1, Y0: b.Y0 + 1, X1: b.X1 - 1, Y1: b.Y1 - 1}, e.color)
		name := s.fit(e.name, s.look.face, c.width-c.box-5)
		s.sheet.Text(name, canvas.Point{X: b.X1 + 5, Y: b.Y1 - 1}, s.look.face, s.look.foreground, 0)
	}
}
