package picture

import (
	"image/color"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// A template is a look by name: what a request leaves open.
type template struct {
	background, foreground, majorGrid, minorGrid string
	colors                                       string // with commas between
}

// templates has those of graphite-web and of its graphTemplates.conf.example.
// What is empty is as in "default", except that "plain" has no grid of colour.
func findTemplate(name string) template {
	t, ok := map[string]template{
		"plain":           {foreground: "404040", majorGrid: "808080", minorGrid: "b0b0b0"},
		"classic":         {background: "black", foreground: "white", majorGrid: "white", minorGrid: "grey", colors: onBlack},
		"noc":             {background: "black", foreground: "white", majorGrid: "white", minorGrid: "grey", colors: nocColors},
		"summary":         {background: "black", foreground: "white", majorGrid: "white", minorGrid: "grey", colors: "6666ff,66ff66,ff6666"},
		"alphas":          {majorGrid: "grey", minorGrid: "rose", colors: "00ff00aa,ff000077,00337799"},
		"solarized-light": {background: "fdf6e3", foreground: "657b83", majorGrid: "073642", minorGrid: "586e75", colors: solarized},
		"solarized-dark":  {background: "002b36", foreground: "839496", majorGrid: "fdf6e3", minorGrid: "eee8d5", colors: solarized},
		"grafana":         {colors: "7eb26d,eab839,6ed0e0,ef843c,e24d42,1f78c1,ba43a9,705da0,508642,cca300,447ebc"},
		"ocean1":          {colors: "f7fcf0,e0f3db,ccebc5,a8ddb5,7bccc4,4eb3d3,2b8cbe,0868ac,084081"},
		"ocean2":          {colors: "084081,0868ac,2b8cbe,4eb3d3,7bccc4,a8ddb5,ccebc5,e0f3db,f7fcf0"},
		"forest1":         {colors: "f7fcf5,e5f5e0,c7e9c0,a1d99b,74c476,41ab5d,238b45,005a32"},
		"forest2":         {colors: "005a32,238b45,41ab5d,74c476,a1d99b,c7e9c0,e5f5e0,f7fcf5"},
		"sunset1":         {colors: "fff5eb,fee6ce,fdd0a2,fdae6b,fd8d3c,f16913,d94801,8c2d04"},
		"sunset2":         {colors: "8c2d04,d94801,f16913,fd8d3c,fdae6b,fdd0a2,fee6ce,fff5eb"},
		"moonlight1":      {colors: "fcfbfd,efedf5,dadaeb,bcbddc,9e9ac8,807dba,6a51a3,4a1486"},
		"moonlight2":      {colors: "4a1486,6a51a3,807dba,9e9ac8,bcbddc,dadaeb,efedf5,fcfbfd"},
		"lava1":           {colors: "fff5f0,fee0d2,fcbba1,fc9272,fb6a4a,ef3b2c,cb181d,99000d"},
		"lava2":           {colors: "99000d,cb181d,ef3b2c,fb6a4a,fc9272,fcbba1,fee0d2,fff5f0"},
	}[name]
	base := template{background: "white", foreground: "black", majorGrid: "rose", minorGrid: "grey", colors: onWhite}
	if !ok {
		return base
	}
	return template{
		background: or(t.background, base.background), foreground: or(t.foreground, base.foreground),
		majorGrid: or(t.majorGrid, base.majorGrid), minorGrid: or(t.minorGrid, base.minorGrid), colors: or(t.colors, base.colors),
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

const (
	// onWhite are graphite-web's default colours in their order: blue, green,
	// red, purple, brown, yellow, aqua, grey, magenta, pink, gold, rose. Their tones are
	// ours: yellow (ffff00) is not to be seen on white, gold beside it neither.
	onWhite = "4f5df0,1fa33c,d0103a,a04de0,8a5a2b,f0b400,0e9aa0,8f8f8f,e03cc8,ff7a6b,8c8c1e,b98bc4"
	// onBlack are the same names, which were made for black.
	onBlack   = "7a7aff,00c800,ec2f5b,c864ff,b8844f,ffff00,00b4b4,afafaf,ff00ff,ff7d7d,c8c800,c896c8"
	nocColors = "7a7aff,00c800,ec2f5b,ffff00,c864ff,b8844f,00b4b4,afafaf,ff00ff,ff7d7d,c8c800,c896c8"
	solarized = "268bd2aa,859900aa,dc322faa,d33682aa,db4b16aa,b58900aa,2aa198aa,6c71c4aa"
)

// A look is what all parts of a picture share.
type look struct {
	background, foreground, major, minor color.NRGBA
	colors                               []color.NRGBA
	asked                                bool // the colours were asked for: they repeat as they are
	face, title                          canvas.Face
}

func newLook(p *Params) look {
	t := findTemplate(p.Template)
	l := look{
		background: given(p.Background, t.background), foreground: given(p.Foreground, t.foreground),
		major: given(p.MajorGrid, t.majorGrid), minor: given(p.MinorGrid, t.minorGrid),
		colors: p.Colors, asked: p.Colors != nil,
	}
	if !l.asked {
		for _, name := range strings.Split(t.colors, ",") {
			l.colors = append(l.colors, given(nil, name))
		}
	}
	l.face = canvas.Face{
		Mono: monospaced(p.FontName), Bold: p.FontBold != nil && *p.FontBold, Italic: p.FontItalic != nil && *p.FontItalic, Size: 10,
	}
	if p.FontSize > 0 {
		l.face.Size = p.FontSize
	}
	l.title = l.face
	l.title.Size = float64(int(l.face.Size*1.2 + 0.5))
	l.title.Bold = p.FontBold == nil || *p.FontBold
	return l
}

func given(c *color.NRGBA, name string) color.NRGBA {
	if c != nil {
		return *c
	}
	parsed, ok := parseColor(name)
	if !ok {
		panic("BUG: a template has the colour " + name)
	}
	return parsed
}

// monospaced reports whether a font of that name is one; all others are drawn sans.
func monospaced(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"mono", "courier", "consol", "fixed", "typewriter"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// series is the colour of the i-th series without one of its own. Where the
// list was not asked for, it comes again darker, then lighter, so that the 13th
// line is not the first.
func (l *look) series(i int) color.NRGBA {
	c := l.colors[i%len(l.colors)]
	if l.asked {
		return c
	}
	switch i / len(l.colors) % 3 {
	case 1:
		return mixed(c, color.NRGBA{}, 0.38)
	case 2:
		return mixed(c, color.NRGBA{255, 255, 255, 255}, 0.42)
	}
	return c
}
