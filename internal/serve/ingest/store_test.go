package ingest_test

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

// disk is a file system that can be full.
type disk struct {
	vfs.FS
	full atomic.Bool
}

func newDisk() *disk {
	d := &disk{}
	d.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if d.full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		return nil
	}))
	return d
}

// values are what a series has in its finest tier, by time.
func values(t testing.TB, db *store.DB, name string, from, until int64) map[int64]float64 {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: from, Until: until})
	require.NoError(t, err, name)
	got := make(map[int64]float64)
	for i, v := range c.Value {
		if !math.IsNaN(v) {
			got[c.Start+int64(i)*c.Step] = v
		}
	}
	return got
}

// stepLines is a line for each series.
func stepLines(dst []byte, series int, first, step int64) []byte {
	for i := range series {
		dst = fmt.Appendf(dst, "line.s%d;a=x;b=%d %d %d\n", i, i, int64(i)*1000+step, first+10*step)
	}
	return dst
}

// stepFrame is a pickle with a point of each series.
func stepFrame(dst []byte, series int, first, step int64) []byte {
	at := len(dst)
	dst = pickle.AppendHeader(dst)
	for i := range series {
		dst = pickle.AppendPoint(dst, fmt.Appendf(nil, "pickle.s%d", i), first+10*step, float64(int64(i)*1000+step))
	}
	return append(dst[:at], pickle.Finish(dst[at:])...)
}

// TestPointsAreInTheStore: of each listener, each with its value; those of streams
// also when the disk was full meanwhile.
func TestPointsAreInTheStore(t *testing.T) {
	testutil.LeakCheck(t)
	d := newDisk()
	db, err := store.Open(store.Options{Dir: "data", FS: d, MaxPending: 50_000})
	require.NoError(t, err)
	opt := ingest.PointsOptions{Name: "test", NewWriter: func() ingest.Writer { return db.NewWriter() }}
	lines, err := ingest.ListenTCP(ingest.TCPOptions{Name: "test", Address: "127.0.0.1:0"})
	require.NoError(t, err)
	frames, err := ingest.ListenTCP(ingest.TCPOptions{Name: "test", Address: "127.0.0.1:0", Framing: ingest.Frames})
	require.NoError(t, err)
	datagrams, err := ingest.ListenUDP(ingest.UDPOptions{Name: "test", Address: "127.0.0.1:0"})
	require.NoError(t, err)
	carbon, pickles := ingest.NewCarbon(opt), ingest.NewPickle(opt)
	stops := []func(){start(t, lines, carbon.Receiver), start(t, frames, pickles.Receiver), start(t, datagrams, ingest.NewInflux(opt).Receiver)}

	const series, steps = 100, 200
	first := time.Now().Unix()/10*10 - steps*10
	write(t, dial(t, datagrams), fmt.Sprintf("cpu,name=a,path=/x idle=5 %d000000000\n", first))
	write(t, dial(t, datagrams), fmt.Sprintf("cpu,host=b value=6 %d000000000\n", first))
	testutil.Eventually(t, limit, func() bool { return figure(t, datagrams.Figures(), "datagrams") == 2 })
	toLines, toFrames := dial(t, lines), dial(t, frames)
	_, err = toLines.Write(stepLines(nil, series, first, 0)) // new names are refused while the disk is full
	require.NoError(t, err)
	_, err = toFrames.Write(stepFrame(nil, series, first, 0))
	require.NoError(t, err)
	testutil.Eventually(t, limit, func() bool {
		return figure(t, carbon.Figures(), "points")+figure(t, pickles.Figures(), "points") == 2*series
	})
	d.full.Store(true)
	sent := make(chan error, 2)
	send := func(c net.Conn, appendStep func(dst []byte, series int, first, step int64) []byte) {
		var text []byte
		for step := int64(1); step < steps; step++ {
			text = appendStep(text, series, first, step)
		}
		_, err := c.Write(text)
		sent <- err
	}
	go send(toLines, stepLines)
	go send(toFrames, stepFrame)
	testutil.Eventually(t, limit, func() bool {
		return figure(t, lines.Figures(), "waits") > 0 && figure(t, frames.Figures(), "waits") > 0
	})
	d.full.Store(false)
	for range 2 {
		require.NoError(t, <-sent)
	}
	testutil.Eventually(t, limit, func() bool {
		return figure(t, carbon.Figures(), "points") == series*steps && figure(t, pickles.Figures(), "points") == series*steps
	})
	for _, stop := range stops {
		stop()
	}
	for i := range series {
		want := make(map[int64]float64)
		for step := range int64(steps) {
			want[first+10*step] = float64(int64(i)*1000 + step)
		}
		require.Equal(t, want, values(t, db, fmt.Sprintf("line.s%d;a=x;b=%d", i, i), first, first+steps*10))
		require.Equal(t, want, values(t, db, fmt.Sprintf("pickle.s%d", i), first, first+steps*10))
	}
	assert.Equal(t, map[int64]float64{first: 5}, values(t, db, "cpu.idle;name_=a;path=/x", first, first+10))
	assert.Equal(t, map[int64]float64{first: 6}, values(t, db, "cpu;host=b", first, first+10))
	require.NoError(t, db.Close())
}

// TestNamesOfInfluxAreTheStores: whatever is in a line, its name is one.
func TestNamesOfInfluxAreTheStores(t *testing.T) {
	db, err := store.Open(store.Options{Dir: "data", FS: vfs.NewMem()})
	require.NoError(t, err)
	r := random(t)
	var log strings.Builder // shows the first that is refused
	p := ingest.NewInflux(ingest.PointsOptions{Name: "test", NewWriter: func() ingest.Writer { return db.NewWriter() }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	receiver := p.Receiver()
	text := func() string { return strings.Map(dropEnds, string(noise(r, 1+r.IntN(12)))) }
	for range 2000 {
		receiver.Block([]byte("m" + text() + ",k" + text() + "=v" + text() + ",name=" + text() + "x f" + text() + "=1,value=1"))
	}
	require.NoError(t, receiver.Idle())
	assert.Greater(t, figure(t, p.Figures(), "points"), 500.)
	assert.EqualValues(t, 0, figure(t, p.Figures(), "refusedPoints", "badName"), log.String())
	require.NoError(t, db.Close())
}

// dropEnds drops what would end a word of a line of Influx.
func dropEnds(r rune) rune {
	if strings.ContainsRune("\n,= \\\r\t\x00", r) {
		return -1
	}
	return r
}
