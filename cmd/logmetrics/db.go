package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// dbCmd looks after what logmetrics serve keeps, while it does not run.
type dbCmd struct {
	Ls            dbLsCmd      `cmd:"" help:"List series."`
	Info          dbInfoCmd    `cmd:"" help:"Show how many series there are, with which tiers, and what they take."`
	Dump          dbDumpCmd    `cmd:"" help:"Print what is kept of series, as CSV."`
	Verify        dbVerifyCmd  `cmd:"" help:"Read all that is kept, and say what is damaged."`
	Backup        dbBackupCmd  `cmd:"" help:"Copy all that is kept into a new directory."`
	Restore       dbRestoreCmd `cmd:"" help:"Make a data directory of a backup."`
	ImportWhisper dbImportCmd  `cmd:"" help:"Take in the whisper files of a Graphite."`
	ExportWhisper dbExportCmd  `cmd:"" help:"Write whisper files, as a Graphite has them."`
}

type dbLsCmd struct {
	Pattern string `arg:"" optional:"" help:"Only series that match, as in Graphite: servers.*.cpu"`
	dataFlags
}

type dbInfoCmd struct {
	Points bool `group:"store" help:"Count the points, too; this reads everything."`
	dataFlags
}

// withStore opens the store for reading, and closes it after f.
func (f *dataFlags) withStore(c *console, log *slog.Logger, do func(db *store.DB) error) error {
	db, err := f.read(c, log)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// Run lists series.
func (k *dbLsCmd) Run(ctx context.Context, c *console) error {
	p := &printer{w: c.stdout}
	err := k.withStore(c, nil, func(db *store.DB) error {
		if k.Pattern == "" {
			for _, name := range db.Names().All() {
				if fmt.Fprintf(p, "%s\n", name); p.err != nil || ctx.Err() != nil {
					break
				}
			}
			return ctx.Err()
		}
		list, err := db.Names().Expand(ctx, k.Pattern, 0)
		for _, m := range list {
			fmt.Fprintln(p, m.Path)
		}
		return err
	})
	return errors.Join(err, p.err)
}

// tierCount is how much is kept with one combination of tiers.
type tierCount struct {
	tiers  string
	series int
}

// Run shows what is kept.
func (k *dbInfoCmd) Run(ctx context.Context, c *console) error {
	dir, err := k.existing()
	if err != nil {
		return err
	}
	_, size, err := listFiles(dir, copies)
	if err != nil {
		return err
	}
	p := &printer{w: c.stdout}
	err = k.withStore(c, nil, func(db *store.DB) error {
		t := tabwriter.NewWriter(p, 0, 8, 2, ' ', 0)
		counts, total := countTiers(db)
		fmt.Fprintf(t, "directory\t%s\nseries\t%d\nbytes\t%d\n", dir, total, size)
		for _, n := range counts {
			fmt.Fprintf(t, "tiers\t%s: %d series\n", n.tiers, n.series)
		}
		if k.Points {
			points, err := countPoints(ctx, c, db, total)
			if err != nil {
				return err
			}
			fmt.Fprintf(t, "points\t%d\nbytes a point\t%.2f\n", points, float64(size)/float64(max(points, 1)))
		}
		return t.Flush()
	})
	return errors.Join(err, p.err)
}

// countTiers returns the combinations of tiers, the most frequent first.
func countTiers(db *store.DB) (list []tierCount, total int) {
	counts := map[string]int{}
	for _, name := range db.Names().All() {
		info, _ := db.Series(string(name))
		counts[info.Tiers.String()]++
		total++
	}
	for tiers, n := range counts {
		list = append(list, tierCount{tiers, n})
	}
	slices.SortFunc(list, func(a, b tierCount) int {
		if a.series != b.series {
			return b.series - a.series
		}
		return strings.Compare(a.tiers, b.tiers)
	})
	return list, total
}

// countPoints counts the buckets of all tiers that hold something.
func countPoints(ctx context.Context, c *console, db *store.DB, total int) (points int, err error) {
	bar := c.progress()
	defer bar.end()
	done := 0
	for _, name := range db.Names().All() {
		err := eachTier(ctx, c, db, string(name), func(_ schema.Tier, cols *store.Columns) error {
			for _, n := range cols.Count {
				if n > 0 {
					points++
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		done++
		bar.showCount(done, total)
	}
	return points, nil
}

// fetchPoints is how many buckets are read at once: a few megabytes.
const fetchPoints = 1 << 16

// eachTier reads all that is kept of a series, tier by tier, in parts.
func eachTier(ctx context.Context, c *console, db *store.DB, name string, take func(schema.Tier, *store.Columns) error) error {
	info, _ := db.Series(name)
	now := c.now().Unix()
	for _, t := range info.Tiers {
		err := eachPart(ctx, db, name, t, now-t.Keep, now+maxAhead, func(cols *store.Columns) error { return take(t, cols) })
		if err != nil {
			return err
		}
	}
	return nil
}

// maxAhead is how far ahead of the clock points can be, in seconds.
const maxAhead = 86400

// eachPart reads one tier of a series between two times.
func eachPart(ctx context.Context, db *store.DB, name string, t schema.Tier, from, until int64, take func(*store.Columns) error) error {
	from = max(0, from-from%t.Step)
	for from < until {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(until, from+fetchPoints*t.Step)
		cols, err := db.Fetch(ctx, name, store.FetchOptions{From: from, Until: end, Step: t.Step})
		if err != nil {
			return err
		}
		if err := take(cols); err != nil {
			return err
		}
		from = end
	}
	return nil
}
