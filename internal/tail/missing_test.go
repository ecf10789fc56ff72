package tail_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestLookBetweenTheStepsOfARotationSaysNothing: a log that is followed is
// missing for a moment in each rotation. That it is missing for longer is said once.
func TestLookBetweenTheStepsOfARotationSaysNothing(t *testing.T) {
	r := follow(t)
	var said bytes.Buffer
	r.opt.Log, r.opt.MissingFor = slog.New(slog.NewTextHandler(&said, nil)), 3*time.Second
	r.restart()
	r.append(3)
	r.rest()
	r.rename("", ".1")
	r.rest()
	r.now = r.now.Add(2 * time.Second)
	r.rest()
	r.create()
	r.append(2)
	r.rest()
	assert.Empty(t, said.String())

	r.shift()
	r.rename("", ".1")
	for range 10 {
		r.rest()
		r.now = r.now.Add(time.Second)
	}
	assert.Equal(t, 1, strings.Count(said.String(), "the log is missing"), &said)
	r.create()
	r.append(2)
	r.rest()
	r.exact()
	assert.Equal(t, 1, strings.Count(said.String(), "\n"), &said)
}
