package picture

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// pie draws each series as a slice by its average, highest or lowest value.
// What has no value above 0 has no slice.
func (s *sketch) pie() {
	total := 0.0
	for i := range s.curves {
		c := &s.curves[i]
		c.values = []float64{max(0, pieValue(c.Values, s.p.PieMode))}
		total += c.values[0]
	}
	if !(total > 0) || math.IsInf(total, 0) {
		s.noData()
		return
	}
	s.titles()
	s.pieLegend()
	center := canvas.Point{X: (s.plot.X0 + s.plot.X1) / 2, Y: (s.plot.Y0 + s.plot.Y1) / 2}
	radius := math.Max(1, math.Min(s.plot.Width(), s.plot.Height())/2*0.95)
	s.sheet.Group("slices")
	from := -math.Pi / 2
	for i := range s.curves {
		c := &s.curves[i]
		to := from + 2*math.Pi*c.values[0]/total
		if to > from {
			s.sheet.Area(c.Name, slice(center, radius, from, to), faded(c.color, cmp.Or(s.p.AreaAlpha, c.Alpha)))
		}
		from = to
	}
	s.pieLabels(center, radius, total)
}

// pieLegend shows the names, unless it was asked not to.
func (s *sketch) pieLegend() {
	if s.p.HideLegend == nil { // as many slices as there are need their names
		show := false
		p := *s.p
		p.HideLegend = &show
		s.p = &p
	}
	s.legend(s.legendEntries())
	s.plot.Y1 -= 4
}

func pieValue(values []float64, mode string) float64 {
	best, found := math.NaN(), false
	for _, v := range values {
		if !number(v) {
			continue
		}
		if !found || mode == "maximum" && v > best || mode == "minimum" && v < best {
			best, found = v, true
		}
	}
	if !found {
		return 0
	}
	if mode == "maximum" || mode == "minimum" {
		return best
	}
	return average(values)
}

// slice is the outline of a piece of the pie, of chords shorter than two pixels.
func slice(center canvas.Point, radius, from, to float64) []canvas.Point {
	points := []canvas.Point{center}
	n := max(2, int((to-from)*radius/2)+1)
	for i := range n + 1 {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(n))
		points = append(points, canvas.Point{X: center.X + radius*cos, Y: center.Y + radius*sin})
	}
	return points
}

// labelAt is where on the radius labels stand.
const labelAt = 0.62

// pieLabels writes shares or values into the slices that are large enough.
func (s *sketch) pieLabels(center canvas.Point, radius, total float64) {
	if s.p.ValueLabels == "none" {
		return
	}
	least := 5.0
	if s.p.ValueLabelsMin != nil {
		least = *s.p.ValueLabelsMin
	}
	s.sheet.Group("labels")
	at := -math.Pi / 2
	for i := range s.curves {
		v := s.curves[i].values[0]
		middle := at + math.Pi*v/total
		at += 2 * math.Pi * v / total
		label, measure := strconv.FormatFloat(v/total*100, 'f', 1, 64)+"%", v/total*100
		if s.p.ValueLabels == "number" {
			label, measure = pieNumber(v), v
		}
		wide := 2 * math.Pi * v / total * radius * labelAt // of the slice, where its label is
		if v > 0 && measure >= least && wide >= s.text.Digit+4 {
			s.pieLabel(label, center, radius*labelAt, middle, s.labelColor(s.curves[i].color))
		}
	}
}

func pieNumber(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	if v >= 1e15 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return fmt.Sprint(int64(v))
}

func (s *sketch) labelColor(slice color.NRGBA) color.NRGBA {
	switch {
	case s.p.ValueLabelsColor != nil:
		return *s.p.ValueLabelsColor
	case dark(slice):
		return rgb(0xffffff)
	}
	return rgb(0)
}

// pieLabel writes a label about the point that lies at an angle from the center.
func (s *sketch) pieLabel(label string, center canvas.Point, radius, angle float64, c color.NRGBA) {
	sin, cos := math.Sincos(angle)
	x, y := center.X+radius*cos, center.Y+radius*sin
	width, turn := s.sheet.TextWidth(label, s.look.face), 0.0
	if s.p.PieLabels == "rotated" {
		if turn = angle; cos < 0 {
			turn -= math.Pi
		}
	}
	sin, cos = math.Sincos(turn)
	half, down := width/2, s.text.Digit/2
	s.sheet.Text(label, canvas.Point{X: x - half*cos - down*sin, Y: y - half*sin + down*cos}, s.look.face, c, turn*180/math.Pi)
}
