package serve

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/metric"
)

// accountEvery is how often the server writes its own figures into its store:
// the step of the finest tier that most names have.
const accountEvery = 10 * time.Second

// probeEvery is how often the server looks whether its store is on disk.
const probeEvery = 2 * time.Second

// accountWriter is what the account needs of a [store.Writer].
type accountWriter interface {
	Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal
	Flush() error
}

// account writes the figures of all stages as series below "logmetrics.serve.":
// of a counter what it grew by in the interval, of another figure its value.
//
// It is also how the server knows whether its store takes anything, and gets it
// on disk: what it writes goes the way of all samples.
type account struct {
	stages func() []telemetry.Stage
	w      accountWriter
	sync   func() error // of the store

	name   []byte // scratch
	before map[string]float64
	full   error // what was put is not flushed, and why

	beat    atomic.Int64           // Unix nanoseconds at which it went round last
	trouble atomic.Pointer[string] // why nothing can be written; nil: it can
}

func newAccount(w accountWriter, sync func() error, stages func() []telemetry.Stage) *account {
	return &account{stages: stages, w: w, sync: sync, before: make(map[string]float64)}
}

// run writes at the end of each interval, and of the last one when ctx is done.
// Intervals are aligned to the clock; their samples are stamped with their start.
func (a *account) run(ctx context.Context) error {
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	a.beat.Store(time.Now().UnixNano())
	start := time.Now().Truncate(accountEvery)
	timer := time.NewTimer(time.Until(start.Add(accountEvery)))
	defer timer.Stop()
	for {
		select {
		case <-probe.C:
			a.look()
		case <-timer.C:
			a.write(start.Unix())
			start = time.Now().Truncate(accountEvery)
			timer.Reset(time.Until(start.Add(accountEvery)))
		case <-ctx.Done():
			a.write(start.Unix())
			return nil // the store itself says what it could not keep
		}
	}
}

// write puts all figures at a second. While the store takes nothing they are left
// to the next interval: counters miss nothing by that.
func (a *account) write(unix int64) {
	if a.full == nil {
		for _, s := range a.stages() {
			for _, f := range s.Figures {
				a.put(s.Name, f, unix)
			}
		}
	}
	a.full = a.w.Flush()
	a.look()
}

// look finds out what is wrong with the store, if anything is.
func (a *account) look() {
	if a.full != nil {
		a.full = a.w.Flush()
	}
	err := a.full
	if err == nil {
		err = a.sync()
	}
	var why *string
	if err != nil {
		why = new(err.Error())
	}
	a.trouble.Store(why)
	a.beat.Store(time.Now().UnixNano())
}

func (a *account) put(stage string, f telemetry.Figure, unix int64) {
	a.name = appendSeries(a.name[:0], stage, f)
	value, method := f.Value, metric.Average
	if f.Counter {
		before := a.before[string(a.name)]
		a.before[string(a.name)] = value
		if value, method = value-before, metric.Sum; value < 0 {
			value += before // it began anew
		}
	}
	a.w.Put(a.name, method, unix, value) // a refusal is counted by the store, and seen in its figures
}

// appendSeries appends the name of a figure's series: its stage, the values of
// its labels in the order of their keys, and its own name.
func appendSeries(dst []byte, stage string, f telemetry.Figure) []byte {
	dst = append(append(dst, "logmetrics.serve."...), stage...)
	for _, l := range f.Labels {
		dst = metric.AppendNode(append(dst, '.'), []byte(l.Value))
	}
	return append(append(dst, '.'), f.Name...)
}

// hangs is for how long the account may not go round before the server is taken
// to hang.
const hangs = time.Minute

// stage tells how the way into the store is.
func (a *account) stage() telemetry.Stage {
	s := telemetry.Stage{Name: "account"}
	if why := a.trouble.Load(); why != nil {
		s.Why = *why
	}
	if beat := a.beat.Load(); beat != 0 && time.Since(time.Unix(0, beat)) > hangs {
		s.Hung, s.Why = true, "nothing was written for "+time.Since(time.Unix(0, beat)).Round(time.Second).String()
	}
	return s
}
