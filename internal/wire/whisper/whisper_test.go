package whisper_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	. "github.com/logmetrics/logmetrics/internal/wire/whisper"
	"github.com/logmetrics/logmetrics/metric"
)

func open(t testing.TB, b []byte) (*File, error) {
	t.Helper()
	return Open(bytes.NewReader(b), int64(len(b)))
}

func write(t testing.TB, h Header, points ...[]Point) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, h, func(i int) []Point { return points[i] }))
	require.Equal(t, h.Size(), int64(b.Len()))
	return b.Bytes()
}

func all(t testing.TB, f *File, i int) (list []Point) {
	t.Helper()
	require.NoError(t, f.Each(i, math.MaxUint32, func(p Point) error { list = append(list, p); return nil }))
	return list
}

var header = Header{Method: metric.Sum, XFilesFactor: 0.25, Archives: []Archive{{10, 6}, {60, 5}}}

func TestRoundTrip(t *testing.T) {
	fine := []Point{{1000, 1}, {1010, -2.5}, {1040, math.Inf(1)}, {1050, 0}}
	b := write(t, header, fine, nil)
	f, err := open(t, b)
	require.NoError(t, err)
	assert.Equal(t, header, f.Header)
	assert.Equal(t, fine, all(t, f, 0))
	assert.Empty(t, all(t, f, 1))

	stop := errors.New("stop")
	require.ErrorIs(t, f.Each(0, 1<<32, func(Point) error { return stop }), stop)
	var early []Point
	require.NoError(t, f.Each(0, 1010, func(p Point) error { early = append(early, p); return nil }))
	assert.Equal(t, fine[:2], early)
}

// A ring that went round: points of the last round before those of the one
// before, and what stands where it does not belong is not shown.
func TestRing(t *testing.T) {
	b := write(t, header, []Point{{1000, 0}, {1010, 1}, {1020, 2}, {1030, 3}, {1040, 4}, {1050, 5}}, nil)
	at := func(slot int, time uint32, v float64) {
		p := b[16+24+12*slot:]
		binary.BigEndian.PutUint32(p, time)
		binary.BigEndian.PutUint64(p[4:], math.Float64bits(v))
	}
	at(0, 1060, 6)
	at(1, 1070, 7)
	f, err := open(t, b)
	require.NoError(t, err)
	assert.Equal(t, []Point{{1020, 2}, {1030, 3}, {1040, 4}, {1050, 5}, {1060, 6}, {1070, 7}}, all(t, f, 0))
	at(2, 1081, 8) // not a multiple of the step
	at(3, 1020, 9) // in another's place
	at(4, 980, 9)  // a round ago
	assert.Equal(t, []Point{{1050, 5}, {1060, 6}, {1070, 7}}, all(t, f, 0))
	at(5, 1050+60*1000, 5) // far ahead: hides the rest, unless it is not looked at
	assert.Len(t, all(t, f, 0), 1)
	var list []Point
	require.NoError(t, f.Each(0, 2000, func(p Point) error { list = append(list, p); return nil }))
	assert.Equal(t, []Point{{1060, 6}, {1070, 7}}, list)
	at(0, 0, 0)
	assert.Empty(t, all(t, f, 0), "whisper shows nothing then")
}

func TestWriteRefuses(t *testing.T) {
	for what, h := range map[string]Header{
		"method":   {Method: metric.Unset, Archives: header.Archives},
		"xff":      {Method: metric.Sum, XFilesFactor: 2, Archives: header.Archives},
		"none":     {Method: metric.Sum},
		"archive":  {Method: metric.Sum, Archives: []Archive{{0, 5}}},
		"too long": {Method: metric.Sum, Archives: []Archive{{2, 1 << 31}}},
		"too big":  {Method: metric.Sum, Archives: []Archive{{1, 1 << 29}}},
	} {
		require.Error(t, Write(&bytes.Buffer{}, h, func(int) []Point { return nil }), what)
	}
	for what, points := range map[string][]Point{
		"not a multiple": {{1001, 0}}, "not after the last": {{1010, 0}, {1000, 0}}, "twice": {{1000, 0}, {1000, 0}},
		"too far apart": {{1000, 0}, {1060, 0}}, "before 1970": {{-10, 0}}, "zero": {{0, 0}}, "after 2106": {{1 << 32 / 10 * 10, 0}, {1<<32/10*10 + 10, 0}},
	} {
		require.Error(t, Write(&bytes.Buffer{}, header, func(int) []Point { return points }), what)
	}
}

func TestDamage(t *testing.T) {
	good := write(t, header, nil, nil)
	put := func(at int, x uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], x)
		return b
	}
	for what, b := range map[string][]byte{
		"empty": {}, "half a header": good[:10], "no table": good[:20], "cut": good[:len(good)-1],
		"method 0": put(0, 0), "method 9": put(0, 9), "xff": put(8, math.Float32bits(1.5)), "xff NaN": put(8, 0x7fc00000),
		"no archive": put(12, 0), "65 archives": put(12, 65), "4 G archives": put(12, math.MaxUint32),
		"offset in the header": put(16, 8), "offset behind the end": put(16, math.MaxUint32), "step 0": put(20, 0), "no points": put(24, 0),
		"many points": put(24, math.MaxUint32), "overlap": put(28, 40), "steps descend": put(32, 5),
	} {
		_, err := open(t, b)
		require.ErrorIs(t, err, ErrCorrupt, what)
	}
}

