package aggregate

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"
)

// What Debug prints at most, so that neither a terminal nor a disk drowns.
const (
	debugLines = 1000 // a second
	debugBytes = 1024 // of a line
)

// Debug prints the lines that clients send, each quoted as Go does. It is slow,
// and for finding out alone. Its methods may be called concurrently.
type Debug struct {
	w     io.Writer
	match *regexp.Regexp // nil: all

	mu      sync.Mutex // over what follows, and w
	second  int64
	printed int
	left    int // lines that were not printed for lack of room
	buf     []byte
}

// NewDebug prints to w the lines that match; nil matches all.
func NewDebug(w io.Writer, match *regexp.Regexp) *Debug { return &Debug{w: w, match: match} }

// lines prints the lines of a block.
func (d *Debug) lines(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.buf = d.buf[:0]
	if now := time.Now().Unix(); now != d.second {
		if d.left > 0 {
			d.buf = fmt.Appendf(d.buf, "%d more lines not shown\n", d.left)
		}
		d.second, d.printed, d.left = now, 0, 0
	}
	for line := range bytes.Lines(b) {
		d.line(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	if len(d.buf) > 0 {
		_, _ = d.w.Write(d.buf) // there is nobody else to tell
	}
}

func (d *Debug) line(line []byte) {
	switch {
	case d.match != nil && !d.match.Match(line):
	case d.printed >= debugLines:
		d.left++
	default:
		d.printed++
		d.buf = fmt.Appendf(d.buf, "%q\n", line[:min(len(line), debugBytes)])
	}
}
