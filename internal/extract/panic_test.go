package extract_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// fragile is a parser that panics at some lines.
type fragile struct{ parsers.Parser }

func (p fragile) Parse(b parsers.Block, rec *metric.Recorder) parsers.Stats {
	if bytes.Contains(b.Bytes, []byte("boom")) {
		panic("a bug")
	}
	return p.Parser.Parse(b, rec)
}

func breakable(job *extract.Job) {
	inner := job.Parser.New
	job.Parser.New = func(opt parsers.Options, rec *metric.Recorder) (parsers.Parser, error) {
		p, err := inner(opt, rec)
		return fragile{p}, err
	}
}

// TestParserThatPanicsFailsItsJobAlone: nothing is kept of the round, so that
// a mended parser counts every line.
func TestParserThatPanicsFailsItsJobAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(taker)
		job, log := followed(t, out)
		whole := job.Parser.New
		breakable(&job)
		appendLines(t, log, 5)
		_, err := extract.Run(t.Context(), job)
		require.NoError(t, err)
		time.Sleep(time.Second)
		appendLines(t, log, 4)
		appendText(t, log, `{"n": 1, "text": "boom"}`+"\n")
		_, err = extract.Run(t.Context(), job)
		require.ErrorContains(t, err, "panicked: a bug")
		require.ErrorContains(t, extract.Follow(t.Context(), job), "panicked: a bug")
		job.Parser.New = whole
		following(t, job, func() { time.Sleep(15 * time.Second) })
		assert.EqualValues(t, 10, out.total(t, "n"))
	})
}

// panicky is an output that panics.
type panicky struct{ taker }

func (*panicky) Write(context.Context, *metric.Batch) error { panic("a bug") }

func TestOutputThatPanicsFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := new(taker)
		job, log := followed(t, good)
		job.Outputs = append(job.Outputs, extract.Destination{Name: "bad", Output: new(panicky)})
		following(t, job, func() {
			appendLines(t, log, 3)
			time.Sleep(25 * time.Second)
			require.ErrorContains(t, job.Status.Snapshot().Failed["bad"], "a bug")
		})
		assert.EqualValues(t, 3, good.total(t, "n"))
	})
}
