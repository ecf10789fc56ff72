package parsers_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logtimeRand(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// A log read in one go and a log read in many runs, each of which keeps its
// open intervals for the next, give the same intervals.
func TestOpenIntervalsSurviveRestarts(t *testing.T) {
	rng := logtimeRand(t)
	for _, c := range logCases(t) {
		if c.factory.Name == "Log4jParser" && !slices.ContainsFunc(c.args, isPattern) {
			continue // messages hold lines in other layouts, and which is the log's is learnt anew by each run
		}
		t.Run(c.name, func(t *testing.T) {
			clothes(c, func(alias bool) {
				whole := read(t, c, setup{alias: alias, interval: 60})
				for range 8 {
					cut := setup{alias: alias, interval: 60, workers: workers(c, rng), rng: rng, spoil: true, restart: true}
					got := read(t, c, cut)
					got.first, got.last, got.timed = whole.first, whole.last, whole.timed // each run has its own
					assertSame(t, whole, got)
				}
			})
		})
	}
}

// Lines beyond the bounds are the same ones for any number of workers and any cut.
func TestBoundsOfLogTime(t *testing.T) {
	rng, late, unbelieved := logtimeRand(t), uint64(0), uint64(0)
	for _, c := range logCases(t) {
		t.Run(c.name, func(t *testing.T) {
			all := read(t, c, setup{interval: 1})
			if !all.timed {
				return
			}
			for range 4 {
				from := all.first + rng.Int64N(all.last-all.first+1)
				bound := setup{interval: 1, from: from, until: from + 1 + rng.Int64N(all.last-from+1)}
				whole := read(t, c, bound)
				for _, b := range whole.batches {
					require.True(t, b.Start >= bound.from && b.Start < bound.until)
				}
				cut := bound
				cut.workers, cut.rng, cut.spoil = workers(c, rng), rng, true
				got := read(t, c, cut)
				assertSame(t, whole, got)
				if !c.joins { // lines that are held count again
					require.Equal(t, []uint64{whole.late, whole.unbelieved}, []uint64{got.late, got.unbelieved})
				}
				late, unbelieved = late+got.late, unbelieved+got.unbelieved
			}
		})
	}
	assert.NotZero(t, late)
	assert.NotZero(t, unbelieved)
}

func isPattern(arg string) bool { return strings.HasPrefix(arg, "--pattern") }
