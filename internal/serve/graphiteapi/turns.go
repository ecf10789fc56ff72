package graphiteapi

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// The defaults of Options.
const (
	DefaultQueryTime  = 10 * time.Second
	DefaultQueries    = 4
	DefaultQueryQueue = 100
)

// turns let some queries run at once, and some wait.
type turns struct {
	running chan struct{} // has one for each
	most    int64         // that run or wait

	waiting atomic.Int64 // that run or wait
}

func newTurns(running, queue int) *turns {
	return &turns{running: make(chan struct{}, running), most: int64(running + queue)}
}

var (
	errSlow = errors.New("the query took too long")
	errBusy = fault{http.StatusServiceUnavailable, "too many queries at once, try again"}
)

// wait waits until the query may run; done says that it has. The error is errBusy or the context's.
func (t *turns) wait(ctx context.Context) (done func(), err error) {
	if t.waiting.Add(1) > t.most {
		t.waiting.Add(-1)
		return nil, errBusy
	}
	select {
	case t.running <- struct{}{}:
		return func() {
			<-t.running
			t.waiting.Add(-1)
		}, nil
	case <-ctx.Done():
		t.waiting.Add(-1)
		return nil, ctx.Err()
	}
}

// evaluationFault makes a fault of what an evaluation says.
func evaluationFault(ctx context.Context, err error) error {
	in := (*query.InputError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &in):
		return fault{http.StatusBadRequest, cutText(in.Error())}
	case errors.Is(err, query.ErrLimit):
		return limited{fault{http.StatusBadRequest, err.Error()}}
	case errors.Is(err, query.ErrBusy):
		return errBusy
	case errors.Is(err, query.ErrPanic):
		return fault{http.StatusInternalServerError, "internal error"}
	case errors.Is(context.Cause(ctx), errSlow):
		return fault{http.StatusServiceUnavailable, errSlow.Error()}
	}
	return err
}

// QueryMemory returns how many bytes queries use, and how many they may.
func (a *API) QueryMemory() (bytes, most int64) { return a.engine.Used() }

// Figures returns what was counted.
func (a *API) Figures() []telemetry.Figure {
	t := a.queries
	used, _ := a.engine.Used()
	refused := func(reason string, n *atomic.Int64) telemetry.Figure {
		return telemetry.Figure{Name: "queriesRefused", Labels: []telemetry.Label{{Key: "reason", Value: reason}}, Value: float64(n.Load()), Counter: true}
	}
	list := []telemetry.Figure{
		{Name: "queriesRunning", Value: float64(len(t.running))},
		{Name: "queriesWaiting", Value: max(0, float64(t.waiting.Load())-float64(len(t.running)))},
		{Name: "queriesBytes", Value: float64(used)},
		refused("busy", &a.refused.busy), refused("invalid", &a.refused.invalid), refused("limit", &a.refused.limit), refused("slow", &a.refused.slow),
		{Name: "queriesBroken", Value: float64(a.engine.Panics()), Counter: true},
		{Name: "events", Value: float64(a.events.count())},
		{Name: "droppedEvents", Value: float64(a.events.dropped.Load()), Counter: true},
	}
	return append(list, a.opt.Nodes.Figures()...)
}
