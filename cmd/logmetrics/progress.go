package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
)

// progress draws how far a run has come, for someone who watches: a line that is
// written again and again,
//
//	45 % [#############.................] 270 of 600 MB, 180 MB/s, 1s left
//
// A run that is over before there is anything to tell draws nothing.
type progress struct {
	w      io.Writer // nil: nobody watches
	now    func() time.Time
	began  time.Time // zero before there is something to draw
	drawn  time.Time // when last
	length int       // of the line that was drawn last
}

const (
	progressWidth = 30
	progressEvery = 100 * time.Millisecond
	// progressLongest is the most seconds that are said to be left.
	progressLongest = 100 * 60 * 60
)

func newProgress(w io.Writer) *progress { return &progress{w: w, now: time.Now} }

// progress returns one for who watches stderr, if anyone does.
func (c *console) progress() *progress {
	if !c.terminal {
		return &progress{}
	}
	return newProgress(c.stderr)
}

// show draws bytes, rate and the time that is left.
func (p *progress) show(now extract.Progress) { p.draw(now.Done, now.Total, 1e6, " MB") }

// showCount draws how many of all things are done.
func (p *progress) showCount(done, total int) { p.draw(int64(done), int64(total), 1, "") }

func (p *progress) draw(done, total int64, scale float64, unit string) {
	if p.w == nil {
		return
	}
	now := p.now()
	if p.began.IsZero() {
		if done >= total {
			return
		}
		p.began = now
	}
	if now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn = now
	total = max(total, done, 1)
	share := float64(done) / float64(total)
	bar := int(share * progressWidth)
	line := fmt.Sprintf("%3.0f %% [%s%s] %.0f of %.0f%s", 100*share, strings.Repeat("#", bar), strings.Repeat(".", progressWidth-bar),
		float64(done)/scale, float64(total)/scale, unit)
	if took := now.Sub(p.began).Seconds(); took > 0 && done > 0 {
		rate := float64(done) / took
		left := min(float64(total-done)/rate, progressLongest)
		line += fmt.Sprintf(", %.0f%s/s, %s left", rate/scale, unit, time.Duration(left)*time.Second)
	}
	p.write(line)
}

// write puts line in the place of the one before. A terminal that went away does
// not stop the run.
func (p *progress) write(line string) {
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.length-len(line))))
	p.length = len(line)
}

// end clears the line.
func (p *progress) end() {
	if p.length > 0 {
		p.write("")
		fmt.Fprint(p.w, "\r")
	}
}
