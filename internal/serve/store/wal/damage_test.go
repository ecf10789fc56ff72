package wal_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

// files are the contents of a log of some small files, one Sync each two records.
func contents(t testing.TB, n int) (names []string, data map[string][]byte) {
	t.Helper()
	fs := vfs.NewMem()
	l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{FileSize: 600})
	for i := range n {
		l.Append(fmt.Appendf(nil, "%d: %s", i, bytes.Repeat([]byte{byte(i)}, 20+i)))
		if i%2 == 1 {
			require.NoError(t, l.Sync())
		}
	}
	require.NoError(t, l.Close())
	list, err := l.Files()
	require.NoError(t, err)
	data = make(map[string][]byte)
	for _, e := range list {
		names = append(names, e.Name)
		data[e.Name] = load(t, fs, "log/"+e.Name)
		require.Len(t, data[e.Name], int(e.Size))
	}
	return names, data
}

func load(t testing.TB, fs *vfs.MemFS, name string) []byte {
	t.Helper()
	b, err := fs.UnsafeGetFileDataBuffer(name)
	require.NoError(t, err)
	return bytes.Clone(b)
}

// with returns a file system that holds the files.
func with(t testing.TB, data map[string][]byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	require.NoError(t, fs.MkdirAll("log", 0o700))
	for name, b := range data {
		f, err := fs.Create("log/"+name, "")
		require.NoError(t, err)
		_, err = f.Write(bytes.Clone(b))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	return fs
}

const headers = 72

// TestEachFlippedByte costs one record at most, or the rest of the last write,
// and is reported, but in a copy of a header.
func TestEachFlippedByte(t *testing.T) {
	names, data := contents(t, 30)
	require.Greater(t, len(names), 2)
	_, all, _ := opened(t, with(t, data), wal.Mark{}, wal.Options{})
	require.Len(t, all, 30)
	for i, name := range names {
		for at := range data[name] {
			data[name][at] ^= 1 << (at % 8)
			_, got, report := opened(t, with(t, data), wal.Mark{}, wal.Options{})
			what := fmt.Sprintf("%s, byte %d", name, at)
			require.Subset(t, all, got, what)
			switch {
			case at < headers:
				require.Equal(t, all, got, what)
			case report.TornTail > 0:
				require.Equal(t, i, len(names)-1, what)
				require.Empty(t, report.Damages, what)
				require.GreaterOrEqual(t, len(got), 28, what)
				require.Equal(t, all[:len(got)], got, what)
			default:
				require.Len(t, got, 29, what)
				require.Equal(t, name, report.Damages[0].Name, what)
				require.Positive(t, report.Damages[0].Bytes, what)
			}
			data[name][at] ^= 1 << (at % 8)
		}
	}
}

// TestEachTruncation costs what is behind it, and is reported.
func TestEachTruncation(t *testing.T) {
	names, data := contents(t, 30)
	_, all, _ := opened(t, with(t, data), wal.Mark{}, wal.Options{})
	for i, name := range names {
		whole := data[name]
		for _, zeroed := range []bool{false, true} {
			for at := range whole {
				data[name] = whole[:at]
				if zeroed {
					data[name] = append(bytes.Clone(whole[:at]), make([]byte, len(whole)-at)...)
				}
				fs := with(t, data)
				l, got, report := opened(t, fs, wal.Mark{}, wal.Options{})
				what := fmt.Sprintf("%s, %d bytes, zeroed %v", name, at, zeroed)
				require.Subset(t, all, got, what)
				require.Less(t, len(got), 30, what)
				if i < len(names)-1 {
					require.Len(t, report.Damages, 1, what)
					require.Equal(t, all[len(all)-1], got[len(got)-1], what)
				} else {
					require.Equal(t, all[:len(got)], got, what)
				}
				l.Append([]byte("new"))
				require.NoError(t, l.Close())
				_, again, _ := opened(t, fs, wal.Mark{}, wal.Options{})
				require.Equal(t, append(got, "new"), again, what)
			}
		}
		data[name] = whole
	}
}

// TestLostFiles costs those, and is reported.
func TestLostFiles(t *testing.T) {
	names, data := contents(t, 30)
	for i, name := range names[:len(names)-1] {
		was := data[name]
		delete(data, name)
		_, got, report := opened(t, with(t, data), wal.Mark{}, wal.Options{})
		assert.Less(t, len(got), 30)
		require.Len(t, report.Damages, 1)
		assert.Equal(t, int64(len(was)-headers), report.Damages[0].Bytes)
		assert.Equal(t, names[max(i-1, min(1, 1-i))], report.Damages[0].Name, "the one before, or the first")
		data[name] = was
	}
}

// TestStrangeFiles are left alone.
func TestStrangeFiles(t *testing.T) {
	names, data := contents(t, 10)
	for _, name := range []string{"0000001.log", "1.log", "00000x.log", "-00001.log", "000001.log.bak", "LOCK"} {
		data[name] = data[names[0]]
	}
	fs := with(t, data)
	l, got, report := opened(t, fs, wal.Mark{}, wal.Options{})
	assert.Len(t, got, 10)
	assert.Empty(t, report.Damages)
	m, err := l.Rotate()
	require.NoError(t, err)
	require.NoError(t, l.RemoveBefore(m))
	list, err := fs.List("log")
	require.NoError(t, err)
	assert.Len(t, list, 6)
}

// TestRenamedFile is not what its name says.
func TestRenamedFile(t *testing.T) {
	names, data := contents(t, 10)
	data["000099.log"] = data[names[0]]
	_, got, report := opened(t, with(t, data), wal.Mark{}, wal.Options{})
	assert.Len(t, got, 10)
	assert.Len(t, report.Damages, 1)
}

// TestZeroedTailIsNoRecord: zeroes behind the last frame are the end, however
// many there are.
func TestZeroedTailIsNoRecord(t *testing.T) {
	names, data := contents(t, 10)
	last := names[len(names)-1]
	data[last] = append(data[last], make([]byte, 100_000)...)
	_, got, report := opened(t, with(t, data), wal.Mark{}, wal.Options{})
	assert.Len(t, got, 10)
	assert.Empty(t, report.Damages)
	assert.EqualValues(t, 100_000, report.TornTail)
}

func TestVerifyChangesNothing(t *testing.T) {
	names, data := contents(t, 30)
	data[names[1]][100] ^= 1
	fs := with(t, data)
	report, err := wal.Verify(fs, "log", wal.Mark{})
	require.NoError(t, err)
	assert.EqualValues(t, 29, report.Records)
	assert.Equal(t, names[1], report.Damages[0].Name)
	list, err := fs.List("log")
	require.NoError(t, err)
	assert.Len(t, list, len(names))
}

// FuzzReplay: whatever is in a file, Replay ends, reads no more than is there, and
// what is appended then is read again.
func FuzzReplay(f *testing.F) {
	names, data := contents(f, 6)
	one := data[names[0]]
	f.Add(one, uint16(0), byte(0))
	f.Add(one[:len(one)-3], uint16(80), byte(7))
	f.Add(append(bytes.Clone(one), make([]byte, 50)...), uint16(1), byte(1))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, mask byte) {
		b = bytes.Clone(b)
		if len(b) > 0 {
			b[int(at)%len(b)] ^= mask
		}
		if len(b) >= headers/2 { // so that what the header says is looked at
			sum := crc32.Checksum(b[:32], crc32.MakeTable(crc32.Castagnoli))
			binary.LittleEndian.PutUint32(b[32:], sum)
		}
		fs := with(t, map[string][]byte{"000001.log": b, "000002.log": one})
		l, got, report := opened(t, fs, wal.Mark{}, wal.Options{})
		assert.LessOrEqual(t, report.Bytes, int64(len(b)+len(one)))
		l.Append([]byte("new"))
		require.NoError(t, l.Close())
		_, again, _ := opened(t, fs, wal.Mark{}, wal.Options{})
		require.Equal(t, append(got, "new"), again)
	})
}
