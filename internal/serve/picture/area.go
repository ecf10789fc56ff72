package picture

import (
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// A profile is a line from left to right: X does not fall, and where two points
// have the same X it jumps. Y is a height above zero, in pixels.
type profile []canvas.Point

// A strip is what an area shows of itself: between two profiles over the same X.
type strip struct{ top, bottom profile }

// A ground is what filled areas have covered so far, above or below zero of
// one axis. An area is seen only where it rises above the ground: so areas
// whose values are sums become a stack, and areaBetween a band.
type ground struct {
	zero   float64 // its height on the sheet
	upward float64 // 1 above zero, -1 below
	line   profile
}

func newGround(zero, upward float64) *ground {
	return &ground{zero: zero, upward: upward, line: profile{{X: -1e6}, {X: 1e6}}}
}

// cover lays one run of an area on the ground and returns what is seen of it.
func (g *ground) cover(run []canvas.Point) (seen []strip) {
	area := make(profile, 0, len(run)+2)
	for _, p := range run {
		area = append(area, canvas.Point{X: p.X, Y: clampHeight(g.upward * (g.zero - p.Y))})
	}
	if len(area) > 0 && area[0].X == area[len(area)-1].X { // one value: as wide as a line
		area = profile{{X: area[0].X - 0.5, Y: area[0].Y}, {X: area[0].X + 0.5, Y: area[0].Y}}
	}
	seen, g.line = rise(g.line, area)
	if len(g.line) > 10_000 {
		g.line = profile(decimated(g.line))
	}
	return seen
}

// clampHeight keeps heights where float64 are exact enough.
func clampHeight(h float64) float64 { return math.Max(-1e6, math.Min(1e6, h)) }

// rise returns where area is above line, and the higher of both.
func rise(line, area profile) (seen []strip, higher profile) {
	first, last := area[0].X, area[len(area)-1].X
	i := 0
	for ; line[i].X < first; i++ {
		higher = append(higher, line[i])
	}
	l, a := cursor{line, max(i-1, 0)}, cursor{area, 0}
	higher = append(higher, canvas.Point{X: first, Y: l.at(first)})
	var open strip
	for x := first; x < last; {
		next := min(l.end(x), a.end(x), last)
		l0, l1, a0, a1 := l.at(x), l.at(next), a.at(x), a.at(next)
		if (a0-l0)*(a1-l1) < 0 { // they cross: up to there first
			if cross := x + (next-x)*(l0-a0)/((a1-a0)-(l1-l0)); cross > x && cross < next {
				next, l1 = cross, l.at(cross)
				a1 = l1
			}
		}
		higher = append(higher, canvas.Point{X: x, Y: max(l0, a0)}, canvas.Point{X: next, Y: max(l1, a1)})
		if a0+a1 > l0+l1 {
			open.top = append(open.top, canvas.Point{X: x, Y: a0}, canvas.Point{X: next, Y: a1})
			open.bottom = append(open.bottom, canvas.Point{X: x, Y: l0}, canvas.Point{X: next, Y: l1})
		} else if open.top != nil {
			seen, open = append(seen, open), strip{}
		}
		x = next
	}
	if open.top != nil {
		seen = append(seen, open)
	}
	higher = append(higher, canvas.Point{X: last, Y: l.at(last)})
	for _, p := range line {
		if p.X > last {
			higher = append(higher, p)
		}
	}
	return seen, slices.Compact(higher)
}

// A cursor walks along a profile.
type cursor struct {
	profile
	i int // the piece from i to i+1
}

// end moves to the piece that begins at or spans x, and returns where it ends.
func (c *cursor) end(x float64) float64 {
	for c.i+2 < len(c.profile) && c.profile[c.i+1].X <= x {
		c.i++
	}
	return c.profile[c.i+1].X
}

// at is the height of the current piece, drawn out where x is beyond it.
func (c *cursor) at(x float64) float64 {
	p := c.profile[c.i]
	if c.i+1 == len(c.profile) {
		return p.Y
	}
	q := c.profile[c.i+1]
	if q.X <= p.X {
		return q.Y
	}
	return p.Y + (q.Y-p.Y)*(x-p.X)/(q.X-p.X)
}

// outline makes a polygon of a strip. Sunk is by how many pixels its lower edge
// lies deeper, not below zero: under what is drawn over it.
func (g *ground) outline(s strip, sunk float64) []canvas.Point {
	points := make([]canvas.Point, 0, len(s.top)+len(s.bottom))
	place := func(p canvas.Point) {
		points = append(points, canvas.Point{X: p.X, Y: g.zero - g.upward*p.Y})
	}
	for _, p := range s.top {
		place(p)
	}
	for _, p := range slices.Backward(s.bottom) {
		if p.Y > 0 {
			p.Y = math.Max(0, p.Y-sunk)
		}
		place(p)
	}
	return points
}
