package state

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
)

// entry is a file of the queue, with the batches of one Commit.
type entry struct {
	seq  uint64 // of its last batch
	more uint64 // batches before that
	size int64
	done bool // all outputs took it; it is there as the third copy of the state
}

const (
	batchSuffix = ".batch"
	doneSuffix  = ".done"
)

func (j *Job) file(e entry) string {
	suffix := batchSuffix
	if e.done {
		suffix = doneSuffix
	}
	name := fmt.Sprintf("%016x", e.seq)
	if e.more > 0 {
		name += fmt.Sprintf("-%x", e.more)
	}
	return filepath.Join(j.path(queueDir), name+suffix)
}

// parseEntry reads the name of a queue file; other files are none of ours.
func parseEntry(name string) (e entry, ok bool) {
	text, ok := strings.CutSuffix(name, batchSuffix)
	if !ok {
		text, ok = strings.CutSuffix(name, doneSuffix)
		e.done = ok
	}
	text, more, several := strings.Cut(text, "-")
	if !ok || len(text) != 16 {
		return entry{}, false
	}
	var err error
	if e.seq, err = strconv.ParseUint(text, 16, 64); err != nil || !several {
		return e, err == nil
	}
	e.more, err = strconv.ParseUint(more, 16, 64)
	return e, err == nil && e.more > 0 && e.more < e.seq
}

// scan lists the queue.
func (j *Job) scan() error {
	dir := j.path(queueDir)
	fi, err := j.opt.FS.Lstat(dir)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return fmt.Errorf("list queue: %w", advise(err))
	case !fi.IsDir():
		return fmt.Errorf("list queue %q: it is not a directory: remove it", dir)
	}
	list, err := j.opt.FS.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list queue: %w", advise(err))
	}
	for _, f := range list {
		e, ok := parseEntry(f.Name())
		if !ok {
			continue
		}
		fi, err := j.opt.FS.Lstat(filepath.Join(dir, f.Name()))
		if err != nil {
			return fmt.Errorf("list queue: %w", err)
		}
		e.size = fi.Size()
		j.queue = append(j.queue, e)
	}
	j.hasQueue = len(j.queue) > 0 // an empty one may not be durable
	slices.SortFunc(j.queue, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	return nil
}

// newest returns the state that the newest whole file of the queue led to.
func (j *Job) newest() *record {
	for _, e := range slices.Backward(j.queue) {
		r, _, err := j.parse(e)
		if err != nil {
			continue
		}
		for output, taken := range r.Taken {
			if e.done {
				r.Taken[output] = max(taken, e.seq)
			}
		}
		return r
	}
	return nil
}

