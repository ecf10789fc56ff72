package picture

import (
	"image/color"
	"math"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// An xTick is a label of the time axis.
type xTick struct {
	x     float64
	label string
	to    float64 // of a date: where its day ends
}

const (
	labelGap = 5  // pixels between a label and the plot
	apartX   = 10 // pixels at least between two labels of the time axis
	tooMany  = 8  // ticks, when none of so many has room for its label
)

// xRoom keeps room for the labels of the time axis.
func (s *sketch) xRoom() {
	if !s.axes() || s.p.HideX {
		s.plot.Y1 -= 2
		return
	}
	s.plot.Y1 -= labelGap + s.text.Digit + 3
	if s.dated() {
		s.plot.Y1 -= s.text.Line
	}
	// The first and last label stand out by half their width.
	if half := s.sheet.TextWidth("00:0", s.look.face) / 2; !s.p.HideY || s.margin < half {
		s.plot.X0, s.plot.X1 = math.Max(s.plot.X0, half), math.Min(s.plot.X1, s.sheet.Bounds().X1-half)
	}
}

// dated reports whether there is a second line with dates below the times.
func (s *sketch) dated() bool { return s.p.XFormat == "" && s.sheet.Bounds().Height() >= 150 }

// chooseTicks takes the shortest span of time whose labels do not touch, or, where
// that is longer than the picture and has no label in it, the longest that has one.
func (s *sketch) chooseTicks() {
	if !s.axes() {
		return
	}
	all := spans()
	i := s.apart(all)
	for s.setTicks(all[i]) == 0 && i > 0 && len(s.xTicks) < tooMany {
		i--
	}
	s.dates(all[i])
	s.finer(all[i])
}

// apart is the index of the shortest span whose labels do not touch.
func (s *sketch) apart(all []span) int {
	scale := s.plot.Width() / float64(s.to-s.from)
	for i, sp := range all {
		if float64(sp.length())*scale >= s.labelWidth(sp)+apartX {
			return i
		}
	}
	return len(all) - 1
}

// setTicks sets those of a span, and returns how many have a label: those that
// would touch another, or the edge, have none.
func (s *sketch) setTicks(sp span) (labels int) {
	s.xTicks = s.xTicks[:0]
	end := math.Inf(-1)
	for t := range sp.ticks(s.from, s.to, s.zone) {
		tick := xTick{x: s.x(t.Unix()), label: s.timeLabel(t, sp)}
		half := s.sheet.TextWidth(tick.label, s.look.face) / 2
		if tick.x-half < end || tick.x-half < 0 || tick.x+half > s.sheet.Bounds().X1 {
			tick.label = ""
		} else {
			end = tick.x + half + apartX/2
			labels++
		}
		if s.xTicks = append(s.xTicks, tick); len(s.xTicks) > 2000 {
			break
		}
	}
	return labels
}

func (s *sketch) timeLabel(t time.Time, sp span) string {
	if s.p.XFormat != "" {
		return s.fit(strftime(s.p.XFormat, t), s.look.face, s.sheet.Bounds().Width()/2)
	}
	if !s.dated() && sp.seconds > 0 && t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.Format("2 Jan") // instead of a second line
	}
	return t.Format(sp.format)
}

// labelWidth is that of a wide label of a span.
func (s *sketch) labelWidth(sp span) float64 {
	return s.sheet.TextWidth(s.timeLabel(time.Date(2028, 9, 27, 20, 20, 20, 0, s.zone), sp), s.look.face)
}

// dates sets the second line: days below times, years below days.
func (s *sketch) dates(chosen span) {
	if !s.dated() || chosen.months > 0 {
		return
	}
	tier, formats := span{days: 1}, []string{"Mon 2 Jan 2006", "Mon 2 Jan", "2 Jan"}
	if chosen.days > 0 {
		tier, formats = span{months: 12}, []string{"2006"}
	}
	var list []xTick
	start := time.Unix(s.from, 0).In(s.zone)
	last, at := s.plot.X0, start
	for t := range tier.ticks(s.from+1, s.to, s.zone) {
		if list = append(list, xTick{x: last, to: s.x(t.Unix()), label: s.dateLabel(at, formats, s.x(t.Unix())-last)}); len(list) > 400 {
			return
		}
		last, at = s.x(t.Unix()), t
	}
	s.xDates = append(list, xTick{x: last, to: s.plot.X1, label: s.dateLabel(at, formats, s.plot.X1-last+s.margin/2)})
}

// dateLabel is the longest form that has room.
func (s *sketch) dateLabel(t time.Time, formats []string, room float64) string {
	for _, f := range formats {
		if label := t.Format(f); s.sheet.TextWidth(label, s.look.face)+8 <= room {
			return label
		}
	}
	return ""
}

// finer sets the lines between two labels of the time axis, where there is room.
func (s *sketch) finer(chosen span) {
	if chosen.finer < 2 || s.p.HideGrid || s.plot.Width()/float64(s.to-s.from)*float64(chosen.length())/float64(chosen.finer) < 5 {
		return
	}
	part := chosen
	part.seconds, part.days, part.months = part.seconds/int64(part.finer), part.days/part.finer, part.months/part.finer
	if part.seconds+int64(part.days)+int64(part.months) == 0 {
		part.seconds = day / int64(part.finer)
	}
	for t := range part.ticks(s.from, s.to, s.zone) {
		if s.xMinor = append(s.xMinor, s.x(t.Unix())); len(s.xMinor) > 4000 {
			return
		}
	}
}

