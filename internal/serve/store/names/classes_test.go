package names

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestClasses holds the table to what it is written from.
func TestClasses(t *testing.T) {
	for c := range 256 {
		want := uint8(inPath | inKey | inValue)
		switch in := func(set string) bool { return c < 0x80 && strings.IndexByte(set, byte(c)) >= 0 }; {
		case c <= ' ' || c == 0x7f || in("\\<>\"';`"):
			want = 0
		case in("/*?[]{}(),"):
			want = inValue
		case in("!^="):
			want = inPath | inValue
		}
		assert.Equal(t, want, classes[c], "%q", rune(c))
	}
}
