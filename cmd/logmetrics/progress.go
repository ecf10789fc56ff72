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
	w   io.Writer
	bar *progressbar.ProgressBar // nil before there is something to draw
}

func newProgress(w io.Writer) *progress { return &progress{w: w} }

// show draws bytes, rate and the time that is left.
func (p *progress) show(now extract.Progress) {
	if p.bar == nil {
		if now.Done >= now.Total {
			return
		}
		p.bar = progressbar.NewOptions64(now.Total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set64(now.Done) // a terminal that went away does not stop the run
}

// end clears the line.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear() // as above
	}
}
