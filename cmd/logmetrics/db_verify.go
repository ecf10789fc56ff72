package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

type dbVerifyCmd struct{ dataFlags }

// Run reads everything. What the store says while it opens counts, too.
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
		series = db.Names().Len()
		return db.Verify(ctx, func(d store.Damage) { damage.add(fmt.Sprintf("%s: %v", d.What, d.Err)) })
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