// x is where a time lies.
func (s *sketch) x(t int64) float64 {
	return s.plot.X0 + float64(t-s.from)/float64(s.to-s.from)*s.plot.Width()
}

// gridColor makes a colour of the grid as faint as lines of a third of a pixel
// are, which graphite-web draws; ours are a whole one wide, to be crisp. White on black
// needs less of it than rose on white.
func (s *sketch) gridColor(c color.NRGBA, alpha float64) color.NRGBA {
	contrast := math.Abs(brightness(c)-brightness(s.look.background)) / 255
	return faded(c, alpha*(1-0.55*contrast))
}

const (
	majorAlpha = 0.62
	minorAlpha = 0.28
)

func (s *sketch) upright(x float64, c color.NRGBA) {
	x = math.Floor(x)
	s.sheet.Box(canvas.Rect{X0: x, Y0: s.plot.Y0 - 0.5, X1: x + 1, Y1: s.plot.Y1 + 0.5}, c)
}

func (s *sketch) level(y float64, c color.NRGBA) {
	if y = math.Floor(y); y >= s.plot.Y0-0.5 && y <= s.plot.Y1 {
		s.sheet.Box(canvas.Rect{X0: s.plot.X0 - 0.5, Y0: y, X1: s.plot.X1 + 0.5, Y1: y + 1}, c)
	}
}

// grid draws lines at the labels, of the left axis where there are two, fainter
// ones between, and the edges of the plot.
func (s *sketch) grid() {
	s.sheet.Group("grid")
	if !s.p.HideGrid {
		for _, x := range s.xMinor {
			s.upright(x, s.gridColor(s.look.minor, minorAlpha))
		}
		for _, v := range s.left.minor {
			s.level(s.left.y(v, s.plot), s.gridColor(s.look.minor, minorAlpha))
		}
		for _, v := range s.left.values {
			s.level(s.left.y(v, s.plot), s.gridColor(s.look.major, majorAlpha))
		}
		for _, t := range s.xTicks {
			s.upright(t.x, s.gridColor(s.look.major, majorAlpha))
		}
		if y := s.left.y(0, s.plot); s.left.bottom < 0 && s.left.top > 0 {
			s.level(y, faded(s.look.foreground, 0.35))
		}
	}
	edge := faded(s.look.foreground, 0.45)
	s.level(s.plot.Y1, edge)
	if !s.p.YRight || s.right != nil {
		s.upright(s.plot.X0, edge)
	}
	if s.p.YRight || s.right != nil {
		s.upright(s.plot.X1, edge)
	}
}

// y is the height of a value in the plot; NaN where it has none.
func (s *scale) y(v float64, plot canvas.Rect) float64 {
	return plot.Y1 - s.place(v)*plot.Height()
}

func (s *sketch) yLabels() {
	if s.p.HideY {
		return
	}
	s.sheet.Group("axes")
	if s.right != nil || s.p.YRight {
		sc := s.right
		if sc == nil {
			sc = s.left
		}
		s.yAxis(sc, func(float64) float64 { return s.plot.X1 + labelGap + 1 })
	}
	if s.right != nil || !s.p.YRight {
		s.yAxis(s.left, func(width float64) float64 { return s.plot.X0 - labelGap - 1 - width })
	}
}

func (s *sketch) yAxis(sc *scale, x func(width float64) float64) {
	for i, v := range sc.values {
		y := sc.y(v, s.plot)
		if y < s.plot.Y0-1 || y > s.plot.Y1+1 {
			continue
		}
		label := sc.labels[i]
		base := math.Floor(y) + math.Ceil(s.text.Digit/2)
		base = math.Max(s.text.Digit, math.Min(base, s.sheet.Bounds().Y1-1))
		s.sheet.Text(label, canvas.Point{X: x(s.sheet.TextWidth(label, s.look.face)), Y: base}, s.look.face, s.look.foreground, 0)
	}
}

func (s *sketch) xLabels() {
	if s.p.HideX {
		return
	}
	s.sheet.Group("axes")
	base := s.plot.Y1 + 0.5 + labelGap + s.text.Digit
	for _, t := range s.xTicks {
		if t.label != "" {
			w := s.sheet.TextWidth(t.label, s.look.face)
			s.sheet.Text(t.label, canvas.Point{X: t.x - w/2, Y: base}, s.look.face, s.look.foreground, 0)
		}
	}
	pale := faded(s.look.foreground, 0.65)
	for i, d := range s.xDates {
		if i > 0 { // a tick below midnight
			x := math.Floor(d.x)
			s.sheet.Box(canvas.Rect{X0: x, Y0: base + 4, X1: x + 1, Y1: base + 4 + s.text.Digit}, faded(pale, 0.6))
		}
		s.sheet.Text(d.label, canvas.Point{X: d.x + 4, Y: base + s.text.Line}, s.look.face, pale, 0)
	}
}
