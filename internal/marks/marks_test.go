package marks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// headOf says what Heads says of the line data[from:end], by its documentation.
func headOf(data []byte, from, end int, stamp *Stamp) (h Head) {
	for i := range stamp.want {
		if data[from+i]&stamp.care[i] != stamp.want[i] {
			return Head{}
		}
	}
	host := data[from+stamp.len+1:][:64]
	n := bytes.IndexByte(host, ' ')
	if n <= 0 || host[n-1] == ':' {
		return Head{}
	}
	h.At = uint32(from + stamp.len + 1 + n + 1)
	b := data[h.At:][:64]
	name, pid := bytes.IndexByte(b, '['), bytes.IndexByte(b, ']')
	if name < 1 || pid < name || bytes.ContainsAny(b[:pid], " :") || !bytes.HasPrefix(data[int(h.At)+pid+1:], []byte(": ")) || pid+3 >= 64 {
		return Head{}
	}
	h.Name, h.Text = uint8(name), uint8(pid+3)
	word := bytes.IndexAny(b[h.Text:], " :")
	if word <= 0 {
		return Head{}
	}
	h.Word = h.Text + uint8(word)
	at := int(h.At) + int(h.Word)
	if at+8 > end {
		return Head{}
	}
	h.Key = binary.LittleEndian.Uint64(data[at:])
	return h
}

// compareHeads holds Heads to headOf on all lines of data, of which the last
// Window bytes are for looking at alone.
func compareHeads(t *testing.T, data []byte, stamp *Stamp) (known int) {
	t.Helper()
	var ends []uint32
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, uint32(i))
		}
	}
	if len(ends) == 0 {
		return 0
	}
	dst := make([]Head, len(ends))
	for i := range dst {
		dst[i] = Head{Text: 1} // of the batch before
	}
	Heads(dst, data, 0, ends, stamp)
	from := 0
	for i, end := range ends {
		var want Head
		if fast && from+Window <= len(data) {
			want = headOf(data, from, int(end), stamp)
		}
		if want.Text == 0 {
			assert.Zero(t, dst[i].Text, "%q", data[from:end])
		} else {
			known++
			require.Equal(t, want, dst[i], "%q", data[from:end])
		}
		from = int(end) + 1
	}
	return known
}

const iso = "2026-11-21T03:08:56.984189+00:00"

func TestHeads(t *testing.T) {
	stamps := map[string]Stamp{"Nov  1 03:08:56": RFC3164, iso: Like([]byte(iso))}
	texts := []string{"4F0AC5E: removed", "connect from a[::1]", "4F0AC5E: to=<a>", "x", "x: ", " x: 45678", "", ": abcdefgh", "abcdefghijklmnopqrstuvwxyz:xxxxxxx"}
	rng := rand.New(rand.NewPCG(3, 4))
	for text, stamp := range stamps {
		known := 0
		for range 2000 {
			var data []byte
			for range 1 + rng.IntN(20) {
				host := bytes.Repeat([]byte("h"), rng.IntN(66))
				line := fmt.Appendf(nil, "%s %s postfix%s%s[%d]: %s", text, host, []string{"", "/smtp", "/submission/smtpd"}[rng.IntN(3)],
					bytes.Repeat([]byte("x"), rng.IntN(3)*rng.IntN(25)), rng.Uint32()>>rng.IntN(32), texts[rng.IntN(len(texts))])
				for range rng.IntN(3) * rng.IntN(2) {
					line[rng.IntN(len(line))] = "[]:/ \n\x00x9"[rng.IntN(9)]
				}
				data = append(append(data, line...), '\n')
			}
			data = append(data, bytes.Repeat([]byte(" [:]/"), rng.IntN(2)*Window)...)
			known += compareHeads(t, data, &stamp)
		}
		assert.Equal(t, fast, known > 2000, "%d of %s", known, text)
	}
}

func TestLike(t *testing.T) {
	for stamp, want := range map[string]bool{
		iso:                                true,
		"1999-01-02T23:59:00.000000+00:00": true,
		"2026-11-21T03:08:56.984189-00:00": false,
		"2026-11-21 03:08:56.984189+00:00": false,
		"2026-11-21T03:08: 6.984189+00:00": false,
		"2026-11-21T03:08:56.98418+00:00":  false,
	} {
		s := Like([]byte(iso))
		like := true
		for i, c := range []byte(stamp + " mx and what follows until there are 64 bytes in all") {
			like = like && (i >= len(s.want) || c&s.care[i] == s.want[i])
		}
		assert.Equal(t, want, like, stamp)
	}
	assert.Zero(t, Like(make([]byte, 64)).len)
}

func TestFields(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		data := make([]byte, rng.IntN(3*Window))
		for i := range data {
			data[i] = `,,>"abcdefgh`[rng.IntN(12)] | byte(rng.IntN(9)/8)<<7
		}
		var at []uint32
		for i := rng.IntN(40); i < len(data); i += 1 + rng.IntN(100) {
			at = append(at, uint32(i))
		}
		dst := make([]Fields, len(at))
		FieldsAt(dst, data, at, NewSet("\x00adg,"))
		for i, f := range dst {
			b := data[at[i]:]
			if !fast || len(b) < Window || at[0] < 16 {
				require.Zero(t, f)
				continue
			}
			compareFields(t, &f, b)
			for n := range uint8(20) {
				want := n <= 16 && len(bytes.Trim(data[at[i]-uint32(min(n, 16)):at[i]], "\x00adg,")) == 0
				require.Equal(t, want, f.Words(n), "%q", data[at[i]-16:at[i]])
			}
		}
	}
	FieldsAt(nil, nil, nil, new(Set))
}

func compareFields(t *testing.T, f *Fields, b []byte) {
	t.Helper()
	for i := range 64 {
		require.Equal(t, b[i] == '>' || b[i] == '"', f.Angle>>i&1 == 1)
	}
	for i := range 256 {
		require.Equal(t, b[i] == ',', f.Comma[i>>3]>>(i&7)&1 == 1)
		want := bytes.IndexByte(b[i:256], ',')
		if at, ok := f.Next(i); ok {
			require.Equal(t, i+want, at)
		} else {
			require.True(t, want < 0 || want > 56)
		}
	}
	_, ok := f.Next(256)
	require.False(t, ok)
}

func FuzzHeads(f *testing.F) {
	f.Add([]byte("Nov 21 03:08:56 mx postfix/smtp[601]: 4F0AC5E: to=<a@b>\n"))
	f.Add([]byte("Nov 21 03:08:56 mx: postfix/smtp[601]: connect from x\nNov  1 00:00:00  a[1]: b c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		compareHeads(t, append(data, make([]byte, Window)...), &RFC3164)
	})
}

func BenchmarkHeads(b *testing.B) {
	line := []byte("Nov 21 03:08:56 mx2.example.net postfix/qmgr[13790]: 4jql3qZHt32MX5: from=<a@example.org>, size=6668, nrcpt=1 (queue active)\n")
	data := append(bytes.Repeat(line, 256), make([]byte, Window)...)
	var ends []uint32
	for i := range 256 {
		ends = append(ends, uint32((i+1)*len(line)-1))
	}
	dst := make([]Head, len(ends))
	b.ReportAllocs()
	for b.Loop() {
		Heads(dst, data, 0, ends, &RFC3164)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ends)), "ns/line")
}
