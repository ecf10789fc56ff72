package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/extract"
)

func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(1_800_000_000, 0)
	p := newProgress(&out)
	p.now = func() time.Time { return now }
	drawn := func(seconds float64, done, total int64) string {
		out.Reset()
		now = now.Add(time.Duration(seconds * float64(time.Second)))
		p.show(extract.Progress{Done: done, Total: total})
		return out.String()
	}
	assert.Empty(t, drawn(0, 600e6, 600e6), "nothing to tell")
	assert.Equal(t, "\r  0 % [..............................] 0 of 600 MB", drawn(1, 0, 600e6))
	assert.Empty(t, drawn(.05, 10e6, 600e6), "too soon")
	assert.Equal(t, "\r 45 % [#############.................] 270 of 600 MB, 180 MB/s, 1s left", drawn(1.45, 270e6, 600e6))
	assert.Contains(t, drawn(1, 1, 1<<62), "left", "a total that grew")
	assert.Contains(t, drawn(1, 7e6, 5e6), "100 % [##############################] 7 of 7 MB", "a total that shrank")
	out.Reset()
	width := p.length
	p.end()
	assert.Equal(t, "\r"+strings.Repeat(" ", width)+"\r", out.String())
}

func TestProgressOfNobody(t *testing.T) {
	p := (&console{}).progress()
	p.showCount(1, 2)
	p.end()
}

func TestProgressCounts(t *testing.T) {
	var out strings.Builder
	newProgress(&out).showCount(1, 4)
	assert.Equal(t, "\r 25 % [#######.......................] 1 of 4", out.String())
}
