package notify

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Notify has wake called soon after the file at path was written to, made,
// replaced or removed, until ctx is done; it returns at once. The directory of
// path must be there; path need not be. wake must not block, and is called from
// goroutines of this package, perhaps once more just after ctx is done.
//
// An error says that nothing will come: that the directory is missing (fs.ErrNotExist)
// or not readable (fs.ErrPermission), that path is a directory, or that the
// kernel's fs.inotify limits are reached.
func (Files) Notify(ctx context.Context, path string, wake func()) error {
	s := &subscription{wake: wake}
	if err := process.open(path, s); err != nil {
		return fmt.Errorf("watch %q: %w", path, err)
	}
	context.AfterFunc(ctx, func() { process.close(s) })
	return nil
}

// subscription is one call of Notify.
type subscription struct {
	wake func()
	// The register's lock protects the fields below.
	names  []*name // the path, and what it leads to, link by link; only the first is sure to be there
	closed bool
}

// open resolves path and watches it for s.
func (r *register) open(path string, s *subscription) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// inotify knows a directory by one path only.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return err
	}
	path = filepath.Join(dir, filepath.Base(path))
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return cmp.Or(err, error(unix.ENOTDIR))
	}
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return unix.EISDIR
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.start(); err != nil {
		return err
	}
	n, err := r.attach(path, s)
	if err != nil {
		return err
	}
	s.names = []*name{n}
	r.follow(s)
	return nil
}

// start makes sure that the library has its inotify instance, for it ends the
// process when it cannot have one.
func (r *register) start() error {
	if r.started {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an inotify instance: %w", err)
	}
	r.started = true
	return unix.Close(fd)
}

// maxLinks is how many links are followed, as many as Linux does.
const maxLinks = 40

// chain returns path and what it leads to, link by link, be it there or not.
func chain(path string) []string {
	list := []string{path}
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break // no link, or nothing
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(to))
		if err != nil {
			break
		}
		path = filepath.Join(dir, filepath.Base(to))
		if slices.Contains(list, path) {
			break // they lead in a circle
		}
		list = append(list, path)
	}
	return list
}

// follow watches what the path of s leads to now, and tells whether that
// changed. What cannot be watched is left out: wakes tell of the links before it.
func (r *register) follow(s *subscription) (changed bool) {
	old := s.names
	s.names = s.names[:1:1]
	for _, path := range chain(old[0].path)[1:] {
		at := slices.IndexFunc(old, func(n *name) bool { return n.path == path })
		if at >= 0 {
			s.names = append(s.names, old[at])
		} else if n, err := r.attach(path, s); err == nil {
			s.names = append(s.names, n)
			changed = true
		}
	}
	for _, n := range old {
		if !slices.Contains(s.names, n) {
			r.detach(n, s)
			changed = true
		}
	}
	return changed
}

func (r *register) close(s *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.closed = true
	for _, n := range s.names {
		r.detach(n, s)
	}
}
