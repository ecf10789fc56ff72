package query

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The texts are what Python 3.11 prints.
func TestNumbersAreAsPythonPrintsThem(t *testing.T) {
	for _, c := range []struct {
		v       float64
		repr, g string
	}{
		{0, "0.0", "0"}, {math.Copysign(0, -1), "-0.0", "-0"}, {1, "1.0", "1"}, {100000, "100000.0", "100000"},
		{1e6, "1000000.0", "1e+06"}, {123456.7, "123456.7", "123457"}, {999999.5, "999999.5", "1e+06"}, {0.1, "0.1", "0.1"}, {1e-4, "0.0001", "0.0001"},
		{1e-5, "1e-05", "1e-05"}, {1e16, "1e+16", "1e+16"}, {9999999999999998, "9999999999999998.0", "1e+16"}, {-2.5, "-2.5", "-2.5"},
		{1.0 / 3, "0.3333333333333333", "0.333333"}, {1e100, "1e+100", "1e+100"}, {5e-324, "5e-324", "4.94066e-324"}, {1.5e300, "1.5e+300", "1.5e+300"},
		{math.Inf(1), "inf", "inf"}, {math.Inf(-1), "-inf", "-inf"}, {math.NaN(), "nan", "nan"}, {0.00012345678, "0.00012345678", "0.000123457"},
	} {
		assert.Equal(t, c.repr, FormatFloat(c.v))
		assert.Equal(t, c.g, FormatG(c.v))
	}
}

func TestStringsAreAsPythonShowsThem(t *testing.T) {
	for s, want := range map[string]string{"a": "'a'", "it's": `"it's"`, `it's "x"`: `'it\'s "x"'`, "a\\\n\x01é": `'a\\\n\x01é'`} {
		assert.Equal(t, want, Repr(s))
	}
}

func TestNumbersAreReadAsPythonReadsThem(t *testing.T) {
	for _, s := range []string{"0x10", "", "1e", "a", "1 2"} {
		_, ok := ParsePythonFloat(s)
		assert.False(t, ok, s)
	}
	for s, want := range map[string]float64{" 1 ": 1, "1e3": 1000, "-inf": math.Inf(-1), "1_0": 10, "1e999": math.Inf(1)} {
		got, ok := ParsePythonFloat(s)
		assert.True(t, ok, s)
		assert.Equal(t, want, got, s)
	}
}
