package newline

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all gathers the ends of all lines with the given room.
func all(t testing.TB, data []byte, room int) (list []uint32) {
	t.Helper()
	dst := make([]uint32, room)
	for from := 0; from < len(data); {
		n, next := Ends(dst, data, from)
		require.LessOrEqual(t, n, room)
		require.LessOrEqual(t, next, len(data))
		require.True(t, n > 0 || next > from, "no progress")
		list = append(list, dst[:n]...)
		from = next
	}
	return list
}

func oneByOne(data []byte) (list []uint32) {
	for i, c := range data {
		if c == '\n' {
			list = append(list, uint32(i))
		}
	}
	return list
}

func TestEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		data := make([]byte, r.IntN(700))
		share := r.IntN(60) + 1
		for i := range data {
			if r.IntN(share) == 0 {
				data[i] = '\n'
			}
		}
		require.Equal(t, oneByOne(data), all(t, data, MinDst+r.IntN(200)), "%q", data)
	}
	assert.Equal(t, oneByOne(bytes.Repeat([]byte("\n"), 1000)), all(t, bytes.Repeat([]byte("\n"), 1000), MinDst))
	assert.Empty(t, all(t, make([]byte, 1000), MinDst))
}

// The bytes before and after data must not be taken for a part of it.
func TestEndsStaysWithinData(t *testing.T) {
	around := bytes.Repeat([]byte("\n"), 400)
	for n := range 200 {
		data := around[100 : 100+n : 100+n]
		for i := range data {
			data[i] = 'x'
		}
		assert.Empty(t, all(t, data, MinDst))
	}
}

func FuzzEnds(f *testing.F) {
	f.Add([]byte("a\nb\n"), 0)
	f.Add([]byte(strings.Repeat("x", 63)+"\n"+strings.Repeat("y", 64)+"\n"), 7)
	f.Fuzz(func(t *testing.T, data []byte, room int) {
		require.Equal(t, oneByOne(data), all(t, data, MinDst+int(uint8(room))))
	})
}

// The lines of BenchmarkEnds are of many lengths, as those of logs are.
func BenchmarkEnds(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var data []byte
	for len(data) < 256<<10 {
		data = append(append(data, strings.Repeat("x", 60+r.IntN(220))...), '\n')
	}
	sum := 0
	b.Run("IndexByte", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			for rest := data; len(rest) > 0; {
				n := bytes.IndexByte(rest, '\n')
				rest = rest[n+1:]
				sum += n
			}
		}
	})
	b.Run("Ends", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		var dst [256]uint32
		for b.Loop() {
			for from := 0; from < len(data); {
				var n int
				n, from = Ends(dst[:], data, from)
				for _, end := range dst[:n] {
					sum += int(end)
				}
			}
		}
	})
}
