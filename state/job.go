package state

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// The files of the job NAME in its directory.
const (
	lockFile  = ".lock"      // flock; stays for ever
	mainFile  = ".state"     // the state
	backFile  = ".state.bak" // the same once more; either alone is enough
	queueDir  = ".q"         // batches, each with the state that it led to
	damagedAs = ".damaged"   // what was damaged, kept aside
)

// Options configure a Job. The zero value is ready.
type Options struct {
	FS        vfs.FS       // nil: the operating system's
	Log       *slog.Logger // nil: nothing is said
	SpoolSize int64        // bytes of batches that outputs have not taken; 0: 64 MiB
	Beside    []string     // names of jobs that go on beside this one: it is none of them under another key
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SpoolSize == 0 {
		o.SpoolSize = 64 << 20
	}
	return o
}

// Job is the locked state of one job, and its queue. It is not safe for
// concurrent use.
type Job struct {
	opt      Options
	dir      string
	name     string
	lock     io.Closer
	kept     *record // as on disk
	state    State   // as its user sees and changes it
	queue    []entry // ascending
	hasQueue bool    // its directory is durable
	start    uint64  // kept.Seq when the job was opened
	fresh    bool
	lost     bool // all copies of the state were damaged
	from     string
	stuck    error // after ErrUncertain
}

// Open makes dir (mode 0700) if need be, takes the job's lock, and loads its
// state or makes a new one, which is written by the first Commit. It returns
// an error that wraps ErrLocked while another run has the lock.
func Open(dir string, key Key, opt Options) (*Job, error) {
	opt = opt.withDefaults()
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = opt.FS.MkdirAll(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("make state directory: %w", advise(err))
	}
	j, err := open(dir, key.Name(), opt)
	if err != nil {
		return nil, err
	}
	if j.fresh {
		j.create(key)
		// The directory is new, or left by a run that did not come further.
		if err := syncAbove(opt.FS, j.dir); err != nil {
			return nil, errors.Join(fmt.Errorf("make state directory: %w", err), j.Close())
		}
	}
	j.kept.Key = key
	j.owe(key.Outputs)
	if err := j.restore(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// open locks and loads the job called name.
func open(dir, name string, opt Options) (*Job, error) {
	j := &Job{opt: opt, dir: dir, name: name}
	var err error
	if j.lock, err = opt.FS.Lock(j.path(lockFile)); err != nil {
		if errors.Is(err, vfs.ErrLocked) {
			return nil, fmt.Errorf("lock %q: %w%s", j.path(lockFile), ErrLocked, j.holder())
		}
		return nil, fmt.Errorf("lock %q: %w", j.path(lockFile), advise(err))
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.start = j.kept.Seq
	return j, nil
}

func (j *Job) path(suffix string) string { return filepath.Join(j.dir, j.name+suffix) }

// holder names the process that has the lock, if that is known.
func (j *Job) holder() string {
	b, err := read(j.opt.FS, j.path(lockFile))
	pid := strings.TrimSpace(string(b[:min(len(b), 20)]))
	if err != nil || pid == "" || strings.Trim(pid, "0123456789") != "" {
		return ""
	}
	return ", process " + pid
}

// State returns what the job knows. Its user changes Logs, Open, End and
// First, and hands them over by Commit; the pointer stays the same.
func (j *Job) State() *State { return &j.state }

// Fresh reports whether there was no state.
func (j *Job) Fresh() bool { return j.fresh }

// From returns the name of the job at whose positions this fresh one starts,
// because it reads the same logs with the same parser; else "".
func (j *Job) From() string { return j.from }

// Close gives the lock back. It may be called twice.
func (j *Job) Close() error {
	if j.lock == nil {
		return nil
	}
	err := j.lock.Close()
	j.lock = nil
	return err
}

// restore sets what the user sees to what is kept.
func (j *Job) restore() (err error) {
	j.state, err = j.kept.view()
	return err
}

// create draws a new identity; a twin's positions are taken over, so that
// editing a crontab line leaves no gap.
func (j *Job) create(key Key) {
	// Numbers that were used before are not used again: an output may have taken them.
	j.kept = &record{State: State{Seq: j.kept.Seq, Logs: map[string]Position{}, Taken: map[string]uint64{}}}
	_, _ = rand.Read(j.kept.Job[:]) // never fails
	if j.lost {                     // it starts over, loudly, and not where another stands
		return
	}
	name, twin := j.twin(key)
	if twin == nil {
		return
	}
	j.from = name
	j.kept.Logs, j.kept.End, j.kept.First = twin.Logs, twin.End, twin.First
	if fmt.Sprint(twin.Key.Options) == fmt.Sprint(key.Options) {
		j.kept.open = twin.open
	}
	if n := j.abandoned(name, twin); n > 0 {
		j.opt.Log.Warn("the job that this one starts from has batches that its outputs did not take; run it once more as it was to deliver them",
			"job", name, "batches", n)
	}
}

// twinAge is how many seconds earlier than the newest twin another may have ended
// to be taken for what key was before an edit: a day, for jobs that run daily.
// What is older was given up, and its position with it.
const twinAge = 24 * 60 * 60

// twin returns the state of another job with the same logs and parser: that which
// has most in common with key, and the newest of those.
func (j *Job) twin(key Key) (name string, best *record) {
	all := j.twins(key)
	newest := int64(math.MinInt64)
	for _, r := range all {
		newest = max(newest, r.End)
	}
	for _, other := range slices.Sorted(maps.Keys(all)) {
		r := all[other]
		if r.End >= newest-twinAge && (best == nil || cmp.Or(cmp.Compare(r.Key.alike(key), best.Key.alike(key)), cmp.Compare(r.End, best.End)) > 0) {
			name, best = other, r
		}
	}
	return name, best
}

// twins returns by their names the states of all jobs that key may have been.
func (j *Job) twins(key Key) map[string]*record {
	all := make(map[string]*record)
	list, err := j.opt.FS.ReadDir(j.dir)
	if err != nil {
		return all
	}
	for _, e := range list {
		other, ok := strings.CutSuffix(strings.TrimSuffix(e.Name(), ".bak"), mainFile)
		if !ok || other == j.name || all[other] != nil || slices.Contains(j.opt.Beside, other) {
			continue
		}
		r := (&Job{opt: j.opt, dir: j.dir, name: other}).peek()
		if r != nil && r.Key.twin(key) {
			all[other] = r
		}
	}
	return all
}

// owe gives outputs without a cursor one: they are owed the batches written
// since the job was opened, not older ones.
func (j *Job) owe(outputs []string) {
	for _, name := range outputs {
		if _, ok := j.kept.Taken[name]; !ok {
			j.kept.Taken[name] = j.start
		}
	}
}

func readRecord(fsys vfs.FS, name string) (*record, error) {
	b, err := read(fsys, name)
	if err != nil {
		return nil, err
	}
	r, rest, err := parseRecord(b)
	if err == nil && len(rest) > 0 {
		err = corrupt("%d bytes follow it", len(rest))
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return r, nil
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
