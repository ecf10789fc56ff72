package picture

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// A curve is a series on its way to the sheet. Its fields Values and Step are
// those of the series until it is consolidated.
type curve struct {
	Series
	color color.NRGBA

	values []float64 // one for each place on the time axis; not shared with the series
	step   int64     // seconds from one of them to the next
	area   bool      // filled down to zero
}

// Times are those that a calendar with four digits a year has.
const (
	earliest = -62135596800
	latest   = 253402300799
)

func (c *curve) check() error {
	n := int64(len(c.Values))
	if c.Step < 1 || c.Start < earliest || c.Start > latest || n > (latest-c.Start)/c.Step {
		return fmt.Errorf("%w: series %.100q has %d values from %d on, %d s apart: not all are in the years 1 to 9999", ErrRefused, c.Name, n, c.Start, c.Step)
	}
	if c.Dash < 0 || !number(c.Dash) {
		c.Dash = 0
	}
	if c.LineWidth < 0 || !number(c.LineWidth) {
		c.LineWidth = 0
	}
	if !(c.Alpha > 0) || c.Alpha > 1 {
		c.Alpha = 1
	}
	return nil
}

// side applies what was asked for all lines of the curve's axis.
func (c *curve) side(p *Params) {
	side := p.Left
	if c.SecondY {
		side = p.Right
	}
	if side.Width > 0 {
		c.LineWidth = side.Width
	}
	if side.Color != nil {
		c.color = *side.Color
	}
	if side.Dash != nil {
		c.Dash = *side.Dash
	}
}

// empty reports whether there is no value.
func (c *curve) empty() bool { return !slices.ContainsFunc(c.Values, number) }

func (c *curve) end() int64 { return c.Start + c.Step*int64(len(c.Values)) }

// times finds the edges of the time axis; false when there is no time between.
func (s *sketch) times() bool {
	if len(s.curves) == 0 {
		return false
	}
	s.stairs = s.p.LineMode == "staircase"
	s.from = math.MaxInt64
	first, last := int64(math.MinInt64), int64(math.MinInt64)
	for i := range s.curves {
		c := &s.curves[i]
		s.from, first, last = min(s.from, c.Start), max(first, c.end()-c.Step), max(last, c.end())
		if s.p.LineMode != "connected" && len(c.Values) == 1 {
			s.stairs = true // a slope of one point is not to be seen
		}
	}
	if s.to = first; s.stairs || s.to <= s.from {
		s.stairs, s.to = true, last
	}
	return s.to > s.from
}

// consolidate joins the values of each series until they are no denser than
// minXStep says, with the series' own method.
func (s *sketch) consolidate() {
	apart := 1.0
	if s.p.MinXStep != nil {
		apart = *s.p.MinXStep
	}
	for i := range s.curves {
		c := &s.curves[i]
		n, count := 1, float64(s.to-s.from)/float64(c.Step)
		if pixels := s.plot.Width(); apart > 0 && pixels/count < apart {
			n = int(math.Min(math.Ceil(count/math.Max(1, math.Floor(pixels/apart))), float64(max(len(c.Values), 1))))
		}
		c.join(n)
		if s.p.NullAsZero {
			for j, v := range c.values {
				if math.IsNaN(v) {
					c.values[j] = 0
				}
			}
		}
	}
}

// join makes one value of n. Infinite ones become none.
func (c *curve) join(n int) {
	c.values, c.step = c.values[:0], c.Step*int64(n)
	switch {
	case n == 1:
		c.values = append(c.values, c.Values...)
	case c.Consolidate != nil:
		c.values = c.Consolidate(c.values, c.Values, n)
	default:
		for group := range slices.Chunk(c.Values, n) {
			c.values = append(c.values, average(group))
		}
	}
	for i, v := range c.values {
		if !number(v) {
			c.values[i] = math.NaN()
		}
	}
}

// average is that of what is there.
func average(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if number(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / float64(n)
}

// stack adds to each filled series the ones before it, at the same time. Those
// of a second axis stay lines.
func (s *sketch) stack() {
	least := int64(math.MaxInt64)
	for i := range s.curves {
		least = min(least, s.curves[i].step)
	}
	const most = 100_000 // places of sums; there are fewer pixels
	cell := max(least, (s.to-s.from)/most)
	total := make([]float64, (s.to-s.from)/cell+2)
	for i := range s.curves {
		c := &s.curves[i]
		if c.Infinite || c.SecondY {
			continue
		}
		for j, v := range c.values {
			if math.IsNaN(v) {
				continue
			}
			at := (c.Start + int64(j)*c.step - s.from) / cell
			end := max(at+1, (c.Start+int64(j+1)*c.step-s.from)/cell)
			c.values[j] = v + total[min(at, int64(len(total)-1))]
			for k := at; k < end && k < int64(len(total)); k++ {
				total[k] += v
			}
		}
	}
}

// fill decides which series are filled.
func (s *sketch) fill() {
	for i := range s.curves {
		c := &s.curves[i]
		switch s.p.AreaMode {
		case "first":
			c.area = i == 0
		case "all":
			c.area = true
		case "stacked":
			c.area = !c.SecondY
		}
		c.area = (c.area || c.Stacked) && !c.Infinite
	}
}

// runs gives the points of a curve, cut where values are missing.
func (s *sketch) runs(c *curve) (list [][]canvas.Point) {
	sc := s.scaleOf(c)
	var run []canvas.Point
	missing := 0
	for i, v := range c.values {
		y := sc.y(v, s.plot)
		if math.IsNaN(y) {
			missing++
			continue
		}
		if missing > 0 && !s.bridged(missing) && len(run) > 0 {
			list, run = append(list, run), nil
		}
		missing = 0
		t := c.Start + int64(i)*c.step
		run = append(run, canvas.Point{X: s.x(t), Y: y})
		if s.stairs {
			run = append(run, canvas.Point{X: s.x(min(t+c.step, s.to)), Y: y})
		}
	}
	if len(run) > 0 {
		list = append(list, run)
	}
	for i := range list {
		list[i] = decimated(list[i])
	}
	return list
}

// bridged reports whether a line goes on over so many missing values.
func (s *sketch) bridged(missing int) bool {
	return s.p.LineMode == "connected" && !s.stairs && (s.p.ConnectedLimit == nil || missing <= *s.p.ConnectedLimit)
}

func (s *sketch) scaleOf(c *curve) *scale {
	if c.SecondY && s.right != nil {
		return s.right
	}
	return s.left
}

// decimated leaves of each column of pixels the first, lowest, highest and last
// point, in their order: all that can be seen of it.
func decimated(run []canvas.Point) []canvas.Point {
	kept := run[:0]
	for i := 0; i < len(run); {
		column := math.Floor(run[i].X)
		low, high, end := i, i, i+1
		for ; end < len(run) && math.Floor(run[end].X) == column; end++ {
			if run[end].Y < run[low].Y {
				low = end
			}
			if run[end].Y > run[high].Y {
				high = end
			}
		}
		if end-i <= 4 {
			kept = append(kept, run[i:end]...)
		} else {
			kept = append(kept, run[i], run[min(low, high)], run[max(low, high)], run[end-1])
		}
		i = end
	}
	return kept
}
