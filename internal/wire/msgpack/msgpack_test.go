package msgpack_test

import (
	"encoding/hex"
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/msgpack"
)

// The bytes are from the tables of the specification.
func TestForms(t *testing.T) {
	for want, got := range map[string][]byte{
		"c0": msgpack.AppendNil(nil), "c2": msgpack.AppendBool(nil, false), "c3": msgpack.AppendBool(nil, true),
		"00": msgpack.AppendInt(nil, 0), "7f": msgpack.AppendInt(nil, 127), "ff": msgpack.AppendInt(nil, -1), "e0": msgpack.AppendInt(nil, -32),
		"cc80": msgpack.AppendInt(nil, 128), "ccff": msgpack.AppendInt(nil, 255), "cd0100": msgpack.AppendInt(nil, 256),
		"ce00010000": msgpack.AppendInt(nil, 1<<16), "cf0000000100000000": msgpack.AppendInt(nil, 1<<32),
		"d0df": msgpack.AppendInt(nil, -33), "d1ff7f": msgpack.AppendInt(nil, -129), "d2ffff7fff": msgpack.AppendInt(nil, -32769),
		"d3ffffffff7fffffff": msgpack.AppendInt(nil, math.MinInt32-1), "d38000000000000000": msgpack.AppendInt(nil, math.MinInt64),
		"cb3ff8000000000000": msgpack.AppendFloat(nil, 1.5),
		"a161":               msgpack.AppendString(nil, "a"), "a0": msgpack.AppendString(nil, ""),
		"80": msgpack.AppendMap(nil, 0), "8f": msgpack.AppendMap(nil, 15), "de0010": msgpack.AppendMap(nil, 16), "df00010000": msgpack.AppendMap(nil, 1<<16),
		"90": msgpack.AppendArray(nil, 0), "9f": msgpack.AppendArray(nil, 15), "dc0010": msgpack.AppendArray(nil, 16), "dd00010000": msgpack.AppendArray(nil, 1<<16),
	} {
		assert.Equal(t, want, hex.EncodeToString(got))
	}
	for n, begin := range map[int]string{31: "bf", 32: "d920", 255: "d9ff", 256: "da0100", 1 << 16: "db00010000"} {
		got := hex.EncodeToString(msgpack.AppendString(nil, strings.Repeat("x", n)))
		assert.Equal(t, begin+strings.Repeat("78", n), got)
	}
}

// TestPythonReads what graphite-web would be sent.
func TestPythonReads(t *testing.T) {
	testutil.Peer(t, "graphite-web")
	b := msgpack.AppendMap(nil, 3)
	b = msgpack.AppendString(msgpack.AppendString(b, "name"), "é"+strings.Repeat("x", 300))
	b = msgpack.AppendArray(msgpack.AppendString(b, "values"), 20)
	for i := range 20 {
		b = msgpack.AppendInt(b, -(int64(1) << (3 * i)))
	}
	b = msgpack.AppendArray(msgpack.AppendString(b, "rest"), 4)
	b = msgpack.AppendFloat(msgpack.AppendNil(msgpack.AppendBool(b, true)), -1e-7)
	b = msgpack.AppendString(b, "")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", `import sys
try:
    import msgpack
except ImportError:
    import collections, collections.abc
    collections.Hashable = collections.abc.Hashable
    import graphite.umsgpack as msgpack
d = msgpack.unpackb(sys.stdin.buffer.read())
assert d == {"name": "é" + 300*"x", "values": [-(1 << 3*i) for i in range(20)], "rest": [True, None, -1e-7, ""]}, d
print("equal")`)
	cmd.Env = append(cmd.Environ(), "PYTHONUTF8=1")
	cmd.Stdin = strings.NewReader(string(b))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "equal\n", string(out))
}
