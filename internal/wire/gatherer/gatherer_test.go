package gatherer_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// full returns a batch with n series of each kind.
func full(n int) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	requests := r.Family("requests", metric.Counter, "code")
	for i := range n {
		r.Inc(requests.ID(fmt.Append(nil, i)), uint64(i))
		r.Set(r.SeriesBytes(fmt.Append(nil, "level.", i), metric.Gauge), float64(i))
		r.Add(r.SeriesBytes(fmt.Append(nil, "users.", i), metric.Set), fmt.Append(nil, "user", i))
		for k := range 10 {
			r.Observe(r.SeriesBytes(fmt.Append(nil, "delay.", i), metric.Timer), float64(k)/3)
		}
	}
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1, 15: 9}, Seq: 7}, Start: 10, End: 20, Stamp: 10, Prefix: "a", Suffix: "z"}
	r.Flush(b)
	return b
}

// bodies returns what is sent of a batch.
func bodies(t testing.TB, b *metric.Batch) (list [][]byte) {
	t.Helper()
	e := gatherer.NewEncoder()
	_, err := gatherer.Split(nil, b, func(plain []byte) error {
		list = append(list, e.Append(nil, plain))
		return nil
	})
	require.NoError(t, err)
	return list
}

func decode(t testing.TB, body []byte) *metric.Batch {
	t.Helper()
	d := gatherer.NewDecoder()
	defer d.Close()
	b, err := d.Parse(body)
	require.NoError(t, err)
	return b
}

func TestRoundTrip(t *testing.T) {
	for _, late := range []bool{false, true} {
		b := full(3)
		b.Late = late
		list := bodies(t, b)
		require.Len(t, list, 1)
		got := decode(t, list[0])
		assert.Equal(t, metric.AppendBatch(nil, b), metric.AppendBatch(nil, got))
		assert.Equal(t, b.ID, got.ID)
		assert.Equal(t, late, got.Late)
	}
	assert.Len(t, bodies(t, &metric.Batch{ID: metric.BatchID{Seq: 1}}), 1, "without samples it has an ID to be known by")
}

// TestPartsAreTheBatch: all samples in order, each body within the limits, IDs
// that differ, and all the same when it is sent again.
func TestPartsAreTheBatch(t *testing.T) {
	b := full(4000)
	list := bodies(t, b)
	require.Greater(t, len(list), 1)
	require.Equal(t, list, bodies(t, b))
	var samples []metric.Sample
	seen := map[metric.BatchID]bool{}
	for i, body := range list {
		part := decode(t, body)
		require.LessOrEqual(t, len(body), gatherer.MaxBody)
		require.False(t, seen[part.ID])
		seen[part.ID] = true
		assert.Equal(t, i == 0, part.ID == b.ID, "the first has the batch's own")
		assert.Equal(t, b.ID.Seq, part.ID.Seq)
		samples = append(samples, part.Samples...)
	}
	whole := *b
	whole.Samples = samples
	require.True(t, bytes.Equal(metric.AppendBatch(nil, b), metric.AppendBatch(nil, &whole)))
}

// TestTheLargestSampleFits is of a set with as many and as long members, and of a
// distribution over all magnitudes.
func TestTheLargestSampleFits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	r := metric.NewRecorder(metric.RecorderOptions{})
	set, exact, sketch := r.Series("set", metric.Set, metric.Shortest), r.Series("exact", metric.Timer, metric.Shortest), r.Series("sketch", metric.Timer, metric.Shortest)
	for range metric.MaxMembers {
		member := make([]byte, metric.MaxMemberLen)
		for i := range member {
			member[i] = byte(rnd.Uint32())
		}
		r.Add(set, member)
	}
	for i := range metric.MaxExact * 5 {
		v := rnd.NormFloat64() * float64(uint64(1)<<rnd.IntN(60)) / 1e9
		if r.Observe(sketch, v); i < metric.MaxExact {
			r.Observe(exact, v)
		}
	}
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: 1}}
	r.Flush(b)
	for _, body := range bodies(t, b) {
		assert.LessOrEqual(t, len(body), gatherer.MaxBody)
		decode(t, body)
	}
}

func TestSplitStopsAtAnError(t *testing.T) {
	n, stop := 0, errors.New("stop")
	_, err := gatherer.Split(nil, full(4000), func([]byte) error {
		n++
		return stop
	})
	assert.ErrorIs(t, err, stop)
	assert.Equal(t, 1, n)
}

