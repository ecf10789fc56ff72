package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func binaryField(name, value string) string {
	return name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n"
}

func TestExport(t *testing.T) {
	long := strings.Repeat("x", maxMessage)
	x := newExportReader(strings.NewReader("\n\n__CURSOR=a\nMESSAGE=1=2\nMESSAGE=second\nOTHER=x\nEMPTY=\n\n" +
		"__CURSOR=b\n" + binaryField("MESSAGE", "two\nlines\n\n") + binaryField("OTHER", long+"y") + "\n" +
		"__CURSOR=c\nMESSAGE=" + long + "\n\n" +
		"__CURSOR=d\nMESSAGE=" + long + "yz\n\n" +
		"__CURSOR=e\n" + binaryField("MESSAGE", long) + "\n" +
		"__CURSOR=f\n" + binaryField("MESSAGE", long+"\n") + binaryField("_HOSTNAME", strings.Repeat("h", maxField+1)) + "\n" +
		"__CURSOR=g\n_HOSTNAME=" + strings.Repeat("h", exportBuffer+1) + "\nMESSAGE=\n\n"))
	for _, want := range []struct {
		cursor, message string
		tooLong         int
	}{
		{"a", "1=2", 0}, {"b", "two\nlines\n\n", 0}, {"c", long, 0}, {"d", "", maxMessage + 2}, {"e", long, 0}, {"f", "", maxMessage + 1}, {"g", "", 0},
	} {
		e, err := x.next()
		require.NoError(t, err)
		assert.Equal(t, want.cursor, string(e.value[fCursor]))
		assert.True(t, want.message == string(e.value[fMessage]), want.cursor)
		assert.EqualValues(t, want.tooLong, e.tooLong, want.cursor)
		assert.Empty(t, e.value[fHost])
	}
	_, err := x.next()
	require.Equal(t, io.EOF, err)
}

// FuzzExport: whatever is read, an entry is one line, within the bounds, and
// reading in other pieces gives the same.
func FuzzExport(f *testing.F) {
	for _, s := range []string{
		"__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795000000000000\n_HOSTNAME=mx\nPRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\nSYSLOG_PID=1\nMESSAGE=removed\n\n",
		"__CURSOR=a\n" + binaryField("MESSAGE", "a\nb\x00") + binaryField("SYSLOG_IDENTIFIER", "x: y\n") + "\n",
		"__CURSOR=a\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7f", "MESSAGE\n\x01\x00\x00\x00\x00\x00\x00\x00ab", "\n\n\n", "=\n\n", "NAME", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		lines, err := exportLines(bytes.NewReader(p))
		again, errAgain := exportLines(&slow{p})
		assert.Equal(t, lines, again)
		assert.Equal(t, errors.Is(err, io.EOF), errors.Is(errAgain, io.EOF))
		for _, line := range lines {
			assert.False(t, strings.ContainsAny(line, "\n\r\x00"), line)
			header, _, ok := strings.Cut(line, ": ")
			assert.True(t, ok && strings.Count(header, " ") == 2, line)
		}
	})
}

func exportLines(r io.Reader) (lines []string, err error) {
	x := newExportReader(r)
	for {
		e, err := x.next()
		if err != nil {
			return lines, err
		}
		if e.tooLong > 0 {
			continue
		}
		lines = append(lines, string(appendLine(nil, e)))
	}
}

// slow gives a byte at a time.
type slow struct{ rest []byte }

func (s *slow) Read(p []byte) (int, error) {
	n := copy(p[:min(1, len(p))], s.rest)
	s.rest = s.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func BenchmarkExport(b *testing.B) {
	var entry []byte
	for range 100 {
		entry = append(entry, "__CURSOR=s=9cfd4702368544ed9ea92b39c36fcee9;i=1;b=0123456789abcdef0123456789abcdef;m=f4240;t=6608b015f3000;x=3d99051ac73121f9\n"+
			"__REALTIME_TIMESTAMP=1795000000000000\n__MONOTONIC_TIMESTAMP=1000000\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=mx\nSYSLOG_FACILITY=2\nPRIORITY=6\n"+
			"SYSLOG_IDENTIFIER=postfix/smtp\n_PID=601\n_COMM=smtp\nMESSAGE=4F0AC5E: to=<ann@example.org>, relay=mx.example.org[192.0.2.7]:25, delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7D3F1)\n\n"...)
	}
	r := bytes.NewReader(entry)
	x := newExportReader(r)
	var line []byte
	b.SetBytes(int64(len(entry)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(entry)
		for {
			e, err := x.next()
			if err != nil {
				break
			}
			line = appendLine(line[:0], e)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(100*b.N), "ns/entry")
}
