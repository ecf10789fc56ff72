package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"

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
	files, total, err := listFiles(k.Tree)
	if err != nil {
		return err
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
	imp.bar.end()
	return imp.summary()
}

// importing is one import.
type importing struct {
	c   *console
	db  *store.DB
	bar *progress

	series, points, old, skipped int
}

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
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // carbon deletes files, too
	}
	if err != nil {
		return 0, err
	}
	if filepath.Ext(name) != whisper.Ext {
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

// take takes the points of one file.
func (i *importing) take(ctx context.Context, path string, name []byte, file *whisper.File) error {
	now := i.c.now().Unix()
	var broken error
	counts, err := i.db.Import(ctx, store.Imported{Name: name, Method: file.Method, Points: pointsOf(file, now, &broken)})
	if err != nil {
		return err
	}
	i.points += counts[store.Taken]
	i.old += counts[store.BadTime]
	if broken != nil {
		i.skip(path, broken)
		return nil
	}
	for r, n := range counts {
		if r := store.Refusal(r); n > 0 && r != store.Taken && r != store.BadTime {
			i.skip(path, fmt.Sprintf("%d points refused: %s", n, r))
			return nil
		}
	}
	i.series++
	return nil
}

func (i *importing) summary() error {
	_, err := fmt.Fprintf(i.c.stdout, "%d series, %d points; %d points are older than anything is kept\n", i.series, i.points, i.old)
	if i.skipped > 0 {
		return errors.Join(err, fmt.Errorf("%d files were not taken, or in part; the rest is in", i.skipped))
	}
	return err
}

// pointsOf yields the points of a file in the order of their times: of each
// archive what the finer ones do not reach back to. What cannot be a value is
// left out. An error of reading is left in broken.
func pointsOf(file *whisper.File, now int64, broken *error) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		from, err := beginnings(file, now)
		if err != nil {
			*broken = err
			return
		}
		for a := len(from) - 1; a >= 0; a-- {
			until := int64(math.MaxInt64)
			if a > 0 {
				until = from[a-1]
			}
			err := file.Each(a, now, func(p whisper.Point) error {
				if p.Time < from[a] || p.Time >= until || math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
					return nil
				}
				if !yield(p.Time, p.Value) {
					return errStopped
				}
				return nil
			})
			if err != nil {
				if !errors.Is(err, errStopped) {
					*broken = err
				}
				return
			}
		}
	}
}

// errStopped ends the reading of a file whose points nobody wants any more.
var errStopped = errors.New("stopped")

// beginnings returns from which time on the points of each archive count. At
// the end of a full ring a coarser point is taken in the place of the last few
// finer ones, which are only a part of it.
func beginnings(file *whisper.File, now int64) ([]int64, error) {
	from := make([]int64, len(file.Archives))
	for a := range from {
		first, last := int64(0), int64(0)
		err := file.Each(a, now, func(p whisper.Point) error {
			if first == 0 {
				first = p.Time
			}
			last = p.Time
			return nil
		})
		switch {
		case err != nil:
			return nil, err
		case a == len(from)-1:
			from[a] = 0
		case first == 0:
			from[a] = math.MaxInt64
		default:
			from[a] = cutAt(file.Archives[a], file.Archives[a+1].Step, first, last)
		}
		if a > 0 {
			from[a] = min(from[a], from[a-1])
		}
	}
	return from, nil
}

// cutAt returns where an archive, whose points are from first to last, takes over
// from the one of coarse seconds.
func cutAt(a whisper.Archive, coarse, first, last int64) int64 {
	cut := first - first%coarse
	if full := first-coarse <= last-a.Step*a.Points; full && cut < first {
		cut += coarse
	}
	return cut
}
