package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/feed"
)

const (
	// probeTime is how long journalctl may take to say which entry is the newest.
	probeTime = 30 * time.Second
	// The pauses before journalctl is started again double from the first to the last.
	firstPause = time.Second
	lastPause  = time.Minute
	// sayMax is how much of what journalctl says of its troubles is kept, in bytes.
	sayMax = 1 << 10
)

// child starts journalctl for the entries that args name.
type child struct {
	opt  *Options
	args []string
}

// command returns journalctl with the given arguments before those of the
// entries. It has a process group of its own: what is typed at a terminal ends
// us, and then we end it.
func (c *child) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{"--no-pager"}, args...)
	if c.opt.Directory != "" {
		args = append(args, "--directory="+c.opt.Directory)
	}
	cmd := exec.CommandContext(ctx, c.opt.program(), append(args, c.args...)...)
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	return cmd
}

// probe asks journalctl whether it sees the journal. It says so only where it
// is not asked for entries in a form for programs, with a hint for users who see
// their own entries alone.
func (c *child) probe() error {
	var said saying
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	cmd := c.command(ctx, "--lines=0")
	cmd.Stderr = &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("read the journal: %s, a program of systemd, is not installed: %w", c.opt.program(), err)
	}
	if err != nil {
		return c.wrap(err, said.text())
	}
	if text := said.text(); text != "" {
		c.opt.Log.Warn("journalctl says: " + text)
	}
	return nil
}

// newest returns the cursor of the newest entry, Begin when there is none.
func (c *child) newest() (string, error) {
	var said saying
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	cmd := c.command(ctx, "--output=export", "--boot=all", "--lines=1", "--output-fields=__CURSOR")
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", c.wrap(err, said.text())
	}
	e, err := newExportReader(bytes.NewReader(out)).next()
	if errors.Is(err, io.EOF) {
		return Begin, nil
	}
	if err != nil {
		return "", c.wrap(err, "")
	}
	return string(e.value[fCursor]), nil
}

// wrap names the program in an error, and what it said.
func (c *child) wrap(err error, said string) error {
	if said != "" {
		return fmt.Errorf("run %s: %w: %s", c.opt.program(), err, said)
	}
	return fmt.Errorf("run %s: %w", c.opt.program(), err)
}

// saying keeps the beginning of what a program writes to stderr.
type saying struct{ kept []byte }

// Write implements io.Writer.
func (s *saying) Write(p []byte) (int, error) {
	s.kept = append(s.kept, p[:min(len(p), sayMax-len(s.kept))]...)
	return len(p), nil
}

// text returns it in one line.
func (s *saying) text() string { return strings.Join(strings.Fields(string(s.kept)), " ") }

// reader is the goroutine's: it has entries written into the feed.
type reader struct {
	child
	feed   *feed.Feed
	gaps   *atomic.Int64
	cursor []byte // of the last entry in frames or the feed, or Begin
	frames []byte // not yet in the feed, see Source.strip
}

// run reads to the journal's end, or with Follow until ctx is done.
func (r *reader) run(ctx context.Context) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		before := string(r.cursor)
		err := r.once(ctx)
		if !r.opt.Follow || errors.Is(err, feed.ErrStopped) {
			r.feed.End(err)
			return
		}
		if err == nil {
			err = r.wrap(errors.New("it ended by itself"), "")
		}
		r.feed.Fail(err)
		if string(r.cursor) != before {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-r.feed.Stopped():
			return
		}
	}
}

// arguments returns those of the next run.
//
// It is given the cursor of the entry that was read last and not the one
// behind it (--after-cursor): with that it leaves out one more entry when the
// one of the cursor is gone, or does not match.
func (r *reader) arguments() []string {
	args := []string{"--output=export", "--output-fields=" + outputFields(), "--boot=all"} // --follow alone means this boot
	switch {
	case string(r.cursor) != Begin:
		args = append(args, "--no-tail", "--cursor="+string(r.cursor))
	case r.opt.Last > 0:
		args = append(args, "--lines="+strconv.Itoa(r.opt.Last))
	default:
		args = append(args, "--no-tail")
	}
	if r.opt.Follow {
		args = append(args, "--follow")
	}
	return args
}

// once runs journalctl until it ends.
func (r *reader) once(ctx context.Context) error {
	var said saying
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := r.command(ctx, r.arguments()...)
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return r.wrap(err, "")
	}
	copyErr := r.copy(out)
	if copyErr != nil && !errors.Is(copyErr, io.ErrUnexpectedEOF) {
		cancel() // it is not at its end
	}
	waitErr := cmd.Wait()
	switch {
	case errors.Is(copyErr, feed.ErrStopped):
		return copyErr
	case errors.Is(copyErr, io.ErrUnexpectedEOF):
		copyErr, waitErr = waitErr, copyErr // why it ended says more
	}
	if err := cmp.Or(copyErr, waitErr); err != nil {
		return r.wrap(err, said.text())
	}
	return nil
}

// copy writes the entries of out into the feed, all of a read(2) at once.
func (r *reader) copy(out io.Reader) error {
	err := r.entries(newExportReader(flushing{out, r}))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return cmp.Or(r.flush(), err)
}

// flushing is a Reader that writes r's frames before it reads, which may wait.
type flushing struct {
	io.Reader
	r *reader
}

// Read implements io.Reader.
func (f flushing) Read(p []byte) (int, error) {
	if err := f.r.flush(); err != nil {
		return 0, err
	}
	return f.Reader.Read(p)
}

func (r *reader) flush() error {
	_, err := r.feed.Write(r.frames)
	r.frames = r.frames[:0]
	return err
}

// entries makes frames of entries until there is an error.
func (r *reader) entries(x *exportReader) error {
	for first := string(r.cursor) != Begin; ; first = false {
		e, err := x.next()
		if err != nil {
			return err
		}
		cursor := e.value[fCursor]
		if len(cursor) == 0 || bytes.IndexByte(cursor, 0) >= 0 {
			return fmt.Errorf("%w: an entry without a cursor", errFormat)
		}
		if first && bytes.Equal(cursor, r.cursor) {
			continue
		}
		if first {
			r.gaps.Add(1)
			r.opt.Log.Warn("the entry that was read last is no longer in the journal; entries after it may be lost")
		}
		r.add(e)
	}
}

// add makes a frame of e.
func (r *reader) add(e *entry) {
	start := len(r.frames)
	if e.tooLong == 0 {
		r.frames = appendLine(r.frames, e)
	}
	if n := int64(len(r.frames)-start) + e.tooLong; n > int64(r.opt.MaxLine) {
		r.feed.Skipped(int(n))
		r.frames = r.frames[:start]
	}
	r.frames = append(r.frames, 0)
	r.frames = append(r.frames, e.value[fCursor]...)
	r.frames = append(r.frames, '\n')
	r.cursor = append(r.cursor[:0], e.value[fCursor]...)
}
