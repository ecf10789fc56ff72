package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/gofrs/flock"
)

// Lock implements FS by flock(2): the lock ends with the process, however it
// ends, and the file's existence means nothing. The file holds the holder's
// process id, for messages only.
func (OS) Lock(name string) (io.Closer, error) {
	l := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		_ = l.Close()
		return nil, ErrLocked
	}
	if err := sign(name); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// sign writes the process id. A full disk does not matter: the id is a
// courtesy. What is not a plain file of one name is not written to: it may
// be somebody else's.
func sign(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err == nil && !private(fi) {
		err = fmt.Errorf("%s is not a plain file of its own", name)
	}
	if err == nil {
		_, _ = f.WriteAt([]byte(fmt.Sprintf("%-11s\n", strconv.Itoa(os.Getpid()))), 0)
	}
	_ = f.Close()
	return err
}

func private(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return fi.Mode().IsRegular() && (!ok || st.Nlink == 1)
}
