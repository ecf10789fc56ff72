package pickle_test

import (
	"bytes"
	"math"
	"testing"

	ogorek "github.com/kisielk/og-rek"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

// FuzzValue: what is written another reader reads back equal.
func FuzzValue(f *testing.F) {
	f.Add("a.b", int64(5), 1.5, true)
	f.Add("é\n", int64(-1), math.Inf(1), false)
	f.Add("", int64(math.MinInt64), 0.0, false)
	f.Add("x", int64(math.MaxInt32)+1, -1e-300, true)
	f.Fuzz(func(t *testing.T, s string, n int64, v float64, truth bool) {
		b := pickle.BeginDict(pickle.Begin(nil))
		b = pickle.AppendString(pickle.AppendString(b, "text"), s)
		b = pickle.AppendInt(pickle.AppendString(b, "int"), n)
		b = pickle.AppendBool(pickle.AppendString(b, "bool"), truth)
		b = pickle.BeginList(pickle.AppendString(b, "list"))
		b = pickle.AppendNone(pickle.Pair(pickle.AppendFloat(pickle.AppendFloat(b, v), v)))
		b = pickle.End(pickle.EndDict(pickle.EndList(b)))
		got, err := ogorek.NewDecoder(bytes.NewReader(b)).Decode()
		require.NoError(t, err)
		d := got.(map[any]any)
		assert.Equal(t, s, d["text"])
		assert.Equal(t, truth, d["bool"])
		assert.EqualValues(t, n, whole(d["int"]))
		list := d["list"].([]any)
		pair := list[0].(ogorek.Tuple)
		assert.Equal(t, math.Float64bits(v), math.Float64bits(pair[1].(float64)))
		assert.Equal(t, ogorek.None{}, list[1])
	})
}

// whole returns a number, whichever of the reader's types it has.
func whole(v any) int64 {
	if big, ok := v.(interface{ Int64() int64 }); ok {
		return big.Int64()
	}
	return v.(int64)
}

// TestPythonReadsValues of graphite-web's version: no class is needed for them.
func TestPythonReadsValues(t *testing.T) {
	b := pickle.BeginList(pickle.Begin(nil))
	for _, n := range []int64{0, 255, 256, -1, math.MaxInt32, math.MaxInt32 + 1, math.MinInt64} {
		b = pickle.AppendInt(b, n)
	}
	b = pickle.AppendBool(pickle.AppendBool(b, true), false)
	b = pickle.AppendString(pickle.AppendNone(b), "é")
	b = pickle.EndDict(pickle.AppendFloat(pickle.AppendString(pickle.BeginDict(b), "k"), 1.5))
	b = pickle.EndDict(pickle.BeginDict(b))
	b = pickle.End(pickle.EndList(b))
	out := python(t, b, `import pickle, sys
class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise Exception(name)
print(Plain(sys.stdin.buffer).load())`)
	assert.Equal(t, "[0, 255, 256, -1, 2147483647, 2147483648, -9223372036854775808, True, False, None, 'é', {'k': 1.5}, {}]\n", string(out))
}
