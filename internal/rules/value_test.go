package rules

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whatever is a decimal number is read as strconv reads it, to the last bit.
func TestParseNumberAgreesWithStrconv(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200000 {
		b := make([]byte, r.IntN(20))
		for i := range b {
			b[i] = "0123456789.5-+e"[r.IntN(15)]
		}
		want, err := strconv.ParseFloat(string(b), 64)
		got, ok := parseNumber(b)
		if ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: got %v %v, strconv says %v %v", b, got, ok, want, err)
		}
	}
}

func TestParseNumberRefusesWhatIsNotDecimal(t *testing.T) {
	for _, text := range []string{"", "-", ".", "1.2.3", "inf", "nan", "0x10", "1_000", "1e", "1e+", "1,5", " 1", "1 ", "1e400", "\u0661"} {
		_, ok := parseNumber([]byte(text))
		assert.False(t, ok, text)
	}
}
