package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/wire/whisper"
)

type dbImportCmd struct {
	Tree string `arg:"" type:"path" help:"The directory of the whisper files, as /var/lib/graphite/whisper."`
	dataFlags
	schemaFlags
}

// Run takes in all whisper files of the tree.
func (k *dbImportCmd) Run(ctx context.Context, c *console) (err error) {
	files, total, err := listFiles(k.Tree, "")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(name string) bool { return filepath.Ext(name) == whisper.Ext }) {
		return fmt.Errorf("there are no whisper files below %s, such as servers/web1/load%s", k.Tree, whisper.Ext)
	}
	db, err := k.write(c, k.schemaFlags, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	imp := &importing{c: c, db: db, bar: c.progress()}
	defer imp.bar.end()
	done := int64(0)
	for _, name := range files {
		size, err := imp.file(ctx, k.Tree, name)
		if err != nil {
			return err
		}
		done += size
		imp.bar.show(extract.Progress{Done: done, Total: total})
	}
	if err := imp.flush(ctx); err != nil {
		return err
	}
	imp.bar.end()
	return imp.summary()
}

// importing is one import. Files of a folder are taken together: their series are
// neighbours in the store, and so is what is kept of them.
type importing struct {
	c   *console
	db  *store.DB
	bar *progress

	waiting []store.Imported
	points  int // of those that wait

	result  store.ImportResult
	skipped int
}

// As many series as the store keeps together, and, when they are long, as fit
// into 32 MB.
const (
	importSeries = 64
	importPoints = 2 << 20
)

// maxTold is how many files that could not be taken are named.
const maxTold = 20

// skip counts a file that cannot be taken.
func (i *importing) skip(path string, why any) {
	if i.skipped++; i.skipped <= maxTold {
		i.bar.end()
		fmt.Fprintf(i.c.stderr, "%s: %v\n", printable(path), why)
	}
}

// file takes one file, and returns its size. An error ends the import; what is
// wrong with the file does not.
func (i *importing) file(ctx context.Context, tree, name string) (size int64, err error) {
	path := filepath.Join(tree, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // carbon deletes files, too
	}
	if err != nil {
		return 0, err
	}
	if info.IsDir() {
		i.skip(path, "it is a link to a directory, and not followed")
		return 0, nil
	}
	if filepath.Ext(name) != whisper.Ext || !info.Mode().IsRegular() {
		return info.Size(), nil
	}
	sent, ok := whisper.Name(filepath.ToSlash(name))
	canonical, good := names.AppendCanonical(nil, []byte(sent))
	if !ok || !good {
		i.skip(path, "its name tells no series")
		return info.Size(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		i.skip(path, err)
		return info.Size(), nil
	}
	defer f.Close() // read only
	file, err := whisper.Open(f, info.Size())
	if err != nil {
		i.skip(path, err)
		return info.Size(), nil
	}
	return info.Size(), i.take(ctx, path, canonical, file)
}

// take reads the points of one file.
func (i *importing) take(ctx context.Context, path string, name []byte, file *whisper.File) error {
	s := store.Imported{Name: name, Method: file.Method}
	now := i.c.now().Unix()
	for a, archive := range file.Archives {
		read := store.Archive{Step: archive.Step}
		err := file.Each(a, now, func(p whisper.Point) error {
			read.Points = append(read.Points, store.Point{Unix: p.Time, Value: p.Value})
			return ctx.Err()
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			i.skip(path, err)
			return nil
		}
		if n := len(read.Points); n > 0 {
			read.Full = read.Points[n-1].Unix - archive.Step*(archive.Points-1) // the ring's first place
			i.points += n
		}
		s.Archives = append(s.Archives, read)
	}
	i.waiting = append(i.waiting, s)
	if len(i.waiting) < importSeries && i.points < importPoints {
		return nil
	}
	return i.flush(ctx)
}

// flush hands over what waits.
func (i *importing) flush(ctx context.Context) error {
	r, err := i.db.Import(ctx, i.waiting)
	i.waiting, i.points = i.waiting[:0], 0
	i.result.Points += r.Points
	i.result.Old += r.Old
	i.result.Bad += r.Bad
	i.result.Refused += r.Refused
	for why, n := range r.Series {
		i.result.Series[why] += n
	}
	return err
}

func (i *importing) summary() error {
	r := &i.result
	p := &printer{w: i.c.stdout}
	fmt.Fprintf(p, "%d series, %d points", r.Series[store.Taken], r.Points-r.Old-r.Bad-r.Refused)
	if r.Old > 0 {
		fmt.Fprintf(p, "; %d are older than anything is kept", r.Old)
	}
	if r.Bad > 0 {
		fmt.Fprintf(p, "; %d are no numbers", r.Bad)
	}
	fmt.Fprintln(p)
	for why, n := range r.Series {
		if why := store.Refusal(why); n > 0 && why != store.Taken {
			i.skipped += n
			fmt.Fprintf(i.c.stderr, "%d series refused: %s\n", n, why)
		}
	}
	if i.skipped > 0 {
		return errors.Join(p.err, fmt.Errorf("%d files were not taken; the rest is in", i.skipped))
	}
	return p.err
}
