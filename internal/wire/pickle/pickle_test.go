package pickle_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	ogorek "github.com/kisielk/og-rek"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

var points = []pickle.Row{
	{Name: []byte("a.b"), Time: 1760000000, Value: 97},
	{Name: []byte("r;code=200"), Time: -1, Value: -1e-7},
	{Name: []byte("far"), Time: 1 << 40, Value: math.MaxFloat64},
}

func frame(rows []pickle.Row) []byte {
	b := pickle.AppendHeader(nil)
	for _, r := range rows {
		b = pickle.AppendPoint(b, r.Name, r.Time, r.Value)
	}
	return pickle.Finish(b)
}

func TestReadBack(t *testing.T) {
	f := frame(points)
	require.EqualValues(t, len(f)-pickle.HeaderLen, binary.BigEndian.Uint32(f))
	var d pickle.Decoder
	rows, bad, err := d.Parse(nil, f[pickle.HeaderLen:])
	require.NoError(t, err)
	assert.Zero(t, bad)
	assert.Equal(t, points, rows)
}

func TestOgRekReads(t *testing.T) {
	got, err := ogorek.NewDecoder(bytes.NewReader(frame(points)[pickle.HeaderLen:])).Decode()
	require.NoError(t, err)
	list := got.([]any)
	require.Len(t, list, len(points))
	first := list[0].(ogorek.Tuple)
	assert.Equal(t, "a.b", first[0])
	assert.Equal(t, "(1760000000, 97)", fmt.Sprint("(", first[1].(ogorek.Tuple)[0], ", ", first[1].(ogorek.Tuple)[1], ")"))
}

func python(t *testing.T, stdin []byte, script string, args ...string) []byte {
	t.Helper()
	path := testutil.Peer(t, "python3")
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-c", script}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	require.NoError(t, err)
	return out
}

func TestPythonReads(t *testing.T) {
	out := python(t, frame(points)[pickle.HeaderLen:], "import pickle,sys\nprint(pickle.load(sys.stdin.buffer))")
	assert.Equal(t, "[('a.b', (1760000000, 97.0)), ('r;code=200', (-1, -1e-07)), ('far', (1099511627776, 1.7976931348623157e+308))]\n", string(out))
}

// TestPythonWrites reads what senders in the field write: all protocols,
// numbers as strings, lists for tuples, shared objects, elements that are no points.
func TestPythonWrites(t *testing.T) {
	const script = `import pickle,sys
shared=(1760000000, 2.5)
d=[('a', shared), ('b', shared), ['c', [5, 7]], ('d', ('6', '8.5')), ('e', (2**40, -3)), ('f', (70000, 300)), ('g', (1.9, True)),
   ('h', (1, None)), ('i', (1,)), 7, ('', (1, 2)), (('x',), (1, 2)), ('j', (1, float('nan'))), ('k'*300, (200, 10**30)),
   ('l', (1, 2**64-1)), ('m', (1, -2**70)), ('n', (1, 10**400)), ('o', (1, False))]
sys.stdout.buffer.write(pickle.dumps(d, protocol=int(sys.argv[1])))`
	var d pickle.Decoder
	for protocol := range 6 {
		in := python(t, nil, script, fmt.Sprint(protocol))
		rows, bad, err := d.Parse(nil, in)
		require.NoError(t, err, "protocol %d: %q", protocol, in)
		var got strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&got, "%.1s@%d=%v ", r.Name, r.Time, r.Value)
		}
		want := "a@1760000000=2.5 b@1760000000=2.5 c@5=7 d@6=8.5 e@1099511627776=-3 f@70000=300 g@1=1 " +
			"k@200=1e+30 l@1=1.8446744073709552e+19 m@1=-1.1805916207174113e+21 o@1=0 "
		assert.Equal(t, want, got.String(), "protocol %d", protocol)
		assert.Equal(t, 7, bad, "protocol %d", protocol)
	}
}

// TestPythonWritesBytes: before protocol 3 bytes are written as a call, and refused.
func TestPythonWritesBytes(t *testing.T) {
	var d pickle.Decoder
	for protocol := range 6 {
		in := python(t, nil, "import pickle,sys\nsys.stdout.buffer.write(pickle.dumps([(b'a', (1, b'2')), (b'b'*300, (3, 4))], protocol=int(sys.argv[1])))", fmt.Sprint(protocol))
		rows, bad, err := d.Parse(nil, in)
		if protocol < 3 {
			require.ErrorIs(t, err, pickle.ErrFrame)
			continue
		}
		require.NoError(t, err, "protocol %d: %q", protocol, in)
		assert.Equal(t, []pickle.Row{{Name: []byte("a"), Time: 1, Value: 2}, {Name: bytes.Repeat([]byte("b"), 300), Time: 3, Value: 4}}, rows)
		assert.Zero(t, bad)
	}
}

