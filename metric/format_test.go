package metric_test

import (
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

// The columns after the value are Python 3's str(float(x)) and, for whole
// numbers, str(int(x)).
var valueTable = []struct {
	v                    float64
	shortest, pyFloat, i string
}{
	{0, "0", "0.0", "0"},
	{math.Copysign(0, -1), "0", "-0.0", "0"},
	{97, "97", "97.0", "97"},
	{-5, "-5", "-5.0", "-5"},
	{100, "100", "100.0", "100"},
	{0.30000000000000004, "0.30000000000000004", "0.30000000000000004", ""},
	{81.52579474360604, "81.52579474360604", "81.52579474360604", ""},
	{1.0 / 3, "0.3333333333333333", "0.3333333333333333", ""},
	{1e-4, "0.0001", "0.0001", ""},
	{0.00012, "0.00012", "0.00012", ""},
	{1e-5, "0.00001", "1e-05", ""},
	{1.5e-5, "0.000015", "1.5e-05", ""},
	{1e-6, "0.000001", "1e-06", ""},
	{9.9e-7, "9.9e-07", "9.9e-07", ""},
	{1e-100, "1e-100", "1e-100", ""},
	{1e15, "1000000000000000", "1000000000000000.0", "1000000000000000"},
	{1e16, "10000000000000000", "1e+16", "10000000000000000"},
	{9999999999999998, "9999999999999998", "9999999999999998.0", "9999999999999998"},
	{12345678901234567890, "12345678901234567000", "1.2345678901234567e+19", "12345678901234567168"},
	{1e21, "1e+21", "1e+21", "1000000000000000000000"},
	{1e23, "1e+23", "1e+23", "99999999999999991611392"},
	{5e-324, "5e-324", "5e-324", ""},
	{math.MaxFloat64, "1.7976931348623157e+308", "1.7976931348623157e+308", strconv.FormatFloat(math.MaxFloat64, 'f', 0, 64)},
}

func TestAppendValue(t *testing.T) {
	for _, c := range valueTable {
		whole := c.i
		if whole == "" {
			whole = c.pyFloat // not whole: nothing may be lost
		}
		assert.Equal(t, c.shortest, string(metric.AppendValue(nil, c.v, metric.Shortest)))
		assert.Equal(t, c.pyFloat, string(metric.AppendValue(nil, c.v, metric.PyFloat)))
		assert.Equal(t, whole, string(metric.AppendValue(nil, c.v, metric.PyInt)))
	}
	assert.Equal(t, "x1.7976931348623157e+308", string(metric.AppendValue([]byte("x"), math.Inf(1), metric.Shortest)))
	assert.Equal(t, "-1.7976931348623157e+308", string(metric.AppendValue(nil, math.Inf(-1), metric.PyFloat)))
}

// TestAppendValueReadsBack compares random bit patterns with strconv, and with
// Python itself where it is installed.
func TestAppendValueReadsBack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var script, want strings.Builder
	for range 2000 {
		v := math.Float64frombits(rnd.Uint64())
		if rnd.IntN(2) == 0 {
			v = math.Round(rnd.NormFloat64()*1e6) / math.Pow(10, float64(rnd.IntN(12)))
		}
		if v-v != 0 {
			continue
		}
		for _, f := range []metric.Form{metric.Shortest, metric.PyInt, metric.PyFloat} {
			text := metric.AppendValue(nil, v, f)
			back, ok := metric.ParseValue(text)
			require.True(t, ok, "%s", text)
			require.Equal(t, v, back, "%s", text)
		}
		script.WriteString(strconv.FormatFloat(v, 'g', -1, 64) + "\n")
		want.Write(append(metric.AppendValue(nil, v, metric.PyFloat), '\n'))
	}
	python := testutil.Peer(t, "python3")
	cmd := exec.CommandContext(t.Context(), python, "-c", "import sys\nfor l in sys.stdin: print(float(l))")
	cmd.Stdin = strings.NewReader(script.String())
	got, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got))
}

func TestParseValueRefuses(t *testing.T) {
	for _, text := range []string{
		"", "-", "+", ".", "-.", "e5", "1e", "1e+", "1e5.", "\u0661", "nan", "NaN", "inf", "-Infinity", "0x10", "0x1p3", "1_000",
		"1,5", " 1", "1 ", "1.2.3", "--1", "1e400", "1\x00", strings.Repeat("1", 600),
	} {
		_, ok := metric.ParseValue([]byte(text))
		assert.False(t, ok, "%q", text)
	}
	for text, want := range map[string]float64{"1.": 1, ".5": .5, "+3": 3, "-0.25": -.25, "1E3": 1000, "007": 7, "1e-400": 0} {
		v, ok := metric.ParseValue([]byte(text))
		assert.True(t, ok, text)
		assert.Equal(t, want, v, text)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { metric.ParseValue([]byte("0.30000000000000004")) }))
}

// Whatever is a decimal number is read as strconv reads it, to the last bit.
func TestParseValueAgreesWithStrconv(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200000 {
		b := make([]byte, r.IntN(20))
		for i := range b {
			b[i] = "0123456789.5-+e"[r.IntN(15)]
		}
		want, err := strconv.ParseFloat(string(b), 64)
		want += 0 // there is no minus zero on the wire
		got, ok := metric.ParseValue(b)
		if ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: got %v %v, strconv says %v %v", b, got, ok, want, err)
		}
	}
}
