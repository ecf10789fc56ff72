package extract_test

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var kills = flag.Int("kills", 30, "how often TestChaos kills the program")

// generations is how many rotated files are kept. As many rotations between two
// runs that come to their end would lose lines, and rightly so.
const generations = 7

// rotateAnyhow does what logrotate does, in one of its ways. Nothing is written meanwhile.
func (w *world) rotateAnyhow() {
	w.rotated++
	w.shift()
	if w.rand.IntN(4) == 0 {
		w.copytruncate(".1")
	} else {
		w.move("", ".1")
		if w.rand.IntN(3) > 0 {
			w.create()
		}
	}
	if w.rand.IntN(2) == 0 {
		w.compress(".1", "gzip")
	}
}

// TestChaos kills the program at random instants while its log is written and rotated.
func TestChaos(t *testing.T) {
	w := newWorld(t)
	for w.killed < *kills {
		w.write(w.rand.IntN(300))
		if w.rand.IntN(3) == 0 {
			w.rotateAnyhow()
			w.write(w.rand.IntN(50))
		}
		if w.rotated == generations-1 {
			w.run(0)
		}
		w.run(time.Duration(1+w.rand.IntN(20000)) * time.Microsecond)
	}
	w.run(0)
	w.exact()
}

// TestKilledAtEachFaultPoint kills the program at each named point in turn.
func TestKilledAtEachFaultPoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	points := []string{"after-read", "before-batch", "after-batch", "before-state", "between-states", "after-state", "before-emit", "after-emit", "before-delete"}
	for _, point := range points {
		before := w.killed
		w.write(100)
		w.rotateAnyhow()
		w.write(100)
		w.run(0, "LOGMETRICS_FAULT="+point+":kill")
		assert.Equal(t, before+1, w.killed, "the program does not pass %s", point)
	}
	w.exact()
}
