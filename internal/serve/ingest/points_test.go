package ingest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

// take gives blocks to a new Receiver and returns what the store got.
func take(t testing.TB, p *ingest.Points, l *ledger, blocks ...string) string {
	t.Helper()
	r := p.Receiver()
	for _, b := range blocks {
		block := []byte(b)
		r.Block(block)
		for i := range block {
			block[i] = 0xFF // what it keeps must be its own
		}
	}
	require.NoError(t, r.Idle())
	return l.String()
}

func options(l *ledger) ingest.PointsOptions {
	return ingest.PointsOptions{Name: "test", NewWriter: l.writer, Now: func() time.Time { return time.Unix(7000, 999) }}
}

// TestCarbonLines holds protocols.md 7 and 14: what a line may be, and what becomes of the others.
func TestCarbonLines(t *testing.T) {
	for _, c := range []struct{ line, want, reason string }{
		{"a.b 1 2\n", "a.b=1@2", ""},
		{"a.b 1 2\r\n", "a.b=1@2", ""},
		{"a.b 1 2", "a.b=1@2", ""},
		{" \t a.b\t1   2 \n", "a.b=1@2", ""},
		{"\n\r\n  \n", "", ""},
		{"a.b 1e3 2\n", "a.b=1000@2", ""},
		{"a.b 1 -1\n", "a.b=1@7000", ""},
		{"a.b 1 -1.0\n", "a.b=1@7000", ""},
		{"a.b 1 2.999\n", "a.b=1@2", ""},
		{"a;z=1;b=2 1 2\n", "a;z=1;b=2=1@2", ""},
		{`a{k="v",l="w"} 1 2` + "\n", `a{k="v",l="w"}=1@2`, ""}, // the store knows that form
		{"a.b 1\n", "", "fields"},
		{"a.b\n", "", "fields"},
		{"a.b 1 2 3\n", "", "fields"},
		{"a.b x 2\n", "", "value"},
		{"a.b 0x10 2\n", "", "value"},
		{"a.b 1,5 2\n", "", "value"},
		{"a.b nan 2\n", "", "nan"},
		{"a.b -NaN 2\n", "", "nan"},
		{"a.b inf 2\n", "", "infinite"},
		{"a.b -Infinity 2\n", "", "infinite"},
		{"a.b 1e999 2\n", "", "infinite"},
		{"a.b 1e101 2\n", "", "infinite"},
		{"a.b 1 x\n", "", "time"},
		{"a.b 1 -2\n", "", "time"},
		{"a.b 1 1e300\n", "", "time"},
		{"a.b 1 nan\n", "", "time"},
		{"a.b:1|c\n", "", "fields"},
		{"\x16\x03\x01\x02\x00\x01\n", "", "fields"},
		{"bad.name 1 2\n", "", "badName"},
		{strings.Repeat("n", ingest.MaxSeriesName+1) + " 1 2\n", "", "badName"},
		{"a.b 1 2000000000000\n", "", "badTime"},
	} {
		l := newLedger()
		p := ingest.NewCarbon(options(l))
		good := "good 1 1\n"
		got := take(t, p, l, good+c.line, good+c.line+"\n"+good)
		want := "good=3@1"
		if c.want != "" {
			name, value, _ := cutLast(c.want, "=")
			v, unix, _ := strings.Cut(value, "@")
			var f float64
			_, err := fmt.Sscan(v, &f)
			require.NoError(t, err)
			want = fmt.Sprintf("%s=%v@%s %s", name, 2*f, unix, want)
		}
		assert.Equal(t, want, got, "%q", c.line)
		for _, f := range p.Figures() {
			if f.Value > 0 && len(f.Labels) > 1 {
				assert.Equal(t, c.reason, f.Labels[1].Value, "%q", c.line)
				assert.EqualValues(t, 2, f.Value, "%q", c.line)
				c.reason = ""
			}
		}
		assert.Empty(t, c.reason, "%q was not counted", c.line)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// TestExamplesOfBadLines: one a minute, short, and unable to write a line of the log.
func TestExamplesOfBadLines(t *testing.T) {
	var log strings.Builder
	l := newLedger()
	opt := options(l)
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := ingest.NewCarbon(opt)
	evil := "evil\x1b[2J\r" + strings.Repeat("x", 5000) + "\n"
	take(t, p, l, strings.Repeat(evil, 100), "bad.\x1b[2J 1 1\n", evil)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], `msg="bad lines" source=test reason=fields`)
	assert.Contains(t, lines[1], `msg="points are refused" source=test reason=badName`)
	for _, line := range lines {
		assert.Less(t, len(line), 500)
		assert.NotContains(t, line, "\x1b")
	}
}

func frame(text string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text
}

func points(n int) string {
	b := pickle.AppendHeader(nil)
	for i := range n {
		b = pickle.AppendPoint(b, fmt.Appendf(nil, "p%d", i), 5, 2)
	}
	return string(pickle.Finish(b))
}

func TestPickles(t *testing.T) {
	l := newLedger()
	p := ingest.NewPickle(options(l))
	elements := "]((S'a'\n(K\x01S'2.5'\ntt(S'b'\n(K\x01Ntt(S'c'\nI5\nt(S'd'\n(I-1\nK\x04tte."
	got := take(t, p, l, points(2)[pickle.HeaderLen:], elements)
	assert.Equal(t, "a=2.5@1 d=4@7000 p0=2@5 p1=2@5", got)
	assert.EqualValues(t, 2, figure(t, p.Figures(), "badLines", "element"))
}

