package canvas

import (
	"cmp"
	"image/color"
	"slices"
)

// tolerances are by how much a channel of a pixel may be off, of 255, for the
// sake of a palette: as little as will do. It is at the edges of lines, where
// there are thousands of rare colours.
var tolerances = [...]int{0, 6, 12, 20, 28}

// choose gives each colour its place in a palette. It is false when 256 are not
// enough to have one near each.
func (c *census) choose() (colors color.Palette, ok bool) {
	slices.SortFunc(c.used, func(a, b int32) int {
		if d := cmp.Compare(c.table[b].n, c.table[a].n); d != 0 {
			return d
		}
		return cmp.Compare(c.table[a].pixel, c.table[b].pixel) // the same image, the same palette
	})
	for _, t := range tolerances {
		if t == 0 && len(c.used) > 256 {
			continue
		}
		if list := c.within(t); list != nil {
			for _, v := range list {
				colors = append(colors, v)
			}
			return colors, true
		}
	}
	return nil, false
}

// own is how many of the most frequent colours stay exact: the background, the
// grid, lines, areas and letters. A faint grid is nearer to the background than edges
// need to be right.
const own = 64

// within takes colours, the most frequent first, and lets each that is near
// one taken before share its place; nil when 256 are not enough.
func (c *census) within(asked int) (list []color.RGBA) {
	for rank, at := range c.used {
		tolerance := asked
		if rank < own {
			tolerance = min(asked, 2)
		}
		want := unpack(c.table[at].pixel)
		i := slices.IndexFunc(list, func(v color.RGBA) bool {
			return apart(v.R, want.R) <= tolerance && apart(v.G, want.G) <= tolerance && apart(v.B, want.B) <= tolerance && apart(v.A, want.A) <= tolerance
		})
		if i < 0 {
			if i = len(list); i == 256 {
				return nil
			}
			list = append(list, want)
		}
		c.table[at].index = int32(i)
	}
	return list
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
