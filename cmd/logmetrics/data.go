package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// dataDir returns where series are kept: by the flag, or where the system keeps
// what belongs to programs.
func dataDir(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/logmetrics/data", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "logmetrics"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &usageError{fmt.Sprintf("--data is missing: %v", err)}
	}
	return filepath.Join(home, ".local", "share", "logmetrics"), nil
}

// dataFlags say where series are kept.
type dataFlags struct {
	Data string `group:"store" type:"path" placeholder:"DIR" help:"Where series are kept. Default /var/lib/logmetrics/data as root, else $$XDG_DATA_HOME/logmetrics."`
}

// schemaFlags say what new series get.
type schemaFlags struct {
	Schemas     string `group:"store" type:"path" placeholder:"FILE" help:"storage-schemas.conf, as carbon has it. Built in: 10s:3d,5m:90d,1h:3y, and 1s:3d for ^flux\\."`
	Aggregation string `group:"store" type:"path" placeholder:"FILE" help:"storage-aggregation.conf, likewise. Built in: what statsd advises."`
}

// Of a data directory: the file that the process locks that has it open, and a
// folder that is always there.
const (
	lockName   = "lock"
	engineName = "pebble"
)

// existing returns the directory, in which there must be a store.
func (f *dataFlags) existing() (dir string, err error) {
	if dir, err = dataDir(f.Data); err != nil {
		return "", err
	}
	if _, err = os.Stat(filepath.Join(dir, engineName)); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s holds no series; --data names the directory of logmetrics serve", dir)
	}
	return dir, err
}

// read opens the store for a command that only reads. The caller closes it.
func (f *dataFlags) read(c *console, log *slog.Logger) (*store.DB, error) {
	dir, err := f.existing()
	if err != nil {
		return nil, err
	}
	return openStore(store.Options{Dir: dir, SealEvery: -1, Now: c.now, Log: log})
}

// write opens the store, which is made when there is none, without limits of its
// own for new series: who gives the command decides.
func (f *dataFlags) write(c *console, s schemaFlags, log *slog.Logger) (*store.DB, error) {
	dir, err := dataDir(f.Data)
	if err != nil {
		return nil, err
	}
	rules, err := schema.Load(s.Schemas, s.Aggregation)
	if err != nil {
		return nil, err
	}
	return openStore(store.Options{Dir: dir, Schemas: rules, SealEvery: -1, MaxSeries: math.MaxInt32, MaxNewSeries: math.MaxInt32, Now: c.now, Log: log})
}

// openStore leaves series the tiers that they have: the rules of the server are
// not known here.
func openStore(opt store.Options) (*store.DB, error) {
	opt.KeepTiers = true
	db, err := store.Open(opt)
	if errors.Is(err, store.ErrLocked) {
		return nil, inUse(err)
	}
	return db, err
}

// inUse tells what to do about a directory that another process has open.
func inUse(err error) error {
	return fmt.Errorf("%w; end logmetrics serve first, as with systemctl stop logmetrics-serve", err)
}
