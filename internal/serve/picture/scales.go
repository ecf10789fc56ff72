package picture

import "math"

// scales consolidates the data and sets the y axes. The labels of these take
// width from the plot, which may join more values and change the labels: some
// rounds settle that.
func (s *sketch) scales() {
	outside := s.plot
	s.fill()
	for range 4 {
		s.consolidate()
		if s.p.AreaMode == "stacked" {
			s.stack()
		}
		s.setScales()
		before := s.plot
		s.plot.X0, s.plot.X1 = outside.X0, outside.X1
		if s.axes() && !s.p.HideY {
			s.yRoom()
		}
		if s.plot == before {
			return
		}
	}
}

func (s *sketch) setScales() {
	q := request{
		Axis: s.p.Y, system: s.p.UnitSystem, divisors: s.p.Divisors, log: s.p.LogBase, minor: s.p.MinorY,
		height: s.plot.Height(), line: s.text.Digit + 3,
	}
	if !s.twoAxes() {
		low, high := s.limits(false)
		s.left = newScale(low, high, q)
		return
	}
	low, high := s.limits(false)
	q.Axis = s.p.YLeft
	s.left = newScale(low, high, q)
	low, high = s.limits(true)
	q.Axis = s.p.YRightSide
	s.right = newScale(low, high, q)
}

// limits are the lowest and highest value of one axis; 0 and 1 without any.
func (s *sketch) limits(second bool) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := range s.curves {
		c := &s.curves[i]
		if c.Infinite || c.SecondY != second {
			continue
		}
		for _, v := range c.values {
			if math.IsNaN(v) || s.p.LogBase > 0 && v <= 0 {
				continue
			}
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return 0, 1
	}
	if s.p.AreaMode == "stacked" && !second && s.p.LogBase == 0 { // a stack that does not stand on zero lies
		low, high = min(low, 0), max(high, 0)
	}
	return low, high
}

// yRoom moves the sides of the plot inwards by the widest labels.
func (s *sketch) yRoom() {
	widest := func(sc *scale) (w float64) {
		for _, l := range sc.labels {
			w = math.Max(w, s.sheet.TextWidth(l, s.look.face))
		}
		return w + labelGap + 1
	}
	switch {
	case s.right != nil:
		s.plot.X0 += widest(s.left)
		s.plot.X1 -= widest(s.right)
	case s.p.YRight:
		s.plot.X1 -= widest(s.left)
	default:
		s.plot.X0 += widest(s.left)
	}
}
