package picture

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Params say how a graph looks, by graphite-web's parameters of the same names.
// The zero value is a graph as graphite-web draws it without any. A nil pointer
// is "not given".
type Params struct {
	Width, Height int // pixels; 0: 330 and 250
	Margin        *int

	Template                     string // of the built-in ones; an unknown one is "default"
	Background, Foreground       *color.NRGBA
	MajorGrid, MinorGrid         *color.NRGBA
	Colors                       []color.NRGBA // colorList; nil: the template's
	FontName                     string
	FontSize                     float64 // pixels; 0: the template's
	FontBold, FontItalic         *bool
	Title, VTitle, VTitleRight   string
	LineMode                     string // "slope" (also ""), "staircase", "connected"
	AreaMode                     string // "none" (also ""), "first", "all", "stacked"
	AreaAlpha                    float64
	LineWidth                    float64 // pixels; 0: 1.2
	ConnectedLimit               *int    // values missing that a connected line bridges; nil: any number
	NullAsZero                   bool
	HideLegend                   *bool // nil: hidden with more than 10 series
	UniqueLegend, HideNullLegend bool
	HideAxes, HideX, HideY       bool
	HideGrid, GraphOnly          bool
	YRight                       bool // yAxisSide=right
	Y, YLeft, YRightSide         Axis // of a graph with one axis; of one with two
	UnitSystem                   string
	Divisors                     []int // numbers of steps that an axis may have; nil: as fits its height
	MinorY                       *int  // finer lines between two steps
	LogBase                      float64
	XFormat                      string
	MinXStep                     *float64 // pixels between two values; nil: 1
	Left, Right                  Side

	Pie              bool   // graphType=pie
	PieMode          string // "average" (also ""), "maximum", "minimum"
	PieLabels        string // "horizontal" (also ""), "rotated"
	ValueLabels      string // "percent" (also ""), "number", "none"
	ValueLabelsMin   *float64
	ValueLabelsColor *color.NRGBA
}

// An Axis bounds a y axis. Nil is what suits the data.
type Axis struct {
	Min, Max, Limit, Step *float64
	MaxOfData             bool // yMax=max: the highest value itself is the top
}

// A Side is how the lines of one of two axes are drawn.
type Side struct {
	Width float64 // pixels; 0: as without
	Color *color.NRGBA
	Dash  *float64 // 0: none
}

// size gives Width and Height, or graphite-web's defaults.
func (p *Params) size() (w, h int) { return cmp.Or(p.Width, 330), cmp.Or(p.Height, 250) }

// ParseParams reads drawing parameters from those of a request; others are not
// looked at. Names, defaults and tolerance are graphite-web's: an empty value or
// "default" is none given, of several the last counts. An error wraps ErrRefused and
// names the parameter.
func ParseParams(v url.Values) (Params, error) {
	q := &query{values: v}
	p := Params{
		Width: q.size("width"), Height: q.size("height"), Margin: q.whole("margin", math.MinInt32, 10000),
		Template:   q.text("template"),
		Background: q.color("bgcolor"), Foreground: q.color("fgcolor"),
		MajorGrid: q.color("majorGridLineColor"), MinorGrid: q.color("minorGridLineColor"),
		Colors:   q.colors("colorList"),
		LineMode: q.one("lineMode", "slope", "staircase", "connected"), AreaMode: q.one("areaMode", "none", "first", "all", "stacked"),
		LineWidth: q.above(0, "lineWidth", "thickness"), ConnectedLimit: q.whole("connectedLimit", 0, math.MaxInt32),
		NullAsZero: q.yes("drawNullAsZero"), LogBase: q.logBase(), MinXStep: q.float("minXStep"),
		Left: q.side("left"), Right: q.side("right"),
		YRight: q.one("yAxisSide", "left", "right") == "right", UnitSystem: q.text("yUnitSystem"),
		Divisors: q.divisors(), MinorY: q.whole("minorY", 0, 100), XFormat: q.text("xFormat"),
	}
	q.areaAlpha(&p)
	q.texts(&p)
	q.hidden(&p)
	q.axes(&p)
	q.pie(&p)
	return p, q.err
}

