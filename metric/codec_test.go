package metric_test

import (
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/metric"
)

// full returns a batch that has every part the encoding knows.
func full() *Batch {
	r := NewRecorder(RecorderOptions{})
	r.Inc(r.Series("sent", Counter, PyInt), 97)
	r.Set(r.Series("load", Gauge, PyFloat), -0.5)
	few, many := r.Series("delay", Timer, Shortest), r.Series("size", Timer, Shortest)
	for i := range 7000 {
		if i < 10 {
			r.Observe(few, float64(10-i))
		}
		r.Observe(many, float64(i-100)/3)
	}
	users, hosts := r.Series("users", Set, Shortest), r.Series("hosts", Set, Shortest)
	for i := range 3000 {
		r.Add(hosts, fmt.Append(nil, "host", i))
		if i < 5 {
			r.Add(users, fmt.Append(nil, "user\n", i))
		}
	}
	r.Unit(few, "Seconds, µ")
	r.Series("idle", Timer, Shortest)
	f := r.Family("requests", Counter, "method", "status")
	r.Inc(f.ID([]byte("GET"), []byte("200")), 3)
	r.Inc(f.ID([]byte("PUT"), []byte("500")), 1)
	b := &Batch{Start: -60, End: 1e9, Stamp: 1e9, Prefix: "servers.a", Suffix: "x"}
	copy(b.ID.Job[:], "0123456789abcdef")
	b.ID.Seq = 1 << 40
	r.Flush(b)
	return b
}

func TestBatchRoundTrip(t *testing.T) {
	b := full()
	src := AppendBatch([]byte("before"), b)
	got, err := ParseBatch(src[6:])
	require.NoError(t, err)
	require.NoError(t, got.Check())
	require.Equal(t, src[6:], AppendBatch(nil, got), "the same batch, other bytes")
	require.Len(t, got.Samples, len(b.Samples))
	for i := range b.Samples {
		want, have := &b.Samples[i], &got.Samples[i]
		assert.Equal(t, want.Bucket, have.Bucket)
		assert.Equal(t, want.Tags, have.Tags)
		assert.Equal(t, want.Members.Estimate(), have.Members.Estimate())
		for _, q := range []float64{0, 0.5, 0.99, 1} {
			if want.Dist != nil {
				assert.Equal(t, want.Dist.Quantile(q), have.Dist.Quantile(q))
			}
		}
	}
	assert.Equal(t, "Seconds, µ", got.Samples[2].Unit)
	got.Samples, b.Samples = nil, nil
	assert.Equal(t, b, got)
}

// TestLateBatchRoundTrip: a late batch has an encoding of its own version; a flag
// that is not known, or 0, is no such batch.
func TestLateBatchRoundTrip(t *testing.T) {
	b := full()
	b.Late = true
	src := AppendBatch(nil, b)
	require.EqualValues(t, 2, src[3])
	got, err := ParseBatch(src)
	require.NoError(t, err)
	require.Equal(t, src, AppendBatch(nil, got))
	assert.True(t, got.Late)
	head := string(make([]byte, 16)) + "\x01\x00\x00\x00"
	for flags, ok := range map[string]bool{"\x00": false, "\x01": true, "\x02": false, "\x03": false} {
		_, err := ParseBatch(sealed(2, []byte(head+flags+"\x00\x00\x00")))
		assert.Equal(t, ok, err == nil, "%q: %v", flags, err)
	}
}

// TestParseBounded refuses before it reads.
func TestParseBounded(t *testing.T) {
	b := full()
	src := AppendBatch(nil, b)
	_, err := ParseBounded(src, len(b.Samples))
	require.NoError(t, err)
	_, err = ParseBounded(src, len(b.Samples)-1)
	require.ErrorIs(t, err, ErrBadBatch)
}

func TestBatchSizes(t *testing.T) {
	b := &Batch{Samples: []Sample{{Name: "a"}, {Name: "b", Bucket: Bucket{Count: 3, Sum: 3}}}}
	empty := len(AppendBatch(nil, &Batch{}))
	assert.Equal(t, 8+16, len(AppendBatch(nil, b))-empty, "an idle counter costs 8 bytes, a counter 8 more")
}

func TestParseBatchRefusesDamage(t *testing.T) {
	src := AppendBatch(nil, full())
	for n := 0; n < len(src); n += 1 + n/8 {
		_, err := ParseBatch(src[:n])
		require.ErrorIs(t, err, ErrBadBatch, "cut to %d", n)
	}
	for i := 0; i < len(src); i += 1 + i/64 {
		flipped := append([]byte(nil), src...)
		flipped[i] ^= 1 << (i % 8)
		_, err := ParseBatch(flipped)
		require.ErrorIs(t, err, ErrBadBatch, "bit flipped in byte %d", i)
	}
	_, err := ParseBatch(append(src, 0))
	require.ErrorIs(t, err, ErrBadBatch)
}

