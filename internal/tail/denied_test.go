package tail_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/vfs"
)

// denying is a file system where names with a certain ending may not be opened,
// which permissions cannot do to tests that run as root.
type denying struct {
	vfs.OS
	ending string
}

func (d denying) deny(name string) error {
	if d.ending != "" && strings.HasSuffix(name, d.ending) {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return nil
}

func (d denying) Open(name string) (vfs.File, error) {
	if err := d.deny(name); err != nil {
		return nil, err
	}
	return d.OS.Open(name)
}

func (d denying) OpenNoFollow(name string) (vfs.File, error) {
	if err := d.deny(name); err != nil {
		return nil, err
	}
	return d.OS.OpenNoFollow(name)
}

func TestPermissionRemovedForAWhile(t *testing.T) {
	for _, ending := range []string{"mail.log", "mail.log.2"} {
		r := newRig(t, t.TempDir())
		r.append(5)
		r.run()
		r.append(5)
		r.rotate()
		r.append(5)
		r.rotate()
		r.append(5)
		_, err := tail.Open(r.path, r.pos, tail.Options{FS: denying{ending: ending}})
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, ending)
		r.run()
		r.exact()
	}
}

// TestNextFileDenied has logrotate create the new file first and give it its
// owner later.
func TestNextFileDenied(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.append(5)
	r.opt.FS = &denying{}
	f := r.open()
	r.got = r.read(f, all)
	r.append(5)
	r.rotate()
	r.append(5)
	r.opt.FS.(*denying).ending = "mail.log"
	r.got = append(r.got, r.read(f, 1)...)
	_, err := f.Next(t.Context(), nil)
	require.ErrorIs(t, err, fs.ErrPermission)
	r.opt.FS.(*denying).ending = ""
	r.got = append(r.got, r.read(f, all)...)
	r.exact()
	require.NoError(t, f.Close())
}

// TestOldGenerationDenied has an unreadable file that cannot be the one that is
// looked for.
func TestOldGenerationDenied(t *testing.T) {
	r := newRig(t, t.TempDir())
	r.opt.FS = denying{ending: ".2"}
	r.append(5)
	r.rotate()
	r.append(5)
	r.rotate()
	r.want = nil
	r.append(5)
	r.run()
	r.remove("")
	r.create()
	r.append(5)
	r.run()
	r.exact()
}
