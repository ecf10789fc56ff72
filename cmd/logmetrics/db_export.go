package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/internal/wire/whisper"
)

type dbExportCmd struct {
	To      string `arg:"" type:"path" help:"The directory, which may be there; files of the same series are replaced."`
	Pattern string `arg:"" optional:"" help:"Only series that match, as in Graphite: servers.*.cpu"`
	dataFlags
	Aggregation string `group:"store" type:"path" placeholder:"FILE" help:"storage-aggregation.conf, which says the xFilesFactor. Built in: what statsd advises."`
}

// Run writes a whisper file for each series.
func (k *dbExportCmd) Run(ctx context.Context, c *console) error {
	rules, err := schema.Load("", k.Aggregation)
	if err != nil {
		return err
	}
	return k.withStore(c, nil, func(db *store.DB) error {
		pattern := k.Pattern
		var list []string
		if pattern != "" {
			found, err := db.Names().Expand(ctx, pattern, 0)
			if err != nil {
				return err
			}
			for _, m := range found {
				list = append(list, m.Path)
			}
		} else {
			for _, name := range db.Names().All() {
				list = append(list, string(name))
			}
		}
		bar := c.progress()
		defer bar.end()
		for i, name := range list {
			e := exporting{c: c, db: db, name: name, xff: rules.XFilesFactor(name)}
			if err := e.write(ctx, filepath.Join(k.To, filepath.FromSlash(whisper.Path(name)))); err != nil {
				return fmt.Errorf("export %s: %w", printable(name), err)
			}
			bar.showCount(i+1, len(list))
		}
		bar.end()
		_, err := fmt.Fprintf(c.stdout, "%d series\n", len(list))
		return err
	})
}

// exporting is the writing of one file.
type exporting struct {
	c    *console
	db   *store.DB
	name string
	xff  float64
}

// write makes the file aside first, so that a reader sees the old one or the new.
func (e *exporting) write(ctx context.Context, path string) error {
	h, points, err := e.read(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".export-*")
	if err != nil {
		return err
	}
	err = whisper.Write(f, h, func(i int) []whisper.Point { return points[i] })
	if err == nil {
		err = f.Chmod(0o644)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// read returns the header of the file, and the points of each archive: what a
// plain read of the tier shows.
func (e *exporting) read(ctx context.Context) (h whisper.Header, points [][]whisper.Point, err error) {
	info, _ := e.db.Series(e.name)
	now := e.c.now().Unix()
	h = whisper.Header{Method: info.Method, XFilesFactor: e.xff}
	for _, t := range info.Tiers {
		h.Archives = append(h.Archives, whisper.Archive{Step: t.Step, Points: t.Keep / t.Step})
		var list []whisper.Point
		// As much as the ring holds, up to the bucket that is open now.
		until := now - now%t.Step + t.Step
		err := eachPart(ctx, e.db, e.name, t, max(until-t.Keep, t.Step), until, func(cols *store.Columns) error {
			for i, v := range cols.Value {
				if !math.IsNaN(v) {
					list = append(list, whisper.Point{Time: cols.Start + int64(i)*cols.Step, Value: v})
				}
			}
			return nil
		})
		if err != nil {
			return h, nil, err
		}
		points = append(points, list)
	}
	return h, points, nil
}
