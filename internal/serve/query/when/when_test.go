package when_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

func TestOffset(t *testing.T) {
	for s, want := range map[string]int64{
		"": 0, "1s": 1, "-5min": -300, "+1h": 3600, "1d6h": 108000, "2weeks": 1209600, "1mon": 2592000, "1y": 31536000, "1hours": 3600, "-1d2h": -93600, "-": 0,
	} {
		got, err := when.Offset(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
	for _, s := range []string{"x", "1", "1x", "1m", "1h-2h", "99999999999999999999y", "5000y", "1hx2", strings.Repeat("900y", 100)} {
		_, err := when.Offset(s)
		assert.ErrorIs(t, err, when.ErrTime, s)
	}
}
