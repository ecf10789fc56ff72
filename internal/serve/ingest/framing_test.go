package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// TestLinesAreCutAsTheyShould compares streams of random lines, written in random
// pieces, with what the same lines are one by one.
func TestLinesAreCutAsTheyShould(t *testing.T) {
	testutil.LeakCheck(t)
	r := random(t)
	for _, maxLine := range []int{30, 1023, 1024, 5000} {
		l := newLedger()
		s, p, stop := carbonTCP(t, l, ingest.TCPOptions{MaxLine: maxLine})
		c := dial(t, s)
		var text []byte
		points, long, bad := 0, 0, 0
		for i := range 3000 {
			line := fmt.Sprintf("n%d 1 1", i)
			switch r.IntN(8) {
			case 0: // about as long as a line may be
				line += strings.Repeat(" ", max(0, maxLine-len(line)+r.IntN(5)-2))
			case 1:
				line += strings.Repeat(" ", r.IntN(3*maxLine))
			case 2:
				line = "bad"
			}
			text = append(append(text, line...), '\n')
			switch {
			case len(line) > maxLine:
				long++
			case line == "bad":
				bad++
			default:
				points++
			}
		}
		for len(text) > 0 {
			n := min(len(text), 1+r.IntN(1+r.IntN(4*maxLine)))
			write(t, c, string(text[:n]))
			text = text[n:]
		}
		assert.NoError(t, c.Close())
		testutil.Eventually(t, limit, func() bool {
			return figure(t, s.Figures(), "acceptedConnections") == 1 && figure(t, s.Figures(), "connections") == 0
		})
		stop()
		assert.Equal(t, points, l.count(), "up to %d", maxLine)
		assert.EqualValues(t, long, figure(t, s.Figures(), "longLines"), "up to %d", maxLine)
		assert.EqualValues(t, bad, figure(t, p.Figures(), "badLines", "fields"), "up to %d", maxLine)
		assert.EqualValues(t, 0, figure(t, s.Figures(), "bufferBytes"))
	}
}
