//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// stored is what a directory of logmetrics holds.
type stored struct {
	Points int64   // of series that begin with "bench."
	Sum    float64 // of the values of all series whose names hold "bench.", but for rates
	Filing float64 // seconds of CPU that it took to seal all, which a server does every ten minutes
	Fine   int64   // bytes of the sealed points of the finest resolution
	Disk   int64   // bytes of all files, sealed
}

// ask has another process look into the directory of a server that has ended: a
// store is to be closed by its owner only.
func ask(dir string) (s stored, err error) {
	out, err := exec.Command(os.Args[0], "-inspect", dir).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	return s, err
}

// printStored opens the store in dir as of two hours later, so that all buckets
// have closed.
func printStored(dir string) error {
	later := func() time.Time { return time.Now().Add(2 * time.Hour) }
	db, err := store.Open(store.Options{Dir: dir, SealEvery: -1, Now: later})
	if err != nil {
		return err
	}
	ctx := context.Background()
	var s stored
	err = s.count(ctx, db)
	before := ownCPU()
	err = errors.Join(err, db.Tend(ctx))
	s.Filing = ownCPU() - before
	err = errors.Join(err, db.Close())
	if err == nil {
		s.Disk = diskUse(dir)
		s.Fine, err = fineBytes(filepath.Join(dir, "pebble"))
	}
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(s))
}

// count reads all series in their finest resolution.
func (s *stored) count(ctx context.Context, db *store.DB) error {
	now := time.Now().Unix()
	for _, name := range db.Names().All() {
		cols, err := db.Fetch(ctx, string(name), store.FetchOptions{From: now - 4*3600, Until: now + 4*3600, Step: step})
		if err != nil {
			return err
		}
		own := strings.HasPrefix(string(name), "bench.")
		named := strings.Contains(string(name), "bench.") && !strings.HasSuffix(string(name), ".rate")
		for i, n := range cols.Count {
			if n > 0 && own {
				s.Points++
			}
			if n > 0 && named {
				s.Sum += cols.Last[i]
			}
		}
	}
	return nil
}

// fineBytes returns the size of the frames of the finest resolution: their keys
// begin with 't' and the step, as docs/store-format.md says.
func fineBytes(dir string) (n int64, err error) {
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, Logger: silent{}})
	if err != nil {
		return 0, err
	}
	key := func(step uint32) []byte { return binary.BigEndian.AppendUint32([]byte{'t'}, step) }
	size, err := db.EstimateDiskUsage(key(step), key(step+1))
	return int64(size), errors.Join(err, db.Close())
}

// silent is a log that nobody reads.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

func ownCPU() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // has no reason to fail
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// diskUse is what the files below dir take, in bytes.
func diskUse(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what goes while it is counted is not counted
		}
		if fi, err := d.Info(); err == nil {
			n += fi.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return n
}
