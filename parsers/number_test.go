package parsers

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestDecimalIsStrconvs compares decimal with strconv on numbers of all
// lengths, each followed by what may follow it in a log.
func TestDecimalIsStrconvs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200000 {
		text := strconv.FormatUint(rng.Uint64()>>(1+rng.IntN(63)), 10)
		if len(text) > 15 {
			text = text[:15]
		}
		if n := rng.IntN(5); n > 0 && len(text)+n <= 15 {
			text += "." + strconv.Itoa(100000 + rng.IntN(90000))[6-n:]
		}
		want, err := strconv.ParseFloat(text, 64)
		assert.NoError(t, err)
		for _, after := range []string{"", ",", ", delays=0/0/0/0", "/1/2/3,"} {
			got, n := decimal([]byte(text + after))
			if got != want || n != len(text) {
				t.Fatalf("%q: %v of %d bytes, want %v", text+after, got, n, want)
			}
		}
	}
}

func TestDecimalTakesNothingElse(t *testing.T) {
	for _, text := range []string{"", ".", ".5", "5.", "1.2.3", "-1", "+1", "x", "1e5", " 1", "1,", "0x1", "..", ",", "1234567890123456", "/", ":", "1:", "1/", "\xb1", "1\x80"} {
		for _, after := range []string{"", ",", ", delays=0/0/0/0", "       "} {
			v, n := decimal([]byte(text + after))
			want, rest := 0.0, strings.TrimLeft(text, "0123456789")
			if valid := text[:len(text)-len(rest)]; valid != "" && len(valid) <= 15 && !strings.HasPrefix(rest, ".") {
				want, _ = strconv.ParseFloat(valid, 64)
				assert.Equal(t, len(valid), n, "%q", text+after)
			} else if text == "1.2.3" {
				assert.Equal(t, 3, n, "%q", text+after)
				want = 1.2
			} else {
				assert.Zero(t, n, "%q", text+after)
			}
			assert.Equal(t, want, v, "%q", text+after)
		}
	}
}