// parse reads a queue file. An error that wraps ErrCorrupt says that it never
// will be readable; others may pass.
func (j *Job) parse(e entry) (*record, []*metric.Batch, error) {
	src, err := read(j.opt.FS, j.file(e))
	if err != nil {
		if fi, wrong := j.opt.FS.Lstat(j.file(e)); missing(wrong) || wrong == nil && !fi.Mode().IsRegular() {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return nil, nil, err
	}
	r, rest, err := parseRecord(src)
	if err != nil {
		return nil, nil, fmt.Errorf("read %q: %w", j.file(e), err)
	}
	batches, err := parseBatches(rest, r, e)
	if err != nil {
		return nil, nil, fmt.Errorf("read %q: %w", j.file(e), err)
	}
	return r, batches, nil
}

// parseBatches parses the batches of a queue file that has the name e and holds
// the state r.
func parseBatches(src []byte, r *record, e entry) (list []*metric.Batch, err error) {
	for seq := e.seq - e.more; len(src) > 0; seq++ {
		var b *metric.Batch
		if b, src, err = metric.CutBatch(src); err != nil {
			return nil, corrupt("%v", err)
		}
		if b.ID.Seq != seq || b.ID.Job != r.Job {
			return nil, corrupt("it is batch %d of another job or place", b.ID.Seq)
		}
		list = append(list, b)
	}
	if r.Seq != e.seq || uint64(len(list)) != e.more+1 {
		return nil, corrupt("it holds %d batches up to %d", len(list), r.Seq)
	}
	return list, nil
}

// discard removes batches newer than the state: their Commits did not succeed.
func (j *Job) discard() error {
	for n := len(j.queue); n > 0 && j.queue[n-1].seq > j.kept.Seq; n-- {
		if err := j.opt.FS.Remove(j.file(j.queue[n-1])); err != nil {
			return fmt.Errorf("remove a batch that belongs to no one: %w", advise(err))
		}
		j.queue = j.queue[:n-1]
	}
	return nil
}

// enqueue writes the batches and the state that they lead to. 2 fsyncs.
func (j *Job) enqueue(next *record, batches []*metric.Batch) error {
	dir := j.path(queueDir)
	if err := j.makeQueue(dir); err != nil {
		return fmt.Errorf("make queue: %w", advise(err))
	}
	data := next.append(nil)
	for _, b := range batches {
		data = metric.AppendBatch(data, b)
	}
	e := entry{seq: next.Seq, more: uint64(len(batches) - 1), size: int64(len(data))}
	vfs.Point("before-batch")
	if err := write(j.opt.FS, j.file(e), data); err != nil {
		return err
	}
	j.queue = append(j.queue, e)
	if err := j.opt.FS.SyncDir(dir); err != nil {
		j.unqueue(false)
		return fmt.Errorf("write %q: %w", j.file(e), advise(err))
	}
	vfs.Point("after-batch")
	return nil
}

// makeQueue makes the queue's directory, durably before a state counts on it.
func (j *Job) makeQueue(dir string) error {
	if j.hasQueue {
		return nil
	}
	if err := j.opt.FS.MkdirAll(dir); err != nil {
		return err
	}
	if err := j.opt.FS.SyncDir(j.dir); err != nil {
		return err
	}
	j.hasQueue = true
	return nil
}

// unqueue takes back the newest batch, which belongs to no one; if it cannot
// be removed it is overwritten by the next, or removed by the next Open. With
// keep the file stays: the state that it belongs to may be on disk.
func (j *Job) unqueue(keep bool) {
	last := len(j.queue) - 1
	if !keep {
		_ = j.opt.FS.Remove(j.file(j.queue[last]))
	}
	j.queue = j.queue[:last]
}

// Queue returns what Commits have put there and not all outputs took when Trim
// was last called, oldest first: the number of the last batch of each.
func (j *Job) Queue() []uint64 {
	seqs := make([]uint64, 0, len(j.queue))
	for _, e := range j.queue {
		if !e.done {
			seqs = append(seqs, e.seq)
		}
	}
	return seqs
}

// Batches reads the batches of one Commit, of which seq is the last. A file that
// is damaged or gone is put aside, its batches are counted in State.Damaged and
// it is said; the error then wraps ErrCorrupt, and the rest of the queue goes on. For one that
// Trim has deleted the error wraps ErrNotQueued.
func (j *Job) Batches(seq uint64) ([]*metric.Batch, error) {
	i := slices.IndexFunc(j.queue, func(e entry) bool { return e.seq == seq && !e.done })
	if i < 0 {
		return nil, fmt.Errorf("read batch %d: %w", seq, ErrNotQueued)
	}
	e := j.queue[i]
	r, b, err := j.parse(e)
	if err == nil && r.Job != j.kept.Job {
		err = fmt.Errorf("read %q: %w", j.file(e), corrupt("it is of another job"))
	}
	if !errors.Is(err, ErrCorrupt) {
		return b, err
	}
	j.queue = slices.Delete(j.queue, i, i+1)
	j.kept.Damaged += e.more + 1
	j.state.Damaged += e.more + 1
	j.opt.Log.Error("a queued batch is damaged and will not be delivered; it is kept aside", "file", j.file(e)+damagedAs, "err", err)
	if wrong := j.opt.FS.Rename(j.file(e), j.file(e)+damagedAs); wrong != nil && !missing(wrong) {
		err = errors.Join(err, wrong)
	}
	return nil, err
}

// Trim deletes the batches that all of the outputs took, and then, while the
// rest is larger than Options.SpoolSize, the oldest of it: those are counted
// in State.Dropped, and how many Commits they were of is returned. The newest is always kept. An output that
// has no cursor yet is owed what was written since Open.
//
// No fsync is needed: what comes back after a power cut is trimmed again.
func (j *Job) Trim(outputs []string) (dropped int, err error) {
	j.owe(outputs)
	j.state.Taken = maps.Clone(j.kept.Taken)
	low := j.kept.Seq
	for _, name := range outputs {
		low = min(low, j.kept.Taken[name])
	}
	if err := j.retire(low); err != nil {
		return 0, fmt.Errorf("trim queue: %w", advise(err))
	}
	return j.shrink()
}

// retire removes what all took, up to low. The newest of that stays under
// another name: it carries the state, should both other copies be damaged.
func (j *Job) retire(low uint64) error {
	n := 0 // how many are taken by all
	for n < len(j.queue) && j.queue[n].seq <= low {
		n++
	}
	if n == 0 {
		return nil
	}
	vfs.Point("before-delete")
	if e := j.queue[n-1]; !e.done {
		done := e
		done.done = true
		if err := j.opt.FS.Rename(j.file(e), j.file(done)); err != nil {
			return err
		}
		j.queue[n-1] = done
	}
	for ; n > 1; n-- {
		if err := j.opt.FS.Remove(j.file(j.queue[0])); err != nil {
			return err
		}
		j.queue = j.queue[1:]
	}
	return nil
}

// shrink drops the oldest batches while there is too much. They are counted
// before they go: a crash between may count one twice, but never hide one.
func (j *Job) shrink() (drop int, err error) {
	var waiting []entry
	size := int64(0)
	for _, e := range j.queue {
		if !e.done {
			waiting, size = append(waiting, e), size+e.size
		}
	}
	batches := uint64(0)
	for ; size > j.opt.SpoolSize && drop < len(waiting)-1; drop++ {
		size -= waiting[drop].size
		batches += waiting[drop].more + 1
	}
	if drop == 0 {
		return 0, nil
	}
	if j.stuck != nil {
		return 0, j.stuck
	}
	next := j.kept.clone()
	next.gen++
	next.Dropped += batches
	if err := j.save(next); err != nil {
		return 0, err
	}
	j.state.Dropped = next.Dropped
	j.opt.Log.Error("outputs did not take the oldest batches in time: they are dropped", "batches", batches, "limitBytes", j.opt.SpoolSize)
	for _, e := range waiting[:drop] {
		if err := j.opt.FS.Remove(j.file(e)); err != nil && !errors.Is(err, syscall.ENOENT) {
			return drop, fmt.Errorf("trim queue: %w", advise(err))
		}
		j.queue = slices.DeleteFunc(j.queue, func(x entry) bool { return x == e })
	}
	return drop, nil
}

// abandoned counts the batches that a twin's outputs did not take.
func (j *Job) abandoned(name string, twin *record) (n int) {
	list, err := j.opt.FS.ReadDir(filepath.Join(j.dir, name+queueDir))
	if err != nil {
		return 0
	}
	for _, f := range list {
		if e, ok := parseEntry(f.Name()); ok && !e.done && e.seq <= twin.Seq {
			n += int(e.more) + 1
		}
	}
	return n
}
