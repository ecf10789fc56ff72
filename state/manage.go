package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// Info is what [List] tells of a job.
type Info struct {
	Name  string // as for Rewind and Forget
	State *State // nil when neither copy can be read
	Queue int    // batches that not all outputs took
	Bytes int64  // of these
	Err   error  // what is wrong with the state or its queue
}

// List returns the jobs that have a state in dir, sorted by name. It takes no
// lock and changes nothing: a run may be under way. Its error is about dir, and
// wraps fs.ErrNotExist when there is none.
func List(dir string) ([]Info, error) {
	fsys := vfs.OS{}
	list, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list states: %w", advise(err))
	}
	var infos []Info
	seen := map[string]bool{}
	for _, f := range list {
		name, ok := strings.CutSuffix(strings.TrimSuffix(f.Name(), ".bak"), mainFile)
		if ok && !seen[name] {
			seen[name] = true
			infos = append(infos, info(dir, name))
		}
	}
	return infos, nil
}

func info(dir, name string) Info {
	j := &Job{opt: Options{}.withDefaults(), dir: dir, name: name}
	i := Info{Name: name}
	main, err := readRecord(j.opt.FS, j.path(mainFile))
	back, wrong := readRecord(j.opt.FS, j.path(backFile))
	r := newer(main, back)
	if r == nil {
		i.Err = errors.Join(err, wrong)
		return i
	}
	s, err := r.view()
	i.State, i.Err = &s, errors.Join(err, j.scan())
	for _, e := range j.queue {
		if !e.done && e.seq <= r.Seq {
			i.Queue += int(e.more) + 1
			i.Bytes += e.size
		}
	}
	return i
}

// Rewind makes the job read log again from offset, which must be the start of
// a line in the file that it reads now; with log "" all its logs, from their
// beginning, without its open intervals. It takes the job's lock, and returns an
// error that wraps ErrLocked while a run has it.
func Rewind(dir, name, log string, offset int64) error {
	return change(dir, name, func(j *Job) error {
		s := j.State()
		if log == "" {
			s.Open, s.End = nil, 0 // by log time nothing is late then
			for path := range s.Logs {
				s.Logs[path] = Position{}
			}
			return j.Commit(nil)
		}
		p, ok := s.Logs[log]
		switch {
		case !ok:
			return fmt.Errorf("rewind %s: it does not read %q", name, log)
		case offset < 0 || offset > p.Offset:
			return fmt.Errorf("rewind %s: offset %d of %q is not between 0 and %d", name, offset, log, p.Offset)
		}
		p.Offset, p.Mark, p.MarkLen = offset, 0, 0
		s.Logs[log] = p
		return j.Commit(nil)
	})
}

// Forget removes the job's state and queue, with batches that no output took.
// The lock file stays: another may be waiting at it. It takes the job's lock.
func Forget(dir, name string) error {
	return change(dir, name, func(j *Job) error {
		queue := j.path(queueDir)
		list, err := j.opt.FS.ReadDir(queue)
		if err != nil && !missing(err) {
			return fmt.Errorf("forget %s: %w", name, err)
		}
		// The second copy goes before the first: a first that is missing alone
		// would look like damage.
		gone := []string{j.path(backFile), j.path(mainFile)}
		for _, suffix := range []string{mainFile, backFile} {
			gone = append(gone, j.path(suffix)+damagedAs, j.path(suffix)+".new")
		}
		for _, f := range list {
			gone = append(gone, filepath.Join(queue, f.Name()))
		}
		for output := range j.state.Taken {
			gone = append(gone, j.memoFile(output))
		}
		for _, file := range append(gone, queue) {
			if err := j.opt.FS.Remove(file); err != nil && !missing(err) {
				return fmt.Errorf("forget %s: %w", name, advise(err))
			}
		}
		return j.opt.FS.SyncDir(j.dir)
	})
}

// change calls fn with the job called name, which must have a state.
func change(dir, name string, fn func(*Job) error) error {
	if name != fileName(name) {
		return fmt.Errorf("%q is not the name of a job", name)
	}
	opt := Options{}.withDefaults()
	if _, err := opt.FS.Lstat(filepath.Join(dir, name+mainFile)); err != nil {
		if _, err := opt.FS.Lstat(filepath.Join(dir, name+backFile)); err != nil {
			return fmt.Errorf("no state of %q: %w", name, err)
		}
	}
	j, err := open(dir, name, opt)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := j.restore(); err != nil {
		return err
	}
	return fn(j)
}
