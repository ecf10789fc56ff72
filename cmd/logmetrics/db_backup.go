package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/serve/store"
)

type dbBackupCmd struct {
	To string `arg:"" type:"path" help:"The new directory."`
	dataFlags
}

type dbRestoreCmd struct {
	From string `arg:"" type:"path" help:"A directory that logmetrics db backup made, or a running server."`
	dataFlags
}

// A backup is a directory with all files of the data directory below data/, and
// their sums as sha256sum prints them.
const (
	backupSums = "SHA256SUMS"
	backupData = "data"
)

// Run copies the data directory.
func (k *dbBackupCmd) Run(ctx context.Context, c *console) (err error) {
	dir, err := k.existing()
	if err != nil {
		return err
	}
	lock, err := vfs.Default.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return fmt.Errorf("back up %q: %w; while logmetrics serve runs POST /admin/backup?name=NAME makes a backup, which logmetrics db restore takes, too", dir, store.ErrLocked)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	files, total, err := listFiles(dir, copies)
	if err != nil {
		return err
	}
	return makeWhole(k.To, func(part string) error {
		t := transfer{c: c, total: total, bar: c.progress()}
		defer t.bar.end()
		var sums strings.Builder
		for _, name := range files {
			sum, err := t.copy(ctx, filepath.Join(dir, name), filepath.Join(part, backupData, name))
			if err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.ToSlash(filepath.Join(backupData, name)))
		}
		return writeSynced(filepath.Join(part, backupSums), strings.NewReader(sums.String()))
	})
}

// Run makes a data directory of a backup.
func (k *dbRestoreCmd) Run(ctx context.Context, c *console) error {
	dir, err := dataDir(k.Data)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(k.From, engineName)); err == nil {
		return copyAll(ctx, c, k.From, dir)
	}
	sums, total, err := readSums(k.From)
	if err != nil {
		return err
	}
	return makeWhole(dir, func(part string) error {
		t := transfer{c: c, total: total, bar: c.progress()}
		defer t.bar.end()
		for _, s := range sums {
			name, ok := strings.CutPrefix(s.name, backupData+"/")
			if !ok {
				return fmt.Errorf("restore %q: %s names %q, which is not below %s/", k.From, backupSums, s.name, backupData)
			}
			got, err := t.copy(ctx, filepath.Join(k.From, filepath.FromSlash(s.name)), filepath.Join(part, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			if got != s.sum {
				return s.changed(k.From)
			}
		}
		return nil
	})
}

// copyAll is restore for a backup that a running server made: a directory as ours.
func copyAll(ctx context.Context, c *console, from, dir string) error {
	files, total, err := listFiles(from, copies)
	if err != nil {
		return err
	}
	return makeWhole(dir, func(part string) error {
		t := transfer{c: c, total: total, bar: c.progress()}
		defer t.bar.end()
		for _, name := range files {
			if _, err := t.copy(ctx, filepath.Join(from, name), filepath.Join(part, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// fileSum is a line of a backup's sums.
type fileSum struct{ sum, name string }

func (s fileSum) changed(dir string) error {
	return fmt.Errorf("%s is not as it was when the backup was made", filepath.Join(dir, filepath.FromSlash(s.name)))
}

func isBackup(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, backupSums))
	return err == nil
}

// readSums returns the files of a backup, and their size.
func readSums(dir string) (list []fileSum, total int64, err error) {
	f, err := os.Open(filepath.Join(dir, backupSums))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s is no backup: it has no %s", dir, backupSums)
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // read only
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, 0, fmt.Errorf("%s: %q is no line of sha256sum", f.Name(), printable(lines.Text()))
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, 0, err
		}
		total += info.Size()
		list = append(list, fileSum{sum, name})
	}
	if len(list) == 0 && lines.Err() == nil {
		return nil, 0, fmt.Errorf("%s is no backup: its %s names no files", dir, backupSums)
	}
	return list, total, lines.Err()
}

// verifyBackup compares a backup with its sums.
func verifyBackup(ctx context.Context, c *console, dir string) error {
	sums, total, err := readSums(dir)
	if err != nil {
		return err
	}
	t := transfer{c: c, total: total, bar: c.progress()}
	defer t.bar.end()
	var damage error
	for _, s := range sums {
		got, err := t.copy(ctx, filepath.Join(dir, filepath.FromSlash(s.name)), "")
		if err == nil && got != s.sum {
			err = s.changed(dir)
		}
		damage = errors.Join(damage, err)
	}
	if damage == nil {
		_, damage = fmt.Fprintf(c.stdout, "%s: %d files are as they were when the backup was made\n", dir, len(sums))
	}
	return damage
}

// copies is where a running server makes its backups, in the data directory.
const copies = "backups"

// listFiles returns the regular files and the links below dir, which may be a link,
// but not without, nor what is below it, unless that is "", and their size.
func listFiles(dir, without string) (names []string, total int64, err error) {
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, 0, err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		skip := without != "" && path == filepath.Join(dir, without)
		switch {
		case err == nil && skip && d.IsDir():
			return fs.SkipDir
		case err != nil || skip || !d.Type().IsRegular() && d.Type() != fs.ModeSymlink:
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names, total = append(names, name), total+info.Size()
		return err
	})
	return names, total, err
}

// makeWhole makes a directory, all or nothing: fill gets one beside it, which then
// takes its name. An empty one may be there.
func makeWhole(dir string, fill func(part string) error) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	list, err := os.ReadDir(dir)
	switch {
	case err == nil && len(list) > 0:
		return fmt.Errorf("%s is there, and not empty; nothing was changed", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is there, and no directory that can be read; nothing was changed: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-") // mode 0700
	if err != nil {
		return err
	}
	if err := fill(part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := syncDirs(part); err != nil {
		return err
	}
	err = unix.Rmdir(dir) // Rename does not take the place of an empty one; a file stays, whatever came meanwhile
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Rename(part, dir)
	} else {
		err = fmt.Errorf("take the place of %s: %w", dir, err)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	return syncDir(filepath.Dir(dir))
}

// transfer copies files, and shows how far it is.
type transfer struct {
	c           *console
	bar         *progress
	done, total int64
}

// copy copies a file, to nowhere if to is "", and returns its sum.
func (t *transfer) copy(ctx context.Context, from, to string) (sum string, err error) {
	f, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer f.Close() // read only
	hash := sha256.New()
	r := io.TeeReader(readerFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := f.Read(b)
		t.done += int64(n)
		t.bar.show(extract.Progress{Done: t.done, Total: t.total})
		return n, err
	}), hash)
	if to == "" {
		_, err = io.Copy(io.Discard, r)
	} else {
		err = writeSynced(to, r)
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// writeSynced makes a file that only its owner reads: there is a token among them.
func writeSynced(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDirs makes the names below dir durable.
func syncDirs(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
