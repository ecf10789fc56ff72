package serve

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/metric"
)

// kept records what is flushed.
type kept struct {
	mu           sync.Mutex
	put, flushed []sample
	err          error // of the next flushes
	unsynced     error // of the next syncs
}

type sample struct {
	name   string
	method metric.Method
	unix   int64
	value  float64
}

func (k *kept) Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put = append(k.put, sample{string(name), m, unix, v})
	return store.Taken
}

func (k *kept) Flush() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.flushed, k.put = append(k.flushed, k.put...), nil
	}
	return k.err
}

func (k *kept) sync() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unsynced
}

// fail sets the errors of the next flushes and syncs.
func (k *kept) fail(flush, sync error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err, k.unsynced = flush, sync
}

// waiting is how many samples are not flushed.
func (k *kept) waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.put)
}

// of returns the flushed samples of a series.
func (k *kept) of(name string) (list []sample) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.flushed {
		if s.name == name {
			list = append(list, s)
		}
	}
	return list
}

// figures are of one stage: a counter that is 10 times the seconds since the
// bubble's clock began, by a reason, and how many seconds that are.
func figures() []telemetry.Stage {
	seconds := float64(time.Now().Unix() - 946684800)
	reason := []telemetry.Label{{Key: "listener", Value: "car.bon"}, {Key: "reason", Value: "badName"}}
	return []telemetry.Stage{{Name: "ingest", Figures: []telemetry.Figure{
		{Name: "badLines", Labels: reason, Value: 10 * seconds, Counter: true},
		{Name: "age", Value: seconds},
	}}}
}

const badLines, age = "logmetrics.serve.ingest.car_bon.badName.badLines", "logmetrics.serve.ingest.age"

func TestAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := new(kept)
		a := newAccount(k, k.sync, figures)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
		defer cancel()
		require.NoError(t, a.run(ctx))
		const began = 946684800
		assert.Equal(t, []sample{{badLines, metric.Sum, began, 100}, {badLines, metric.Sum, began + 10, 100}, {badLines, metric.Sum, began + 20, 40}}, k.of(badLines), "what it grew by, also in the last, cut interval")
		assert.Equal(t, []sample{{age, metric.Average, began, 10}, {age, metric.Average, began + 10, 20}, {age, metric.Average, began + 20, 24}}, k.of(age))
		assert.True(t, metric.ValidName(badLines) && metric.ValidName(age))
		assert.Empty(t, a.stage().Why)
	})
}

// TestAccountOfAFullStore: the server is not ready, and counters miss nothing.
func TestAccountOfAFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{err: errors.New("no space left on device")}
		a := newAccount(k, k.sync, figures)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.run(ctx) }()
		time.Sleep(35 * time.Second)
		synctest.Wait()
		assert.Equal(t, "no space left on device", a.stage().Why)
		assert.False(t, a.stage().Hung)
		assert.Equal(t, 2, k.waiting(), "it does not grow while nothing is taken")
		k.fail(nil, nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Empty(t, a.stage().Why)
		cancel()
		require.NoError(t, <-ended)
		total := 0.0
		for _, s := range k.of(badLines) {
			total += s.value
		}
		assert.Equal(t, 550.0, total)
	})
}

// TestAccountOfADiskThatTakesNothing: the store takes on for a while, but the
// server is not ready.
func TestAccountOfADiskThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{unsynced: errors.New("input/output error")}
		a := newAccount(k, k.sync, figures)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.run(ctx) }()
		time.Sleep(probeEvery)
		synctest.Wait()
		assert.Equal(t, "input/output error", a.stage().Why)
		k.fail(nil, nil)
		time.Sleep(probeEvery)
		synctest.Wait()
		assert.Empty(t, a.stage().Why)
		cancel()
		require.NoError(t, <-ended)
	})
}

// TestAccountThatHangs: as when the disk does.
func TestAccountThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(new(kept), new(kept).sync, figures)
		assert.False(t, a.stage().Hung, "it has not begun")
		a.write(0)
		time.Sleep(time.Minute)
		assert.False(t, a.stage().Hung)
		time.Sleep(10 * time.Second)
		s := a.stage()
		assert.True(t, s.Hung)
		assert.Equal(t, "nothing was written for 1m10s", s.Why)
	})
}

// TestACounterThatBeginsAnew is one whose listener was opened again.
func TestACounterThatBeginsAnew(t *testing.T) {
	k, value := new(kept), 100.0
	a := newAccount(k, k.sync, func() []telemetry.Stage {
		return []telemetry.Stage{{Name: "s", Figures: []telemetry.Figure{{Name: "n", Value: value, Counter: true}}}}
	})
	for _, value = range []float64{100, 130, 7} {
		a.write(0)
	}
	var got []float64
	for _, s := range k.flushed {
		got = append(got, s.value)
	}
	assert.Equal(t, []float64{100, 30, 7}, got)
}
