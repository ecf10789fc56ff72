package near_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/near"
)

func TestName(t *testing.T) {
	names := []string{"PostfixParser", "SquidParser", "run", "state"}
	for in, want := range map[string]string{
		"PostfixParse": "PostfixParser", "postfixprser": "PostfixParser", "sttae": "state", "rnu": "run", "": "", "zzz": "", "completely": "",
	} {
		assert.Equal(t, want, near.Name(in, names), in)
	}
}

func TestNamesAreNearestFirst(t *testing.T) {
	assert.Equal(t, []string{"ms", "min"}, near.Names("mss", []string{"min", "h", "d", "us", "ms", "s"}))
	assert.Empty(t, near.Names("x", []string{"a", "b"}))
}

func TestDistance(t *testing.T) {
	assert.Equal(t, 3, near.Distance("kitten", "Sitting"))
	assert.Equal(t, 4, near.Distance("", "four"))
	long := strings.Repeat("a", 1<<20)
	assert.Zero(t, near.Distance(long, long+"b"))
}
