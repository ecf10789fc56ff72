package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/logmetrics/logmetrics/internal/extract"
)

// progress draws how far a run has come, for someone who watches. A run that is
// over before there is anything to tell draws nothing.
type progress struct {
	w   io.Writer                // nil: nobody watches
	bar *progressbar.ProgressBar // nil before there is something to draw
}

func newProgress(w io.Writer) *progress { return &progress{w: w} }

// progress returns one for who watches stderr, if anyone does.
func (c *console) progress() *progress {
	if !c.terminal {
		return &progress{}
	}
	return newProgress(c.stderr)
}

// show draws bytes, rate and the time that is left.
func (p *progress) show(now extract.Progress) { p.draw(now.Done, now.Total, true) }

// showCount draws how many of all things are done.
func (p *progress) showCount(done, total int) { p.draw(int64(done), int64(total), false) }

func (p *progress) draw(done, total int64, bytes bool) {
	if p.w == nil {
		return
	}
	if p.bar == nil {
		if done >= total {
			return
		}
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(bytes), progressbar.OptionShowTotalBytes(bytes),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set64(done) // a terminal that went away does not stop the run
}

// end clears the line.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear() // as above
	}
}
