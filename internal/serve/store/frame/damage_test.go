package frame_test

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
)

// decodeAll decodes b in both ways.
func decodeAll(b []byte) (f *frame.Frame, rows [frame.Rows]error, whole error) {
	var d frame.Decoder
	var r frame.Row
	f = &frame.Frame{}
	whole = d.Decode(f, b)
	for i := range rows {
		_, _, rows[i] = d.DecodeRow(&r, b, i)
	}
	return f, rows, whole
}

func assertCorrupt(t *testing.T, b []byte, what ...any) {
	t.Helper()
	_, rows, err := decodeAll(b)
	require.ErrorIs(t, err, frame.ErrCorrupt, what...)
	for _, err := range rows {
		require.ErrorIs(t, err, frame.ErrCorrupt, what...)
	}
}

func TestEachFlippedByteIsNoticed(t *testing.T) {
	var e frame.Encoder
	b := e.Append(nil, frameOf(len(shapes), 20, 2))
	for i := range b {
		b[i] ^= 1 << (i % 8)
		assertCorrupt(t, b, "byte %d", i)
		b[i] ^= 1 << (i % 8)
	}
}

func TestEachTruncationIsNoticed(t *testing.T) {
	var e frame.Encoder
	b := e.Append(nil, frameOf(len(shapes), 20, 1))
	for i := range b {
		assertCorrupt(t, b[:i], "%d bytes", i)
	}
	assertCorrupt(t, append(b, 0))
}

// seal sets the checksum, so that what is behind it is looked at.
func seal(b []byte) []byte {
	if len(b) >= 5 {
		table := crc32.MakeTable(crc32.Castagnoli)
		binary.LittleEndian.PutUint32(b[1:], crc32.Update(crc32.Checksum(b[:1], table), table, b[5:]))
	}
	return b
}

// TestLengthsAreBelievedWithinBounds: what a frame says of its lengths costs no
// more memory than it can have.
func TestLengthsAreBelievedWithinBounds(t *testing.T) {
	header := func(numbers ...uint64) []byte {
		b := []byte{1, 0, 0, 0, 0, 0} // and Start
		for _, v := range numbers {
			b = binary.AppendUvarint(b, v)
		}
		return seal(b)
	}
	const huge = 1 << 29
	for _, b := range [][]byte{
		header(10, huge, 1, 64, 64, 0),
		header(10, 4097, 1, 64, 64, 0),
		header(10, 720, huge, 64, 64, 0),
		header(10, 720, 1, huge, 64, 0),
		header(10, 720, 1, 64, huge, 10),
		header(10, 720, 1, 64, 10, huge),
		header(10, 720, 1, 64, 4<<20, 20),
		header(10, 720, 2, 64, 64, 0, 0, 0, 0),
		header(0, 720, 1, 64, 64, 0),
		header(math.MaxUint64, 720, 1, 64, 64, 0),
		header(10, 720, 1, 63, 63, 0),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		assertCorrupt(t, b)
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20<<20))
	}
}

// FuzzDecode: bytes with a checksum that holds never panic, and both ways to read
// them agree.
func FuzzDecode(f *testing.F) {
	var e frame.Encoder
	f.Add(e.Append(nil, &frame.Frame{Step: 1, N: 1}))
	for s := range len(shapes) + 1 {
		f.Add(e.Append(nil, frameOf(s, 5, 1)))
		f.Add(e.Append(nil, frameOf(s, 9, 4)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, rows, whole := decodeAll(seal(b))
		if whole != nil {
			require.ErrorIs(t, whole, frame.ErrCorrupt)
			return
		}
		for i, err := range rows {
			require.NoError(t, err, "row %d", i)
			if got.Rows[i].Count != nil {
				require.Len(t, got.Rows[i].Last, got.N)
			}
		}
		var e frame.Encoder
		again, _, err := decodeAll(e.Append(nil, got))
		require.NoError(t, err, "what was read can be written")
		for i := range got.Rows {
			same(t, &got.Rows[i], &again.Rows[i], got.N)
		}
	})
}

// FuzzRoundTrip makes a frame of the bytes: whatever is in it comes back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{}, uint16(1))
	f.Add([]byte("\x01\x3f\xf0\x00\x00\x00\x00\x00\x00\x02"), uint16(3))
	for _, v := range odd {
		f.Add(binary.BigEndian.AppendUint64([]byte{7}, math.Float64bits(v)), uint16(60))
	}
	f.Fuzz(func(t *testing.T, b []byte, buckets uint16) {
		n := 1 + int(buckets)%200
		fr := &frame.Frame{Start: int64(len(b)), Step: 1 + int64(buckets), N: n}
		for i := 0; i < frame.Rows && len(b) > 0; i += 1 + int(b[0])%16 {
			fr.Rows[i] = rowOf(b[i%len(b):], n)
		}
		roundTrip(t, fr)
	})
}

// rowOf makes a row of bytes: of each bucket the first byte says what is in it.
func rowOf(b []byte, n int) frame.Row {
	r := newRow(n)
	next := func() (v uint64) {
		var word [8]byte
		b = b[copy(word[:], b):]
		return binary.BigEndian.Uint64(word[:])
	}
	for j := range n {
		if len(b) == 0 {
			break
		}
		kind := b[0]
		b = b[1:]
		r.Count[j] = uint64(kind >> 4)
		if kind&1 != 0 {
			r.Count[j] = next()
		}
		v := math.Float64frombits(next())
		if kind&2 != 0 {
			v = math.Trunc(v) / 10
		}
		r.Last[j], r.Min[j], r.Max[j], r.Sum[j] = v, v, v, v*float64(r.Count[j])
		if kind&4 != 0 {
			r.Min[j], r.Max[j] = math.Float64frombits(next()), math.Float64frombits(next())
		}
		if kind&8 != 0 {
			r.M2[j] = math.Float64frombits(next()) // denormals and negative ones have fewer bits to keep
			if !(r.M2[j] > math.Ldexp(1, -1022)) {
				r.M2[j] = 0
			}
		}
	}
	return r
}
