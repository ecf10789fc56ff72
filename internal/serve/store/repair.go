package store

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openPebble opens Pebble in dir. Damage that would keep it from opening is mended
// before, or made such that it costs what was damaged; say is told.
func openPebble(dir string, opt *pebble.Options, say func(what string)) (*pebble.DB, error) {
	mended, err := mendManifest(opt.FS, dir)
	if err != nil {
		return nil, err
	}
	if mended {
		say("the manifest was damaged; its copy is in its place")
	}
	if err := dropOptions(opt.FS, dir); err != nil {
		return nil, err
	}
	db, err := pebble.Open(dir, opt)
	if err == nil {
		return db, nil
	}
	short := shortFiles(err)
	if len(short) == 0 {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	for _, f := range short {
		if err := f.pad(opt.FS); err != nil {
			return nil, fmt.Errorf("open engine: %w", err)
		}
		say(fmt.Sprintf("%s has %d bytes of %d; what it held is lost", f.path, f.size, f.should))
	}
	if db, err = pebble.Open(dir, opt); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return db, nil
}

// dropOptions removes the files that tell of which options Pebble was opened with
// before. They say nothing that is not said here, and one with a wrong byte would
// be refused.
func dropOptions(fs vfs.FS, dir string) error {
	list, err := fs.List(dir)
	if err != nil {
		return nil // there is none yet
	}
	for _, name := range list {
		if strings.HasPrefix(name, "OPTIONS-") {
			if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
				return fmt.Errorf("open engine: %w", err)
			}
		}
	}
	return nil
}

// short is a file that was cut.
type short struct {
	path         string
	size, should int64 // bytes
}

// sizeMismatch is how Pebble says so; it has no error value for it.
const sizeMismatch = `object size mismatch \(([^()\n]+)\): (\d+) \(disk\) != (\d+) \(MANIFEST\)`

// shortFiles returns the files that an error of Pebble's calls short; none when one
// is longer than it was.
func shortFiles(err error) (list []short) {
	for _, m := range regexp.MustCompile(sizeMismatch).FindAllStringSubmatch(err.Error(), -1) {
		size, e := strconv.ParseInt(m[2], 10, 64)
		should, f := strconv.ParseInt(m[3], 10, 64)
		if e != nil || f != nil || size >= should {
			return nil
		}
		list = append(list, short{m[1], size, should})
	}
	return list
}

// pad makes the file as long as it was, with zeroes, which no checksum takes for data.
func (s short) pad(fs vfs.FS) error {
	f, err := fs.OpenReadWrite(s.path, category)
	if err != nil {
		return err
	}
	zeroes := make([]byte, 64<<10)
	for at := s.size; at < s.should && err == nil; at += int64(len(zeroes)) {
		_, err = f.WriteAt(zeroes[:min(int64(len(zeroes)), s.should-at)], at)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
