package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// Files are written by our own few lines rather than by renameio: every step
// has to go through vfs, so that tests can fail and crash at it.

// maxFile is far beyond any state or batch; what is longer is not ours.
const maxFile = 256 << 20

// read returns the content of a plain file. It follows no symbolic link.
func read(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.OpenNoFollow(name)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("read %q: it is a symbolic link, which is not followed here: remove it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", advise(err))
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read state: %w", err)
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("read %q: it is not a plain file: remove it", name)
	case fi.Size() > maxFile:
		return nil, fmt.Errorf("read %q: %w: %d bytes", name, ErrCorrupt, fi.Size())
	}
	b := make([]byte, fi.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return b, nil
}

// write makes a durable file, mode 0600, in the place of what may be left of
// an earlier try; its directory is still to be synced. On error there is none.
// 1 fsync.
func write(fsys vfs.FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if errors.Is(err, fs.ErrExist) {
		if err := fsys.Remove(name); err != nil {
			return advise(err)
		}
		f, err = fsys.Create(name)
	}
	if err != nil {
		return advise(err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if wrong := f.Close(); err == nil {
		err = wrong
	}
	if err != nil {
		_ = fsys.Remove(name) // else it is removed by the next try
		return fmt.Errorf("write %q: %w", name, advise(err))
	}
	return nil
}

// replace writes name aside and renames it into place. After an error that
// wraps ErrUncertain the old or the new content may be there; after others
// the old is. 2 fsyncs.
func replace(fsys vfs.FS, name string, data []byte) error {
	aside := name + ".new"
	if err := write(fsys, aside, data); err != nil {
		return err
	}
	err := fsys.Rename(aside, name)
	if err == nil {
		err = fsys.SyncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("replace %q: %w: %w", name, ErrUncertain, advise(err))
	}
	return nil
}

// syncAbove makes the entries of dir and of what is above it durable. What
// cannot be synced for want of rights, or is read-only, was not made by us.
func syncAbove(fsys vfs.FS, dir string) error {
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		err := fsys.SyncDir(up)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.EINVAL) {
			return advise(err)
		}
	}
	return nil
}

// advise adds to an error of the system what its user can do.
func advise(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w (free some space there)", err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (make the state directory writable for this user, or choose another)", err)
	}
	return err
}
