package ingest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTagBytes holds the table to what it is written from.
func TestTagBytes(t *testing.T) {
	for c := range 256 {
		plain := c > ' ' && c < '~' && strings.IndexByte(notInKey, byte(c)) < 0
		assert.Equal(t, plain, tagBytes[c] != 0, "%q", rune(c))
	}
}