// TestRefused holds the known attacks: calls, length bombs, nesting, cycles.
func TestRefused(t *testing.T) {
	var d pickle.Decoder
	for name, in := range map[string]string{
		"os.system":          "cos\nsystem\n(S'touch /tmp/x'\ntR.",
		"protocol 4 call":    "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
		"inst":               "(S'id'\nios\nsystem\n.",
		"obj":                "(cos\nsystem\nS'id'\no.",
		"build":              "]]b.",
		"dict":               "}.",
		"length bomb":        "X\xff\xff\xff\xffabc.",
		"bytes bomb":         "\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc.",
		"long bomb":          "\x8b\xff\xff\xff\x7f.",
		"memo bomb":          "]r\xff\xff\xff\xff.",
		"empty":              "",
		"no stop":            "]",
		"nothing":            ".",
		"no list":            "K\x01.",
		"pop of nothing":     "a.",
		"no mark":            "e.",
		"tuple below a mark": "K\x01(\x85.",
		"unknown memo":       "h\x00.",
		"protocol 6":         "\x80\x06].",
		"protocol 5 buffer":  "\x80\x05\x97.",
		"too long":           strings.Repeat("(", pickle.MaxFrame+1),
	} {
		rows, _, err := d.Parse(nil, []byte(in))
		assert.ErrorIs(t, err, pickle.ErrFrame, name)
		assert.Empty(t, rows, name)
	}
	for name, in := range map[string]string{
		"cycle":   "]q\x00h\x00a.",
		"nesting": strings.Repeat("]", 1<<18) + strings.Repeat("a", 1<<18-1) + ".",
		"sharing": "](((K\x01K\x01tq\x00" + strings.Repeat("h\x00h\x00\x86q\x00", 1000) + "te.",
	} {
		rows, bad, err := d.Parse(nil, []byte(in))
		require.NoError(t, err, name)
		assert.Empty(t, rows, name)
		assert.Equal(t, 1, bad, name)
	}
}

// TestMemoryIsBounded: whatever a frame is made of.
func TestMemoryIsBounded(t *testing.T) {
	point := "](X\x01\x00\x00\x00aK\x01K\x02\x86\x86q\x00"
	for name, in := range map[string]string{
		"nothing":  fill("N", ""),
		"lists":    fill("]", "."),
		"marks":    fill("(", "."),
		"memo":     fill("]\x94", "."),
		"memo gap": "]r\xff\xff\x0f\x00.",
		"loads":    "]q\x00(" + fill("h\x00", "t."),
		"tuples":   "]q\x00" + fill("h\x00\x85", "."),
		"appends":  "]q\x00" + fill("h\x00a", "."),
		"points":   point + fill("h\x00", "e."),
	} {
		var before, after runtime.MemStats
		frame := []byte(in)
		var d pickle.Decoder
		runtime.GC()
		runtime.ReadMemStats(&before)
		rows, _, err := d.Parse(nil, frame)
		runtime.GC()
		runtime.ReadMemStats(&after)
		took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %d rows, %v, %d KiB", name, len(rows), err, took>>10)
		assert.Less(t, took, int64(15<<20), name)
		runtime.KeepAlive(&d)
		runtime.KeepAlive(rows)
	}
}

// fill is a frame of s over and over, and then end.
func fill(s, end string) string {
	return strings.Repeat(s, (pickle.MaxFrame-len(end)-32)/len(s)) + end
}

func TestParseDoesNotAllocate(t *testing.T) {
	f := frame(points)[pickle.HeaderLen:]
	var d pickle.Decoder
	rows, _, err := d.Parse(nil, f)
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(10, func() { rows, _, _ = d.Parse(rows[:0], f) }))
}

func BenchmarkParse(b *testing.B) {
	var many []pickle.Row
	for i := range 500 {
		many = append(many, pickle.Row{Name: fmt.Appendf(nil, "servers.web%d.requests.count", i), Time: 1760000000, Value: float64(i)})
	}
	f := frame(many)[pickle.HeaderLen:]
	var d pickle.Decoder
	var rows []pickle.Row
	b.SetBytes(int64(len(f)))
	b.ReportAllocs()
	for b.Loop() {
		rows, _, _ = d.Parse(rows[:0], f)
	}
}

// FuzzWirePickle checks that what was parsed is written and parsed again as the same.
func FuzzWirePickle(f *testing.F) {
	f.Add(frame(points)[pickle.HeaderLen:])
	f.Add([]byte("(lp0\n(S'a.b'\np1\n(L1760000000L\nS'0'\ntp2\ntp3\na."))
	f.Fuzz(func(t *testing.T, in []byte) {
		var d pickle.Decoder
		rows, _, err := d.Parse(nil, in)
		if err != nil {
			return
		}
		again, bad, err := d.Parse(nil, frame(rows)[pickle.HeaderLen:])
		require.NoError(t, err)
		require.Zero(t, bad)
		if len(rows) > 0 {
			require.Equal(t, rows, again)
		}
	})
}
