package picture

import (
	"image/color"
	"strconv"
	"strings"
)

// colorForms says what parseColor takes.
const colorForms = "a colour: one of graphite-web's names, RRGGBB or RRGGBBAA in hexadecimal digits"

// namedColor gives graphite-web's names for colours.
func namedColor(name string) (color.NRGBA, bool) {
	v, ok := map[string]uint32{
		"black": 0x000000, "white": 0xffffff, "blue": 0x6464ff, "green": 0x00c800, "red": 0xc80032,
		"yellow": 0xffff00, "orange": 0xffa500, "purple": 0xc864ff, "brown": 0x966432, "cyan": 0x00ffff,
		"aqua": 0x009696, "gray": 0xafafaf, "grey": 0xafafaf, "magenta": 0xff00ff, "pink": 0xff6464,
		"gold": 0xc8c800, "rose": 0xc896c8, "darkblue": 0x0000ff, "darkgreen": 0x00ff00, "darkred": 0xff0000,
		"darkgray": 0x6f6f6f, "darkgrey": 0x6f6f6f,
	}[name]
	return rgb(v), ok
}

func rgb(v uint32) color.NRGBA { return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

// parseColor reads a name, or at least six hexadecimal digits after an optional
// "#" or "%23"; with eight the last two are the alpha, other digits count for nothing.
func parseColor(s string) (color.NRGBA, bool) {
	if c, ok := namedColor(s); ok {
		return c, true
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "#"), "%23")
	if len(s) < 6 {
		return color.NRGBA{}, false
	}
	digits := s[:6]
	if len(s) == 8 {
		digits = s
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return color.NRGBA{}, false
	}
	if len(digits) == 6 {
		return rgb(uint32(v)), true
	}
	c := rgb(uint32(v >> 8))
	c.A = uint8(v)
	return c, true
}

// faded gives a colour part of its opacity.
func faded(c color.NRGBA, part float64) color.NRGBA {
	c.A = uint8(float64(c.A)*max(0, min(1, part)) + 0.5)
	return c
}

// mixed moves a colour towards another, 0 to 1; the alpha stays.
func mixed(c, to color.NRGBA, part float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*part + 0.5) }
	return color.NRGBA{mix(c.R, to.R), mix(c.G, to.G), mix(c.B, to.B), c.A}
}

// dark reports whether white is easier to read on c than black.
func dark(c color.NRGBA) bool { return brightness(c) < 140 }

// brightness is how light a colour looks, 0 to 255 (the luma of ITU-R BT.601).
func brightness(c color.NRGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}
