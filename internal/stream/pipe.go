package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/feed"
)

// ErrNotFIFO is returned by Open for a path that is no FIFO.
var ErrNotFIFO = errors.New("not a FIFO")

// reopenPause is between two tries to open a FIFO whose writers are gone.
const reopenPause = time.Second

// openStdin reads a descriptor that other processes may share, so its flags
// stay as they are: poll(2) tells when there is something to be read.
func openStdin(opt Options) (*Source, error) {
	if opt.Stdin == nil {
		opt.Stdin = os.Stdin
	}
	conn, err := opt.Stdin.SyscallConn()
	fd := -1
	if err == nil {
		err = conn.Control(func(f uintptr) { fd = int(f) })
	}
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	p, err := newPoller(fd)
	if err != nil {
		return nil, err
	}
	s := start(opt, func(f *feed.Feed) error {
		defer p.alarm.Close()
		for {
			err := f.Fill(p.read)
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil && !errors.Is(err, feed.ErrStopped):
				return fmt.Errorf("read standard input: %w", err)
			case err != nil:
				return err
			}
		}
	})
	s.close = p.bell.Close
	return s, nil
}

// fifo reads a FIFO by its path. It is opened for reading only, which needs no
// right to write, and opened anew when the last writer has gone.
type fifo struct {
	path string
	opt  Options
	*poller
	got  bool // something came since it was opened
	last byte // the last one that came
}

func openFIFO(path string, opt Options) (*Source, error) {
	fd, err := openFIFOFile(path)
	if err != nil {
		return nil, err
	}
	p, err := newPoller(fd)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	r := &fifo{path: path, opt: opt, poller: p, last: '\n'}
	s := start(opt, r.run)
	s.close = p.bell.Close
	return s, nil
}

// openFIFOFile does not wait for a writer: O_NONBLOCK sees to it.
func openFIFOFile(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFIFO {
		err = ErrNotFIFO
	}
	if err != nil {
		return -1, errors.Join(fmt.Errorf("open %q: %w", path, err), unix.Close(fd))
	}
	return fd, nil
}

func (r *fifo) run(f *feed.Feed) error {
	defer r.alarm.Close()
	defer func() { unix.Close(r.fd) }()
	for {
		err := f.Fill(r.fill)
		if errors.Is(err, io.EOF) && r.opt.Follow {
			err = r.reopen(f)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, feed.ErrStopped):
			return err
		case err != nil:
			return fmt.Errorf("read FIFO %q: %w", r.path, err)
		}
	}
}

// fill is poller.read, and remembers what reopen needs to know.
func (r *fifo) fill(free []byte) (int, error) {
	n, err := r.read(free)
	if n > 0 {
		r.got, r.last = true, free[n-1]
	}
	return n, err
}

// reopen waits for the next writer. What the last one left unfinished is a line.
// The old descriptor is closed when there is a new one, so that nothing that is
// written in between is lost.
func (r *fifo) reopen(f *feed.Feed) error {
	if r.last != '\n' {
		r.last = '\n'
		if _, err := f.Write([]byte{'\n'}); err != nil {
			return err
		}
	}
	for said := false; ; {
		// Some systems tell of an end as long as there is no writer.
		if !r.got && r.stopped(reopenPause) {
			return feed.ErrStopped
		}
		r.got = false
		fd, err := openFIFOFile(r.path)
		if err == nil {
			unix.Close(r.fd)
			r.fd = fd
			return nil
		}
		if !said {
			said = true
			f.Fail(err)
		}
	}
}

// poller reads a descriptor in a way that closing bell ends.
type poller struct {
	fd          int
	alarm, bell *os.File // a pipe
	fds         [2]unix.PollFd
}

func newPoller(fd int) (*poller, error) {
	alarm, bell, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	return &poller{fd: fd, alarm: alarm, bell: bell, fds: [2]unix.PollFd{1: {Fd: int32(alarm.Fd()), Events: unix.POLLIN}}}, nil
}

// read waits for bytes and reads them. It returns io.EOF at the end, and
// feed.ErrStopped when bell was closed.
func (p *poller) read(free []byte) (int, error) {
	for {
		p.fds[0] = unix.PollFd{Fd: int32(p.fd), Events: unix.POLLIN}
		_, err := unix.Poll(p.fds[:], -1)
		if err == nil {
			if p.fds[1].Revents != 0 {
				return 0, feed.ErrStopped
			}
			var n int
			n, err = unix.Read(p.fd, free)
			if err == nil && n == 0 {
				return 0, io.EOF
			}
			if err == nil {
				return n, nil
			}
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return 0, err
		}
	}
}

// stopped waits for as long as d, and reports whether bell was closed.
func (p *poller) stopped(d time.Duration) bool {
	n, _ := unix.Poll(p.fds[1:], int(d/time.Millisecond)) // interrupted: sooner
	return n > 0
}
