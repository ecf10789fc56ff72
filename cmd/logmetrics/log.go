package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// maxLogFile is the size in bytes at which the file of --log-dir is set aside,
// so that what we say fills no disk: at most twice this is used.
const maxLogFile = 10 << 20

// logger returns where messages go, and what to call at the end. Info and more
// severe ones are shown, with debug all.
func (c *console) logger(debug bool, dir string) (*slog.Logger, func()) {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	onStderr := &plainHandler{w: c.stderr, level: level, mu: new(sync.Mutex)}
	log := slog.New(onStderr)
	if dir == "" {
		return log, func() {}
	}
	f := &logFile{dir: dir}
	if err := f.open(); err != nil {
		// The logs are worth more than what is said about reading them.
		log.Warn("no messages are kept in --log-dir", "err", err)
		return log, func() {}
	}
	inFile := slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})
	return slog.New(slog.NewMultiHandler(onStderr, inFile)), f.close
}

// logFile appends to logmetrics.log in a directory, and sets it aside when it
// is full. Several jobs and programs may have it open: whoever finds it full
// sets it aside, and the others find that it is another one.
type logFile struct {
	dir string

	mu sync.Mutex // protects the field below
	f  *os.File
}

func (l *logFile) path() string { return filepath.Join(l.dir, "logmetrics.log") }

func (l *logFile) open() error {
	if err := os.MkdirAll(l.dir, 0o750); err != nil {
		return err
	}
	if fi, err := os.Stat(l.path()); err == nil && fi.Size() >= maxLogFile {
		if err := os.Rename(l.path(), l.path()+".1"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(l.path(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	l.close()
	l.f = f
	return nil
}

// Write appends a message. Messages are few, so that it may look each time.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own, err := l.f.Stat()
	there, err2 := os.Stat(l.path())
	if err != nil || err2 != nil || !os.SameFile(own, there) || there.Size() >= maxLogFile {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	return l.f.Write(b)
}

// close gives up what was opened last.
func (l *logFile) close() {
	if l.f != nil {
		_ = l.f.Close() // each message was written by itself
	}
}

// plainHandler writes records as people read them:
// "logmetrics: message key=value". It is safe for concurrent use.
type plainHandler struct {
	w     io.Writer
	level slog.Level
	attrs string // as written, each with a blank before it
	group string // before each key, ended by a dot
	mu    *sync.Mutex
}

// Enabled implements slog.Handler.
func (h *plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString("logmetrics: ")
	b.WriteString(printable(r.Message))
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(h.format(a))
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *plainHandler) format(a slog.Attr) string {
	return fmt.Sprintf(" %s%s=%s", h.group, a.Key, quoted(a.Value.Resolve().String()))
}

// WithAttrs implements slog.Handler.
func (h *plainHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	for _, a := range attrs {
		n.attrs += h.format(a)
	}
	return &n
}

// WithGroup implements slog.Handler.
func (h *plainHandler) WithGroup(name string) slog.Handler {
	n := *h
	n.group += name + "."
	return &n
}

// quoted quotes s when it would not read as one word.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " =\"") || printable(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// printable escapes what could steer a terminal or begin a new line.
func printable(s string) string {
	q := strconv.Quote(s)
	if len(q) == len(s)+2 {
		return s
	}
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
