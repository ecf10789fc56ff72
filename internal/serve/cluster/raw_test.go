package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// FuzzRaw: whatever a node sends makes series within the bounds, or an error.
func FuzzRaw(f *testing.F) {
	f.Add("a.b;k=v,60,180,60|1.5,None\n")
	f.Add("l|x,odd,0,60,60|inf,-inf,nan,1e400\n\n")
	f.Add("a,1,2,9999999999999999999|1")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readRaw(strings.NewReader(text), newCounter(query.Fetch{MaxSeries: 5, MaxPoints: 20}))
		if err != nil {
			return
		}
		points := 0
		for _, s := range list {
			points += len(s.Values)
			assert.Positive(t, s.Step)
			assert.Equal(t, s.Start+int64(len(s.Values))*s.Step, s.End)
		}
		assert.LessOrEqual(t, len(list), 5)
		assert.LessOrEqual(t, points, 20)
	})
}
