package extract_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/notify"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// seeing is a parser that tells when it is given lines.
type seeing struct {
	parsers.Parser
	at chan<- time.Time
}

func (p seeing) Parse(b parsers.Block, rec *metric.Recorder) parsers.Stats {
	now := time.Now()
	st := p.Parser.Parse(b, rec)
	if st.Lines > 0 {
		p.at <- now
	}
	return st
}

// BenchmarkNotice is the time from write(2) to the parser of a job that is
// followed, with notifications and without.
func BenchmarkNotice(b *testing.B) {
	b.Run("inotify", func(b *testing.B) { notice(b, notify.Files{}) })
	b.Run("looking", func(b *testing.B) { notice(b, nil) })
}

func notice(b *testing.B, n tail.Notifier) {
	log := filepath.Join(b.TempDir(), "app.log")
	file, err := os.Create(log)
	require.NoError(b, err)
	defer file.Close()
	at := make(chan time.Time, 100)
	f, _, _ := parsers.Find("JsonParser")
	inner := f.New
	f.New = func(opt parsers.Options, rec *metric.Recorder) (parsers.Parser, error) {
		p, err := inner(opt, rec)
		return seeing{p, at}, err
	}
	job := extract.Job{
		Parser: f, Logs: []string{log}, StateDir: b.TempDir(), FromBegin: true, Notifier: n, Status: new(extract.Status),
		Outputs: []extract.Destination{{Name: "out", Output: new(taker)}},
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- extract.Follow(ctx, job) }()
	for !job.Status.Snapshot().Ready {
		time.Sleep(time.Millisecond)
	}
	var took []float64
	for b.Loop() {
		time.Sleep(time.Duration(3+len(took)%7) * time.Millisecond) // a log that is not busy
		start := time.Now()
		_, err := file.WriteString("{\"n\": 1}\n")
		require.NoError(b, err)
		took = append(took, float64((<-at).Sub(start).Microseconds()))
	}
	stop()
	require.NoError(b, <-done)
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "p50-µs")
	b.ReportMetric(took[len(took)*99/100], "p99-µs")
	b.ReportMetric(0, "ns/op") // mostly the pauses between
}