// TestBombs are small bodies that would become large.
func TestBombs(t *testing.T) {
	pack := func(opts []zstd.EOption, plain []byte) []byte {
		w, err := zstd.NewWriter(nil, opts...)
		require.NoError(t, err)
		return w.EncodeAll(plain, nil)
	}
	stream := func(plain []byte) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		require.NoError(t, err)
		_, err = w.Write(plain)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	zeros := make([]byte, gatherer.MaxPlain+1)
	one := []zstd.EOption{zstd.WithSingleSegment(true)}
	samples := metric.AppendBatch(nil, &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: 1}, Samples: slices.Repeat([]metric.Sample{{Name: "a"}}, gatherer.MaxSamples+1)})
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"says that it is too large":  {pack(one, zeros), gatherer.ErrTooLarge},
		"does not say how large":     {stream(zeros), metric.ErrBadBatch},
		"is followed by another":     {append(pack(one, zeros[:100]), pack(one, zeros[:gatherer.MaxPlain])...), metric.ErrBadBatch},
		"is followed by a nameless":  {append(pack(one, zeros[:100]), stream(zeros)...), metric.ErrBadBatch},
		"is skipped":                 {[]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), metric.ErrBadBatch},
		"has many samples":           {pack(one, samples), metric.ErrBadBatch},
		"is larger than a body":      {pack(one, randomBytes(gatherer.MaxBody)), gatherer.ErrTooLarge},
		"is all that may be, zeros":  {pack(one, zeros[:gatherer.MaxPlain]), metric.ErrBadBatch},
		"is a batch, and then zeros": {pack(one, append(metric.AppendBatch(nil, full(1)), zeros[:1<<20]...)), metric.ErrBadBatch},
	} {
		d := gatherer.NewDecoder()
		_, err := d.Parse(c.body)
		assert.ErrorIs(t, err, c.want, name)
		d.Close()
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestAnswers(t *testing.T) {
	for _, a := range []gatherer.Answer{{}, {Repeated: true}, {Refused: 1<<64 - 1}} {
		got, err := gatherer.ParseAnswer(gatherer.AppendAnswer(nil, a))
		require.NoError(t, err)
		assert.Equal(t, a, got)
	}
	for _, text := range []string{"<html>Welcome to our wireless network", "true", "[]", `{"refused":-1}`, "{", "{} {}"} {
		_, err := gatherer.ParseAnswer([]byte(text))
		assert.Error(t, err, text)
	}
	_, err := gatherer.ParseAnswer(nil)
	assert.NoError(t, err)
}

// FuzzBody feeds anything to the receiver; what it takes, the sender can send.
func FuzzBody(f *testing.F) {
	for _, b := range []*metric.Batch{full(0), full(1), full(20)} {
		for _, body := range bodies(f, b) {
			f.Add(body)
			f.Add(body[:len(body)/2])
		}
	}
	d := gatherer.NewDecoder()
	defer d.Close()
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := d.Parse(body)
		if err != nil {
			assert.True(t, errors.Is(err, metric.ErrBadBatch) || errors.Is(err, gatherer.ErrTooLarge), "%v", err)
			return
		}
		require.NoError(t, b.Check())
		require.NotEmpty(t, bodies(t, b))
	})
}

// FuzzBatch feeds plain batches in frames that are right, so that what is behind
// the checksum of zstd is reached.
func FuzzBatch(f *testing.F) {
	f.Add(metric.AppendBatch(nil, full(2)))
	f.Add([]byte("LMB"))
	d, e := gatherer.NewDecoder(), gatherer.NewEncoder()
	defer d.Close()
	f.Fuzz(func(t *testing.T, plain []byte) {
		b, err := d.Parse(e.Append(nil, plain))
		if err != nil {
			return
		}
		n := 0
		for _, body := range bodies(t, b) {
			n += len(decode(t, body).Samples)
		}
		require.Equal(t, len(b.Samples), n)
	})
}

// FuzzAnswer feeds anything to the sender.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"repeated":true,"refused":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := gatherer.ParseAnswer(text)
		if err == nil {
			again, err := gatherer.ParseAnswer(gatherer.AppendAnswer(nil, a))
			require.NoError(t, err)
			require.Equal(t, a, again)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	batch := full(1000)
	e, d := gatherer.NewEncoder(), gatherer.NewDecoder()
	plain := metric.AppendBatch(nil, batch)
	body := e.Append(nil, plain)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			body = e.Append(body[:0], plain)
		}
		b.ReportMetric(float64(len(body))/float64(len(plain)), "ratio")
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Parse(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
