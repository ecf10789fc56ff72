package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

type dbVerifyCmd struct{ dataFlags }

// Run reads everything: what the store says of damage meanwhile is the result.
func (k *dbVerifyCmd) Run(ctx context.Context, c *console) error {
	dir, err := dataDir(k.Data)
	if err != nil {
		return err
	}
	if isBackup(dir) {
		return verifyBackup(ctx, c, dir)
	}
	p := &printer{w: c.stdout}
	damage := &faults{p: p}
	series := 0
	err = k.withStore(c, slog.New(damage), func(db *store.DB) (err error) {
		series, err = readAll(ctx, c, db, damage)
		return err
	})
	switch n := damage.count(); {
	case err != nil:
		return errors.Join(err, p.err)
	case n > 0:
		return errors.Join(fmt.Errorf("%s: %d things are damaged; what is not named is good", dir, n), p.err)
	}
	fmt.Fprintf(p, "%s: %d series are good\n", dir, series)
	return p.err
}

// readAll reads all tiers of all series.
func readAll(ctx context.Context, c *console, db *store.DB, damage *faults) (series int, err error) {
	total := db.Names().Len()
	bar := c.progress()
	defer bar.end()
	for _, name := range db.Names().All() {
		err := eachTier(ctx, c, db, string(name), func(schema.Tier, *store.Columns) error { return nil })
		if ctx.Err() != nil {
			return series, ctx.Err()
		}
		if err != nil {
			damage.add(fmt.Sprintf("series %s: %v", printable(string(name)), err))
		}
		series++
		bar.showCount(series, total)
	}
	return series, nil
}

// maxFaults is how many faults are printed; all are counted.
const maxFaults = 100

// faults prints what a store says of itself, from warnings on.
type faults struct {
	p *printer

	mu sync.Mutex // protects n, and p's use
	n  int
}

func (f *faults) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n++; f.n <= maxFaults {
		fmt.Fprintln(f.p, text)
	}
}

func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// Enabled reports whether a message of that level is damage.
func (f *faults) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle takes a message.
func (f *faults) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(", %s %v", a.Key, a.Value)
		return true
	})
	f.add(text)
	return nil
}

// WithAttrs and WithGroup have nothing to add: what a store says names its things.
func (f *faults) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup is as WithAttrs.
func (f *faults) WithGroup(string) slog.Handler { return f }
