package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
)

// Commit makes the batches and the State durable together; there may be none,
// and nil stands for none. It sets their IDs. When it returns nil, the batches
// and the positions are on disk and may be delivered. When it returns an error
// nothing has moved: the State is again as it was after the last Commit, the
// IDs too, and nothing may be delivered; after one that wraps ErrUncertain the
// Job takes no more writes.
//
// It costs 6 fsyncs with batches, however many (their file, its directory, then
// each copy of the state and the directory), 4 without, and none when nothing
// changed. The first batch of all costs one more, for the queue's own entry.
// The batches come first, so no position is ever ahead of its batch; the
// second copy comes after the first is durable, so one is always whole.
func (j *Job) Commit(batches ...*metric.Batch) error {
	err := j.commit(slices.DeleteFunc(slices.Clone(batches), func(b *metric.Batch) bool { return b == nil }))
	if err != nil {
		err = errors.Join(err, j.restore())
	}
	return err
}

func (j *Job) commit(batches []*metric.Batch) error {
	if j.stuck != nil {
		return j.stuck
	}
	next, err := j.next()
	if err != nil {
		return err
	}
	if len(batches) == 0 {
		if slices.Equal(next.append(nil), j.kept.append(nil)) {
			return nil
		}
		next.gen++
		return j.save(next)
	}
	for _, b := range batches {
		if err := b.Check(); err != nil {
			return fmt.Errorf("commit a batch: %w", err)
		}
	}
	next.gen++
	taken := number(batches, next)
	if err := j.enqueue(next, batches); err != nil {
		taken.back()
		return err
	}
	if err := j.save(next); err != nil {
		taken.back()
		j.unqueue(errors.Is(err, ErrUncertain))
		return err
	}
	j.state.Seq = next.Seq
	return nil
}

// numbered are batches that were given numbers, and what they had before.
type numbered struct {
	batches []*metric.Batch
	before  []metric.BatchID
}

// number gives the batches the numbers that follow r's.
func number(batches []*metric.Batch, r *record) numbered {
	n := numbered{batches: batches}
	for _, b := range batches {
		n.before = append(n.before, b.ID)
		r.Seq++
		b.ID = metric.BatchID{Job: r.Job, Seq: r.Seq}
	}
	return n
}

func (n numbered) back() {
	for i, b := range n.batches {
		b.ID = n.before[i]
	}
}

// next returns the record to be written: what its user may change, of the
// State, and the rest as it was.
func (j *Job) next() (*record, error) {
	n := j.kept.clone()
	n.Logs, n.End, n.First = maps.Clone(j.state.Logs), j.state.End, j.state.First
	n.open = nil
	for _, b := range j.state.Open {
		if err := b.Check(); err != nil {
			return nil, fmt.Errorf("commit an open interval: %w", err)
		}
		n.open = append(n.open, metric.AppendBatch(nil, b))
	}
	for name, p := range n.Logs {
		if p.Offset < 0 || p.HeadLen < 0 || p.MarkLen < 0 {
			return nil, fmt.Errorf("commit position of %q: negative", name)
		}
	}
	return n, nil
}

// save writes r twice. The first copy decides: without the second the job is
// whole, and the next save tries again.
func (j *Job) save(r *record) error {
	data := r.append(nil)
	vfs.Point("before-state")
	if err := replace(j.opt.FS, j.path(mainFile), data); err != nil {
		if errors.Is(err, ErrUncertain) {
			j.stuck = err
		}
		return err
	}
	j.kept = r
	vfs.Point("between-states")
	if err := replace(j.opt.FS, j.path(backFile), data); err != nil {
		j.opt.Log.Warn("the second copy of the state is not written", "file", j.path(backFile), "err", err)
	}
	vfs.Point("after-state")
	return nil
}

// Took saves that output took the batch seq and all before it. 4 fsyncs, none
// when that was known.
func (j *Job) Took(output string, seq uint64) error {
	if taken, ok := j.kept.Taken[output]; ok && taken >= seq {
		return nil
	}
	if j.stuck != nil {
		return j.stuck
	}
	next := j.kept.clone()
	next.gen++
	next.Taken[output] = seq
	if err := j.save(next); err != nil {
		return err
	}
	j.state.Taken[output] = seq
	return nil
}
