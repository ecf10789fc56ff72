// Package vfs is the small seam through which tail and state touch files, so
// that tests can make any operation fail, or stop the world at it.
//
// It promises nothing beyond the operating system's own calls, and hides none of
// their errors; [OS] is the real thing. It reads no logs and knows no formats.
// Start from [FS].
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FS is what tail and state need of a file system.
type FS interface {
	// Open opens a file for reading and follows symbolic links. It does not
	// wait for the writer of a FIFO.
	Open(name string) (File, error)
	// OpenNoFollow opens a file for reading unless name is a symbolic link.
	OpenNoFollow(name string) (File, error)
	// Create makes a new file for writing, mode 0600; it fails when name exists.
	Create(name string) (File, error)
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	MkdirAll(name string) error // mode 0700
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes renames and removals in the directory durable.
	SyncDir(name string) error
	// Lock takes the lock that the file name stands for, making it (mode 0600)
	// when it is missing, until the result is closed or the process ends. The
	// file stays. It returns ErrLocked when another has the lock.
	Lock(name string) (io.Closer, error)
}

// ErrLocked says that another process, or another caller in this one, has the lock.
var ErrLocked = errors.New("locked")

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Stat() (fs.FileInfo, error)
	Sync() error
}

// OS is the operating system's file system.
type OS struct{}

// Open implements FS.
func (OS) Open(name string) (File, error) { return open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) }

// OpenNoFollow implements FS.
func (OS) OpenNoFollow(name string) (File, error) {
	return open(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// Create implements FS.
func (OS) Create(name string) (File, error) {
	return open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

// open keeps a nil *os.File from becoming a File that is not nil.
func open(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Stat implements FS.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Lstat implements FS.
func (OS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

// ReadDir implements FS.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// MkdirAll implements FS.
func (OS) MkdirAll(name string) error { return os.MkdirAll(name, 0o700) }

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// SyncDir implements FS.
func (OS) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Links returns how many names a file has, 0 when it was removed and is open
// still; 1 where the system does not tell.
func Links(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// Ident returns the device and inode of a file, and its owner; zeros where the
// system has none.
func Ident(fi fs.FileInfo) (dev, inode uint64, uid uint32) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), st.Ino, st.Uid
	}
	return 0, 0, 0
}