func (q *query) texts(p *Params) {
	p.FontName, p.FontSize = q.text("fontName"), q.fontSize()
	p.FontBold, p.FontItalic = q.yesOrNo("fontBold"), q.yesOrNo("fontItalic")
	// graphite-web decodes these once more than the request is.
	p.Title, p.VTitle, p.VTitleRight = decode(q.text("title")), decode(q.text("vtitle")), decode(q.text("vtitleRight"))
}

func (q *query) hidden(p *Params) {
	p.HideLegend, p.UniqueLegend, p.HideNullLegend = q.yesOrNo("hideLegend"), q.yes("uniqueLegend"), q.yes("hideNullFromLegend")
	p.HideAxes, p.HideX, p.HideY = q.yes("hideAxes"), q.yes("hideXAxis"), q.yes("hideYAxis")
	p.HideGrid, p.GraphOnly = q.yes("hideGrid"), q.yes("graphOnly")
}

func (q *query) axes(p *Params) {
	p.Y = q.axis("", "min", "max")
	p.YLeft = q.axis("Left", "", "")
	p.YRightSide = q.axis("Right", "", "")
}

func (q *query) pie(p *Params) {
	p.Pie = q.one("graphType", "line", "pie") == "pie"
	p.PieMode = q.one("pieMode", "average", "maximum", "minimum")
	p.PieLabels = q.one("pieLabels", "horizontal", "rotated")
	p.ValueLabels = q.one("valueLabels", "percent", "number", "none")
	p.ValueLabelsMin, p.ValueLabelsColor = q.float("valueLabelsMin"), q.color("valueLabelsColor")
}

// A query reads single parameters and keeps the first error.
type query struct {
	values url.Values
	err    error
}

func (q *query) refuse(name, value, want string) {
	if q.err == nil {
		if len(value) > 100 {
			value = value[:100] + "..."
		}
		q.err = fmt.Errorf("%w: %s=%q: it must be %s", ErrRefused, name, value, want)
	}
}

// maxText bounds a text in bytes: longer ones are in no picture to be read.
const maxText = 2000

func (q *query) text(name string) string {
	list := q.values[name]
	if len(list) == 0 {
		return ""
	}
	s := list[len(list)-1]
	if len(s) > maxText && name != "colorList" {
		q.refuse(name, s, fmt.Sprintf("at most %d bytes", maxText))
		return ""
	}
	if strings.EqualFold(s, "default") {
		return ""
	}
	return s
}

func (q *query) one(name string, of ...string) string {
	s := strings.ToLower(q.text(name))
	if s == "" {
		return ""
	}
	for _, o := range of {
		if s == o {
			return o
		}
	}
	q.refuse(name, s, "one of "+strings.Join(of, ", "))
	return ""
}

// yesOrNo takes a number for what it is in Python, other words for yes.
func (q *query) yesOrNo(name string) *bool {
	s := q.text(name)
	if s == "" {
		return nil
	}
	yes := !strings.EqualFold(s, "false")
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		yes = n != 0
	}
	return &yes
}

func (q *query) yes(name string) bool {
	b := q.yesOrNo(name)
	return b != nil && *b
}

// float takes NaN and infinity for none.
func (q *query) float(name string) *float64 {
	s := q.text(name)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(n, 0) {
		q.refuse(name, s, "a number")
		return nil
	}
	if !number(n) {
		return nil
	}
	return &n
}

func (q *query) whole(name string, low, high int) *int {
	n := q.float(name)
	if n == nil {
		return nil
	}
	i := int(math.Max(float64(low), math.Min(float64(high), *n)))
	return &i
}

func (q *query) size(name string) int {
	n := q.float(name)
	if n == nil {
		return 0
	}
	if *n < 1 || *n > 1e6 {
		q.refuse(name, q.text(name), "a number of pixels, at least 1")
		return 0
	}
	return int(*n)
}

// above reads the first of names that is given, which must be above low.
func (q *query) above(low float64, names ...string) float64 {
	for _, name := range names {
		if n := q.float(name); n != nil {
			if *n <= low {
				q.refuse(name, q.text(name), "above "+strconv.FormatFloat(low, 'g', -1, 64))
			}
			return *n
		}
	}
	return 0
}