// TestPickleStream: frames in any cut; a bad one ends its connection and no other.
func TestPickleStream(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	s, err := ingest.ListenTCP(ingest.TCPOptions{Name: "test", Address: "127.0.0.1:0", Framing: ingest.Frames})
	require.NoError(t, err)
	p := ingest.NewPickle(options(l))
	stop := start(t, s, p.Receiver)
	good := dial(t, s)
	long := points(30000) // about as long as a frame may be
	require.Less(t, len(long), 4+pickle.MaxFrame)
	require.Greater(t, len(long), 700_000)
	text, at := points(1)+points(3)+long, 0
	for _, cut := range []int{1, 3, 4, 10, 60, 1000, 5000, 70000, 600_000, len(text)} {
		write(t, good, text[at:cut])
		at = cut
	}
	l.arrive(t, 30004)
	for _, bad := range []string{
		"GET / HTTP/1.1\r\n\r\n", "a.b 1 2\n", frame("cos\nsystem\n(S'id'\ntR."), frame("N."), frame("") + points(1),
		"\xff\xff\xff\xff" + points(1), "\x00\x10\x00\x01" + points(1),
	} {
		c := dial(t, s)
		_, _ = c.Write([]byte(bad))
		closed(t, c)
	}
	write(t, good, points(1))
	l.arrive(t, 30005)
	stop()
	assert.EqualValues(t, 1, figure(t, s.Figures(), "httpOnLinePort"))
	assert.EqualValues(t, 6, figure(t, s.Figures(), "closedConnections", "badFrame"))
	assert.EqualValues(t, 2, figure(t, p.Figures(), "badLines", "pickle"))
}

func TestInfluxDatagrams(t *testing.T) {
	l := newLedger()
	p := ingest.NewInflux(options(l))
	got := take(t, p, l,
		"cpu,host=a idle=1,busy=2i,on=t,text=\"x\" 1500000000\nbroken\ncpu,host=b value=3 -1\n",
		"cvmfs_absolute,repo=x.cern.ch 1700000000000000000", // it has counted nothing
		"m f=1\nm f=\nm f=1 x\nm,a=1,a=2 f=1\nm g=2u",
		"m,k="+strings.Repeat("v", ingest.MaxSeriesName)+" a=1,b=2,c=3\n",
	)
	assert.Equal(t, "cpu.busy;host=a=2@1 cpu.idle;host=a=1@1 cpu.on;host=a=1@1 cpu;host=b=3@-1 m.f=1@7000 m.g=2@7000", got)
	for reason, n := range map[string]int{"fields": 1, "value": 1, "time": 1, "twice": 1, "longTags": 1, "other": 0} {
		assert.EqualValues(t, n, figure(t, p.Figures(), "badLines", reason), reason)
	}
	assert.EqualValues(t, 1, figure(t, p.Figures(), "heartbeats"))
	assert.EqualValues(t, 1, figure(t, p.Figures(), "textFields"))
	assert.EqualValues(t, 10, figure(t, p.Figures(), "lines"))
	assert.EqualValues(t, 6, figure(t, p.Figures(), "points"))
}

// fuzzReceiver gives a Receiver anything, whole and cut at a line's end, and
// checks that both give the same finite points.
func fuzzReceiver(f *testing.F, newPoints func(ingest.PointsOptions) *ingest.Points, lines bool, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, at int) {
		whole, parts := newLedger(), newLedger()
		got := take(t, newPoints(options(whole)), whole, string(in))
		for name, sum := range whole.sums {
			require.NotEmpty(t, name)
			require.False(t, math.IsNaN(sum))
			require.Less(t, len(name), ingest.MaxSeriesName+1)
		}
		if !lines || len(in) == 0 {
			return
		}
		cut := len(in)
		if i := bytes.IndexByte(in[uint(at)%uint(len(in)):], '\n'); i >= 0 {
			cut = i + 1 + int(uint(at)%uint(len(in)))
		}
		require.Equal(t, got, take(t, newPoints(options(parts)), parts, string(in[:cut]), string(in[cut:])))
	})
}

func FuzzCarbon(f *testing.F) {
	fuzzReceiver(f, ingest.NewCarbon, true, "a 1 2\nb;k=v 1.5 -1\r\n", "a nan 1\nb inf 2\n c  1e400\t3\n")
}

func FuzzPickle(f *testing.F) {
	fuzzReceiver(f, ingest.NewPickle, false, points(3)[pickle.HeaderLen:], "]((S'a'\n(K\x01S'2.5'\ntt(S'b'\n(K\x01Ntte.", "(lp0\n(S'a.b'\np1\n(L1760000000L\nS'0'\ntp2\ntp3\na.")
}

func FuzzInflux(f *testing.F) {
	fuzzReceiver(f, ingest.NewInflux, false, "cpu,host=a idle=1,busy=2i,on=t,text=\"x\" 1500000000\nbroken\n", "x,r=y 17", "m f=1e400\nm f=-9223372036854775808i -1")
}