func TestPaths(t *testing.T) {
	for name, want := range map[string]string{
		"a":     "a.wsp",
		"a.b.c": "a/b/c.wsp",
		// the example of carbon's own docs, with what it really writes
		"some.metric;tag1=value2;tag2=value.2": "_tagged/eff/aae/some_DOT_metric;tag1=value2;tag2=value_DOT_2.wsp",
	} {
		assert.Equal(t, want, Path(name))
		got, ok := Name(want)
		assert.True(t, ok, want)
		assert.Equal(t, name, got)
	}
	for _, name := range []string{"a;mount=/var", "a;k=" + strings.Repeat("v", 250)} {
		assert.Regexp(t, `^_tagged/(...)/(...)/[0-9a-f]{64}\.wsp$`, Path(name))
		_, ok := Name(Path(name))
		assert.False(t, ok)
	}
	for _, file := range []string{"", ".wsp", "a", "a.rrd", "../a.wsp", "a/../../b.wsp"} {
		_, ok := Name(file)
		assert.False(t, ok, file)
	}
}

// script makes files with whisper itself, of each method and with rings that
// went round, and tells what it shows of them; then what it shows of ours.
const script = `
import sys, json, random, whisper
dir, now = sys.argv[1], int(sys.argv[2])
random.seed(now)
def show(path):
    info = whisper.info(path)
    out = []
    for a in info['archives']:
        (f, u, step), values = whisper.fetch(path, now - a['retention'], now, now=now, archiveToSelect=a['secondsPerPoint'])
        out.append([[f + i * step, v] for i, v in enumerate(values) if v is not None])
    return {'method': info['aggregationMethod'], 'xff': info['xFilesFactor'], 'archives': [[a['secondsPerPoint'], a['points']] for a in info['archives']], 'points': out}
shown = {}
if sys.argv[3] == 'make':
    for n, method in enumerate(sorted(whisper.aggregationMethods)):
        path = '%s/%s.wsp' % (dir, method)
        whisper.create(path, [(10, 30), (60, 20), (600, 12)], xFilesFactor=[0, 0.25, 0.5][n % 3], aggregationMethod=method)
        for t in range(now - 7000, now, 10):
            if random.random() < 0.7:
                whisper.update(path, random.choice([0, -1, 1, 1e300, random.random()]), t, now=t + 5)
        shown[path] = show(path)
else:
    for path in sys.argv[3:]:
        shown[path] = show(path)
json.dump(shown, sys.stdout)
`

type shown struct {
	Method   string
	XFF      float64
	Archives [][2]int64
	Points   [][][2]float64
}

func whisper(t *testing.T, dir string, now int64, args ...string) (out map[string]shown) {
	t.Helper()
	text, err := os.ReadFile(testutil.Peer(t, "whisper-fetch"))
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	python := strings.TrimSpace(strings.TrimPrefix(line, "#!"))
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c", script, dir, strconv.FormatInt(now, 10)}, args...)...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

var methodNames = map[metric.Method]string{
	metric.Average: "average", metric.Sum: "sum", metric.Last: "last", metric.Max: "max", metric.Min: "min",
	metric.AvgZero: "avg_zero", metric.AbsMax: "absmax", metric.AbsMin: "absmin",
}

// What whisper shows of its files we read, and what we write of it whisper
// shows again.
func TestRealWhisper(t *testing.T) {
	const now = 1700000003
	dir := t.TempDir()
	made := whisper(t, dir, now, "make")
	require.Len(t, made, 8)
	copies := map[string]shown{}
	var args []string
	for path, want := range made {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		f, err := open(t, b)
		require.NoError(t, err)
		assert.Equal(t, want.Method, methodNames[f.Method])
		assert.Equal(t, want.XFF, f.XFilesFactor)
		points := make([][]Point, len(f.Archives))
		for i, a := range f.Archives {
			assert.Equal(t, want.Archives[i], [2]int64{a.Step, a.Points})
			var got [][2]float64
			for _, p := range all(t, f, i) {
				if p.Time > now-a.Step*a.Points {
					got = append(got, [2]float64{float64(p.Time), p.Value})
					points[i] = append(points[i], p)
				}
			}
			require.NotEmpty(t, got)
			assert.Equal(t, want.Points[i], got, "%s, archive %d", path, i)
		}
		again := filepath.Join(dir, "again-"+filepath.Base(path))
		require.NoError(t, os.WriteFile(again, write(t, f.Header, points...), 0o600))
		copies[again] = want
		args = append(args, again)
	}
	for path, got := range whisper(t, dir, now, args...) {
		assert.Equal(t, copies[path], got, path)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(write(f, header, []Point{{1000, 1}, {1050, 2}}, []Point{{960, 3}}))
	f.Add(write(f, Header{Method: metric.AbsMin, Archives: []Archive{{1, 1}}}, []Point{{1, math.NaN()}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(t, b)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		points := make([][]Point, len(file.Archives))
		for i, a := range file.Archives {
			points[i] = all(t, file, i)
			require.LessOrEqual(t, len(points[i]), int(a.Points))
		}
		again, err := open(t, write(t, file.Header, points...))
		require.NoError(t, err)
		for i := range points {
			want, err := json.Marshal(bits(points[i]))
			require.NoError(t, err)
			got, err := json.Marshal(bits(all(t, again, i)))
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	})
}

// bits are points that compare equal if their values are NaN.
func bits(points []Point) (list [][2]uint64) {
	for _, p := range points {
		list = append(list, [2]uint64{uint64(p.Time), math.Float64bits(p.Value)})
	}
	return list
}

func BenchmarkEach(b *testing.B) {
	h := Header{Method: metric.Average, Archives: []Archive{{10, 25920}}}
	var points []Point
	for i := range int64(25920) {
		points = append(points, Point{1_700_000_000 + 10*i, float64(i)})
	}
	text := write(b, h, points)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := open(b, text)
		if err != nil || len(all(b, f, 0)) != len(points) {
			b.Fatal(err)
		}
	}
}
