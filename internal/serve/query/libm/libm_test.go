package libm

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func number(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }

// exactExp is e to the power of x by its series, of x/2^20, squared 20 times.
func exactExp(x *big.Float) *big.Float {
	small := new(big.Float).SetPrec(precision).SetMantExp(x, -20)
	sum, term := number(1), number(1)
	for n := 1.0; n < 60; n++ {
		term.Mul(term, small)
		term.Quo(term, number(n))
		sum.Add(sum, term)
	}
	for range 20 {
		sum.Mul(sum, sum)
	}
	return sum
}

// exactLog is ln(x) by its table's series.
func exactLog(x float64) *big.Float {
	z, k := math.Frexp(x)
	return new(big.Float).SetPrec(precision).Add(bigLog(z), new(big.Float).Mul(number(float64(k)), bigLog(2)))
}

// off is how far got is from the exact value, in units of the last place.
func off(got float64, exact *big.Float) float64 {
	unit := math.Nextafter(math.Abs(got), math.Inf(1)) - math.Abs(got)
	d, _ := new(big.Float).SetPrec(precision).Sub(number(got), exact).Float64()
	return math.Abs(d) / unit
}

func TestNearestButInTheMiddle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		x := (r.Float64() - 0.5) * math.Pow(2, float64(r.IntN(20)-10))
		if math.Abs(x) < maxExp {
			require.Less(t, off(Exp(x), exactExp(number(x))), 0.511, "exp %v", x)
		}
		a := r.Float64() * math.Pow(2, float64(r.IntN(40)-20))
		if r.IntN(3) == 0 {
			a = 1 + (r.Float64()-0.5)/math.Pow(2, float64(r.IntN(30)))
		}
		require.Less(t, off(Log(a), exactLog(a)), 0.511, "log %v", a)
		y := (r.Float64() - 0.5) * 40
		if r.IntN(3) == 0 {
			y = float64(r.IntN(20))
		}
		exact := new(big.Float).SetPrec(precision).Mul(exactLog(a), number(y))
		require.Less(t, off(Pow(a, y), exactExp(exact)), 0.511, "pow %v %v", a, y)
	}
}

// exactSin is sin(x) by its series, of x less whole turns.
func exactSin(x float64) *big.Float {
	turn, _, err := big.ParseFloat("6.283185307179586476925286766559005768394338798750211641949889184615632812572417997256069650684", 10, 300, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	r := new(big.Float).SetPrec(300).SetFloat64(x)
	n, _ := new(big.Float).Quo(r, turn).Int(nil)
	r.Sub(r, new(big.Float).SetPrec(300).Mul(new(big.Float).SetInt(n), turn))
	sum, term := new(big.Float).SetPrec(300), new(big.Float).SetPrec(300).Set(r)
	square := new(big.Float).SetPrec(300).Mul(r, r)
	for k := 1.0; k < 120; k += 2 {
		sum.Add(sum, term)
		term.Mul(term, square)
		term.Quo(term, number(-(k+1)*(k+2)))
	}
	return sum
}

func TestSinOfTimes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		x := float64(r.Int64N(4_000_000_000))
		require.Less(t, off(Sin(x), exactSin(x)), 1, "sin %v", x)
		require.Less(t, off(Sin(-x/1e6), exactSin(-x/1e6)), 1, "sin %v", -x/1e6)
	}
	assert.Equal(t, 0.0, Sin(0))
	assert.True(t, math.IsNaN(Sin(math.Inf(1))))
}

func TestSpecialCasesAreThoseOfPackageMath(t *testing.T) {
	special := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 0.5, 3, -3, 1e308, 1e-308, 5e-324, -5e-324, 709, -745, 1000, -1000,
		math.Inf(1), math.Inf(-1), math.NaN()}
	for _, x := range special {
		assert.InEpsilonf(t, 1+abs(math.Exp(x)), 1+abs(Exp(x)), 1e-15, "exp %v", x)
		assert.Equal(t, math.IsNaN(math.Log(x)), math.IsNaN(Log(x)), "log %v", x)
		for _, y := range special {
			want, got := math.Pow(x, y), Pow(x, y)
			assert.Equal(t, math.IsNaN(want), math.IsNaN(got), "pow %v %v", x, y)
			assert.Equal(t, math.Signbit(want), math.Signbit(got), "pow %v %v", x, y)
			assert.Equal(t, math.IsInf(want, 0), math.IsInf(got, 0), "pow %v %v", x, y)
		}
	}
	assert.EqualValues(t, 1024, Pow(2, 10))
	assert.EqualValues(t, -27, Pow(-3, 3))
	assert.EqualValues(t, 1, Exp(0))
	assert.EqualValues(t, 0, Log(1))
}

// abs is |v|, of what is not finite 0: what those are is compared elsewhere.
func abs(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Abs(v)
}

func BenchmarkLibm(b *testing.B) {
	for name, fn := range map[string]func(float64) float64{
		"exp": Exp, "log": Log, "pow": func(x float64) float64 { return Pow(x, 1.7) },
		"math.Exp": math.Exp, "math.Log": math.Log, "math.Pow": func(x float64) float64 { return math.Pow(x, 1.7) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(8)
			x := 0.1
			for b.Loop() {
				x = 0.1 + math.Mod(x+fn(x), 30)
			}
		})
	}
}
