package tail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// tb is what a rig needs of *testing.T and *rapid.T.
type tb interface {
	require.TestingT
	Helper()
	Logf(format string, args ...any)
}

// rig is a log, its writer, its rotation, and a job that reads it. The writer
// numbers its lines; each must arrive once, in order.
type rig struct {
	t     tb
	dir   string
	path  string
	opt   tail.Options
	buf   int // length of the reader's buffers
	pos   state.Position
	line  int        // the last number written
	half  string     // what was written of an unfinished line
	want  []string   // all whole lines, without what is known to be lost
	got   []string   // of runs that kept their position
	stats tail.Stats // losses and skips of those runs

	// follow says that runs go on with one open file, as a daemon does, and look
	// until nothing is new three times, so that the file comes to rest.
	follow bool
	kept   *tail.File
	past   tail.Stats // of files before kept
	// after is done to kept after each run, if it is set.
	after func(f *tail.File)
}

func newRig(t tb, dir string) *rig {
	r := &rig{t: t, dir: dir, path: filepath.Join(dir, "mail.log"), buf: 4 << 10}
	r.create()
	return r
}

func (r *rig) create() { r.write("mail.log", nil) }

func (r *rig) file(suffix string) string { return r.path + suffix }

func (r *rig) write(name string, data []byte) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.dir, name), data, 0o600))
}

// raw appends to the file with the given suffix.
func (r *rig) raw(suffix, text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.file(suffix), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	require.NoError(r.t, err)
	_, err = f.WriteString(text)
	require.NoError(r.t, err)
	require.NoError(r.t, f.Close())
}

func (r *rig) next() string {
	r.line++
	return fmt.Sprintf("line %06d %s", r.line, strings.Repeat("x", r.line*7%90))
}

// append writes n whole lines to the live file, ending one that is unfinished.
func (r *rig) append(n int) { r.t.Helper(); r.appendTo("", n) }

func (r *rig) appendTo(suffix string, n int) {
	r.t.Helper()
	var b strings.Builder
	for range n {
		whole := r.half
		if r.half == "" {
			whole = r.next()
			b.WriteString(whole)
		} else {
			r.half = ""
			whole += " end"
			b.WriteString(" end")
		}
		b.WriteString("\n")
		r.want = append(r.want, whole)
	}
	r.raw(suffix, b.String())
}

// partial writes the first half of a line.
func (r *rig) partial() {
	r.t.Helper()
	if r.half == "" {
		r.half = r.next()
		r.raw("", r.half)
	}
}

func (r *rig) rename(from, to string) {
	r.t.Helper()
	require.NoError(r.t, os.Rename(r.file(from), r.file(to)))
}

func (r *rig) remove(suffix string) {
	r.t.Helper()
	require.NoError(r.t, os.Remove(r.file(suffix)))
}

// shift renames the numbered generations, oldest first, as logrotate does.
func (r *rig) shift() {
	r.t.Helper()
	for i := 9; i > 0; i-- {
		for _, ext := range []string{"", ".gz", ".zst", ".xz"} {
			from := fmt.Sprintf(".%d%s", i, ext)
			if _, err := os.Lstat(r.file(from)); err == nil {
				r.rename(from, fmt.Sprintf(".%d%s", i+1, ext))
			}
		}
	}
}

// rotate renames the live file and creates a new one.
func (r *rig) rotate() {
	r.t.Helper()
	r.shift()
	r.rename("", ".1")
	r.create()
}

// copyTo makes the copy of copytruncate.
func (r *rig) copyTo(suffix string) {
	r.t.Helper()
	data, err := os.ReadFile(r.path)
	require.NoError(r.t, err)
	r.write("mail.log"+suffix, data)
}

func (r *rig) truncate() { r.t.Helper(); require.NoError(r.t, os.Truncate(r.path, 0)) }

func (r *rig) copytruncate() {
	r.t.Helper()
	r.shift()
	r.copyTo(".1")
	r.truncate()
}

// compress replaces a generation by its compressed self.
func (r *rig) compress(suffix, ext string) {
	r.t.Helper()
	data, err := os.ReadFile(r.file(suffix))
	require.NoError(r.t, err)
	r.write("mail.log"+suffix+ext, squeeze(r.t, ext, data))
	r.remove(suffix)
}

func squeeze(t tb, ext string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch ext {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	}
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// open opens the log as a run of the job does.
func (r *rig) open() *tail.File {
	r.t.Helper()
	if r.kept != nil {
		return r.kept
	}
	f, err := tail.Open(r.path, r.pos, r.opt)
	require.NoError(r.t, err)
	if r.follow {
		r.kept, r.past = f, r.stats
	}
	return f
}

// close ends a run, whose position is kept.
func (r *rig) close(f *tail.File) {
	r.t.Helper()
	r.pos = f.Position()
	if !r.follow {
		r.count(f.Stats())
		require.NoError(r.t, f.Close())
		return
	}
	r.stats = r.past
	r.count(f.Stats())
	if r.after != nil {
		r.after(f)
		require.Equal(r.t, r.pos, f.Position())
	}
}

// reopen ends what open kept.
func (r *rig) reopen() {
	r.t.Helper()
	if r.kept != nil {
		require.NoError(r.t, r.kept.Close())
		r.kept = nil
	}
}

// read reads up to most blocks; fewer when the end is reached.
func (r *rig) read(f *tail.File, most int) (lines []string) {
	r.t.Helper()
	for range most {
		b, err := f.Next(context.Background(), make([]byte, r.buf))
		if errors.Is(err, io.EOF) {
			return lines
		}
		require.NoError(r.t, err)
		lines = append(lines, split(r.t, b)...)
	}
	return lines
}

func split(t tb, b parsers.Block) []string {
	t.Helper()
	text := string(b.Bytes)
	require.True(t, strings.HasSuffix(text, "\n"), "a block ends with a line's end: %q", text)
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

const all = 1 << 30

// run is one run of the job.
func (r *rig) run() { r.t.Helper(); r.runFor(all) }

// runFor is a run that is told to stop after some blocks, and keeps its position.
func (r *rig) runFor(blocks int) {
	r.t.Helper()
	f := r.open()
	r.got = append(r.got, r.read(f, blocks)...)
	for range 2 {
		if r.follow && blocks == all {
			r.got = append(r.got, r.read(f, blocks)...)
		}
	}
	r.close(f)
}

func (r *rig) count(st tail.Stats) {
	r.stats.Gaps += st.Gaps
	r.stats.Lost += st.Lost
	r.stats.LongLines += st.LongLines
	r.stats.LongBytes += st.LongBytes
	r.stats.NulBytes += st.NulBytes
}

// killed is a run that does not come to keep its position.
func (r *rig) killed(blocks int) {
	r.t.Helper()
	f, err := tail.Open(r.path, r.pos, r.opt)
	require.NoError(r.t, err)
	r.read(f, blocks)
	require.NoError(r.t, f.Close())
}

// exact checks that all that was written has arrived once.
func (r *rig) exact() {
	r.t.Helper()
	same(r.t, r.want, r.got)
}

// same compares lines, and shows where they differ first.
func same(t tb, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "line %d of %d, got %d", i, len(want), len(got))
	}
	require.Len(t, got, len(want))
}

// tornAway says that the unfinished line will never be finished: its writer
// died, or moved to a new file.
func (r *rig) tornAway() {
	if r.half != "" {
		r.want = append(r.want, r.half)
		r.half = ""
	}
}
