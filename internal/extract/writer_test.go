package extract_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// writer is a program that appends to a log of its own, and what rotates that.
// It keeps the file open, and may go on in it for a while after it was renamed.
type writer struct {
	w         *world
	path      string
	dated     bool     // generations get dates, else numbers
	names     []string // of dated generations, from old to new
	file      *os.File
	half      string   // what is still to be written of an unfinished line
	stale     bool     // the file was renamed
	rotations int      // since the world was complete
	packed    bool     // the newest generation was compressed, or never will be
	dates     int      // that were used
	diary     []string // what was done since then
}

func newWriter(w *world, path string, dated bool) *writer {
	w.t.Helper()
	wr := &writer{w: w, path: path, dated: dated, packed: true}
	wr.open()
	wr.append(1)
	w.t.Cleanup(func() { wr.file.Close() })
	return wr
}

func (wr *writer) open() {
	wr.w.t.Helper()
	var err error
	wr.file, err = os.OpenFile(wr.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	require.NoError(wr.w.t, err)
}

// note remembers what is done, for when it turns out wrong.
func (wr *writer) note(format string, args ...any) {
	wr.diary = append(wr.diary, fmt.Sprintf("%d: ", wr.w.written)+fmt.Sprintf(format, args...))
}

// append writes n lines in some pieces, perhaps with the beginning of another.
func (wr *writer) append(n int) {
	wr.w.t.Helper()
	random := wr.w.rand
	if wr.stale && random.IntN(3) == 0 {
		wr.reopen()
	}
	text := wr.half
	wr.note("append %d", n)
	for range n {
		text += wr.w.line()
	}
	if wr.half = ""; random.IntN(4) == 0 {
		line := wr.w.line()
		cut := 1 + random.IntN(len(line)-1)
		text, wr.half = text+line[:cut], line[cut:]
	}
	for len(text) > 0 {
		piece := 1 + random.IntN(len(text))
		wr.put(text[:piece])
		text = text[piece:]
	}
}

func (wr *writer) put(text string) {
	wr.w.t.Helper()
	_, err := wr.file.WriteString(text)
	require.NoError(wr.w.t, err)
}

// whole ends the line that was begun.
func (wr *writer) whole() {
	wr.w.t.Helper()
	wr.put(wr.half)
	wr.half = ""
}

// reopen moves to the file that is at the path, as a program does that is told
// of the rotation.
func (wr *writer) reopen() {
	wr.w.t.Helper()
	if !wr.stale {
		return
	}
	wr.whole()
	wr.note("reopen")
	require.NoError(wr.w.t, wr.file.Close())
	wr.open()
	wr.stale = false
}

// rotate does what logrotate does, in one of its ways: renaming, with a new file
// at once or not, or copying and truncating; compressing at once, later or
// never. Nothing is written meanwhile.
func (wr *writer) rotate() {
	wr.w.t.Helper()
	random := wr.w.rand
	wr.reopen()
	wr.rotations++
	if !wr.packed {
		wr.pack() // delaycompress
	}
	name := wr.next()
	wr.note("rotate to %s", filepath.Base(name))
	if random.IntN(4) == 0 {
		wr.whole()
		wr.note("copytruncate")
		wr.copy(name)
	} else {
		require.NoError(wr.w.t, os.Rename(wr.path, name))
		wr.stale = true
		if random.IntN(3) > 0 {
			wr.note("create")
			require.NoError(wr.w.t, os.WriteFile(wr.path, nil, 0o644))
		}
	}
	wr.names, wr.packed = append(wr.names, name), random.IntN(3) == 0
	if !wr.packed && random.IntN(2) == 0 {
		wr.reopen()
		wr.pack()
	}
}

// next makes room for a generation and returns its name.
func (wr *writer) next() string {
	wr.w.t.Helper()
	if wr.dated {
		for len(wr.names) > generations {
			for _, ext := range compressions {
				os.Remove(wr.names[0] + ext)
			}
			wr.names = wr.names[1:]
		}
		wr.dates++
		return fmt.Sprintf("%s-20251130-%d", wr.path, 1764460800+wr.dates)
	}
	for i := generations; i >= 1; i-- {
		for _, ext := range compressions {
			os.Rename(fmt.Sprintf("%s.%d%s", wr.path, i, ext), fmt.Sprintf("%s.%d%s", wr.path, i+1, ext))
		}
	}
	wr.names = nil
	return wr.path + ".1"
}

var compressions = []string{"", ".gz", ".zst", ".bz2", ".xz"}

func (wr *writer) copy(name string) {
	wr.w.t.Helper()
	text, err := io.ReadAll(io.NewSectionReader(wr.file, 0, 1<<40))
	require.NoError(wr.w.t, err)
	require.NoError(wr.w.t, os.WriteFile(name, text, 0o644))
	require.NoError(wr.w.t, wr.file.Truncate(0))
}

// pack compresses the newest generation, which nobody writes to.
func (wr *writer) pack() {
	wr.w.t.Helper()
	wr.packed = true
	tool := strings.Fields("gzip zstd bzip2 xz")[wr.w.rand.IntN(4)]
	wr.note("compress")
	if fi, err := os.Stat(wr.names[len(wr.names)-1]); err == nil && fi.Size() > 0 {
		wr.w.compressFile(wr.names[len(wr.names)-1], tool)
	}
}
