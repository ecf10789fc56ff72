package outputs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// textfile is a transport whose packet is the whole of a file, which is
// replaced in one step: node_exporter reads the old one or the new one. It
// reads files that end in .prom, and no other.
type textfile struct{ path string }

func newTextfile(opt Options, e *prometheusEncoder) (Output, error) {
	if !strings.HasSuffix(opt.Address, ".prom") || filepath.Base(opt.Address) == ".prom" {
		return nil, fmt.Errorf("textfile %q: it must end in .prom, or node_exporter does not read it", opt.Address)
	}
	print := dryRun{to: Address{PrometheusTextfile, opt.Address}, what: "file"}
	return &prometheusOutput{newOutput(opt, e, textfile{opt.Address}, print), e}, nil
}

func (t textfile) open(context.Context) (link, error) { return t, nil }

func (t textfile) send(_ context.Context, text []byte) error {
	if err := t.replace(text); err != nil {
		return fmt.Errorf("write %s: %w", t.path, err)
	}
	return nil
}

func (t textfile) finish(context.Context) error { return nil }
func (t textfile) close()                       {}

// replace writes a file beside the old one, which then takes its place. The
// file beside has always the same name, so that kills leave one at most, and it
// is made anew, so that nobody's link is followed.
func (t textfile) replace(text []byte) error {
	dir, name := filepath.Split(t.path)
	beside := filepath.Join(dir, "."+name+".new")
	if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	// 0644 whatever the umask: node_exporter is another user.
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(beside, t.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