// sealed gives a body its header and checksum.
func sealed(version byte, body []byte) []byte {
	n := len(body)
	b := append([]byte{'L', 'M', 'B', version, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}, body...)
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return append(b, byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

func TestParseBatchRefusesLies(t *testing.T) {
	head := strings.Repeat("\x00", 16+1+3+2) // job, seq, three times, prefix, suffix
	inf := "\x00\x00\x00\x00\x00\x00\xf0\x7f"
	one := "\x00\x00\x00\x00\x00\x00\xf0\x3f"
	for name, body := range map[string]string{
		"more samples than bytes":  head + "\xff\xff\xff\xff\x7f",
		"bytes behind the samples": head + "\x00?",
		"no name":                  head + "\x01\x00\x00\x00\x00\x00\x00\x00\x00",
		"hostile name":             head + "\x01\x03a b\x00\x00\x00\x00\x00\x00",
		"unknown kind":             head + "\x01\x01a\x00\x09\x00\x00\x00\x00\x00",
		"unknown form":             head + "\x01\x01a\x00\x00\x09\x00\x00\x00\x00",
		"unknown part":             head + "\x01\x01a\x00\x00\x00\x80\x00\x00\x00",
		"two distributions":        head + "\x01\x01a\x00\x02\x00\x06\x00\x00\x00",
		"infinite sum":             head + "\x01\x01a\x00\x00\x00\x00\x01\x01" + inf,
		"control character":        head + "\x01\x01a\x00\x00\x00\x01\x01\n\x00\x00",
		"tags out of order":        head + "\x01\x01a\x02\x01b\x01v\x01a\x01v\x00\x00\x00\x00\x00",
		"tags twice":               head + "\x01\x01a\x02\x01b\x01v\x01b\x01v\x00\x00\x00\x00\x00",
		"hostile tag":              head + "\x01\x01a\x01\x01b\x01;\x00\x00\x00\x00\x00",
		"counter with values":      head + "\x01\x01a\x00\x00\x00\x02\x01\x00\x01" + one,
		"other count of values":    head + "\x01\x01a\x00\x02\x00\x02\x02\x00\x01" + one,
		"timer with members":       head + "\x01\x01a\x00\x02\x00\x08\x01\x00\x01\x01m",
		"members out of order":     head + "\x01\x01a\x00\x03\x00\x08\x02\x00\x02\x01b\x01a",
		"cut registers":            head + "\x01\x01a\x00\x03\x00\x10\x02\x00\x00\x00",
		"small sketch":             head + "\x01\x01a\x00\x02\x00\x04\x05\x00\x05\x00\x00",
		"bins out of range":        head + "\x01\x01a\x00\x02\x00\x04\xff\x7f\x00\x00\x01\xff\xff\x7f\xff\x7f\x00",
	} {
		_, err := ParseBatch(sealed(1, []byte(body)))
		assert.ErrorIs(t, err, ErrBadBatch, name)
	}
	_, err := ParseBatch(sealed(1, []byte(head+"\x01\x01a\x00\x02\x00\x02\x01\x00\x01"+one)))
	assert.NoError(t, err, "the frame of the cases above")
	_, err = ParseBatch(sealed(3, []byte(head+"\x00")))
	assert.ErrorContains(t, err, "version 3")
}

func TestCheckNamesTheSample(t *testing.T) {
	b := &Batch{Samples: []Sample{{Name: "ok"}, {Name: "rate", Bucket: Bucket{Sum: math.Inf(1)}}}}
	err := b.Check()
	require.ErrorIs(t, err, ErrBadBatch)
	assert.ErrorContains(t, err, "rate")
	assert.Error(t, (&Batch{Prefix: "a\nb"}).Check())
}

func FuzzParseBatch(f *testing.F) {
	f.Add(AppendBatch(nil, full())[8:])
	f.Add(AppendBatch(nil, &Batch{})[8:])
	f.Add([]byte(strings.Repeat("\x00", 22) + "\x01\x01a\x00\x03\x00\x08\x02\x00\x02\x01a\x01b"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = ParseBatch(body)
		_, _ = ParseBatch(sealed(2, body))
		b, err := ParseBatch(sealed(1, body))
		if err != nil {
			require.ErrorIs(t, err, ErrBadBatch)
			return
		}
		require.NoError(t, b.Check())
		once := AppendBatch(nil, b)
		again, err := ParseBatch(once)
		require.NoError(t, err)
		require.Equal(t, b, again)
		require.Equal(t, once, AppendBatch(nil, again))
	})
}

func BenchmarkBatch(b *testing.B) {
	batch := full()
	src := AppendBatch(nil, batch)
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			src = AppendBatch(src[:0], batch)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseBatch(src); err != nil {
				b.Fatal(err)
			}
		}
	})
}
