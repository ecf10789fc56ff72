package extract

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/state"
)

// FlushTime is how long Follow goes on delivering when it is told to end.
const FlushTime = 4 * time.Second

// Follow runs the job until ctx is done: it reads the logs as they grow and
// makes a batch each Interval, which delivering never holds up. When ctx is
// done it makes a last batch of what was read, offers it to the outputs for up
// to FlushTime, and returns nil. It also returns nil when each of its sources
// has ended, as standard input does.
//
// A log that is not there yet is waited for. While nothing can be kept, as on a
// full disk, nothing is read. An error means that the job could not begin, or
// that nobody knows what is on disk (state.ErrUncertain); what was not kept has
// not moved, and is read again by the next Follow or Run. It wraps the errors
// that Run's does.
func Follow(ctx context.Context, job Job) error {
	r, err := begin(&job)
	if err != nil {
		return err
	}
	r.woken = make(chan struct{}, 1)
	f := &follower{run: r}
	return errors.Join(f.follow(ctx), r.close())
}

// follower is a job that is followed. It is owned by the goroutine of Follow.
type follower struct {
	*run
	pace   pace
	looked time.Time       // when logs were last looked for
	seq    uint64          // of the newest block, after the last pass
	going  bool            // there was an interval
	behind bool            // in this interval the logs were never read to their ends
	stuck  error           // why nothing can be kept
	more   []chan struct{} // to those that deliver
}

func (f *follower) follow(ctx context.Context) error {
	if err := f.start(); err != nil {
		return err
	}
	// Delivering goes on a little after ctx.
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, d := range f.job.Outputs {
		more := make(chan struct{}, 1)
		f.more = append(f.more, more)
		wg.Go(func() { f.keepDelivering(sending, d, more) })
	}
	for ctx.Err() == nil && !f.ended() {
		if err := f.interval(ctx); err != nil {
			return err
		}
	}
	f.rest(sending)
	return nil
}

// start opens the logs. A job that begins at their ends keeps these before
// anything else, so that nothing written from now on is missed.
func (f *follower) start() error {
	if _, err := f.paths(); err != nil {
		return err // a pattern that never will be good
	}
	f.look()
	if f.first && !f.job.FromBegin && len(f.in.files) > 0 {
		f.positions()
		if err := f.keep(nil); err != nil {
			return err
		}
	}
	f.first = false
	return nil
}

// interval reads until the interval's end, then keeps its batch.
func (f *follower) interval(ctx context.Context) error {
	step := int64(f.job.Interval.Seconds())
	stamp := f.stamp(step)
	now := f.job.Now()
	f.began = now
	due := now.Add(time.Unix(stamp+step, 0).Sub(now))
	more := f.readUntil(ctx, due)
	if ctx.Err() != nil {
		f.readStreams(ctx)
	}
	if f.in.broken != nil {
		return f.in.broken
	}
	f.positions()
	vfs.Point("after-read")
	if err := f.persist(ctx, f.finished(stamp, due, more)); err != nil {
		return err
	}
	f.going = true
	vfs.Point("before-emit")
	f.hand(ctx)
	return f.in.refresh(f.st.Open)
}

// stamp returns the start of the interval that is to be read now: the aligned
// one, or, when that has had a batch before a restart or by a clock that was
// ahead, the next that has not.
func (f *follower) stamp(step int64) int64 {
	now := f.job.Now().Unix()
	if behind := f.st.End - now; behind >= stampSlack {
		return now - now%step // that clock was wrong
	}
	free := f.st.End
	if !f.going { // a run from cron stamps its batch with its end
		free++
	}
	next := max(now-step+1, free)
	return next + (step-next%step)%step
}

// lookEvery is how often all logs are looked at, for notifications may be
// missed; findEvery how often new ones are looked for.
const (
	lookEvery = time.Second
	findEvery = 5 * time.Second
)

// readUntil reads what comes until due; more says that it was not all read.
func (f *follower) readUntil(ctx context.Context, due time.Time) (more bool) {
	end := time.NewTimer(due.Sub(f.job.Now()))
	defer end.Stop()
	tick := time.NewTicker(f.pace.every(len(f.in.files)))
	defer tick.Stop()
	f.look() // an interval of a second ends before the first tick
	f.behind = true
	for {
		more = f.in.pass(ctx, f.limit(), due)
		f.behind = f.behind && more
		f.read()
		if more && f.job.LogTime || f.in.broken != nil || ctx.Err() != nil || f.ended() || !f.job.Now().Before(due) {
			return more
		}
		select {
		case <-ctx.Done():
		case <-end.C:
			return false
		case <-f.woken:
			f.wake()
		case <-tick.C:
			f.look()
		}
		if f.pace.changed(f.job.Now()) {
			f.watch()
			tick.Reset(f.pace.every(len(f.in.files)))
		}
	}
}

// How long, at the end, streams are waited for: until nothing has come for
// quietTime, and not longer than drainTime.
const (
	quietTime = 20 * time.Millisecond
	drainTime = 500 * time.Millisecond
)

// readStreams reads what has come to sources without a position when the job is
// told to end: nobody can read it again, as the next Follow can read logs.
func (f *follower) readStreams(ctx context.Context) {
	streams := false
	for _, log := range f.in.files {
		log.ready = !log.over && log.source.Position() == (state.Position{})
		streams = streams || log.ready
	}
	if !streams {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	for ctx.Err() == nil {
		f.in.pass(ctx, 0, time.Time{})
		select {
		case <-f.woken:
			f.wake()
		case <-time.After(quietTime):
			cancel()
		case <-ctx.Done():
		}
	}
	f.read()
}

// read notes what came of a pass.
func (f *follower) read() {
	f.pace.blocks += int(f.in.seq - f.seq)
	f.seq = f.in.seq
	f.note(f.in.failed(), f.troubles)
	now, trouble := f.job.Now(), f.hindrance()
	f.job.Status.set(func(s *Snapshot) { s.Ready, s.Beat, s.Trouble = true, now, trouble })
}

// limit is how many bytes a pass may read: by the clock any number, by log time
// what leaves few intervals open.
func (r *run) limit() int64 {
	if r.job.LogTime {
		return roundBytes
	}
	return 0
}

// wake has those logs read that were written to.
func (f *follower) wake() {
	f.pace.wakes++
	for _, log := range f.in.files {
		if log.woken.Swap(false) {
			log.ready = !log.over
		}
	}
}

// look has all logs looked at, and from time to time looks for new ones.
func (f *follower) look() {
	for _, log := range f.in.files {
		log.ready = !log.over
	}
	now := f.job.Now()
	if since := now.Sub(f.looked); since >= 0 && since < findEvery {
		return
	}
	f.looked = now
	errs, err := f.open()
	if err != nil {
		errs = append(errs, err)
	}
	f.found(errs)
	f.watch()
	f.suspend(now)
}

// idleAfter is how long a log was not written to when its file is closed. It
// is opened again as soon as it is.
const idleAfter = 5 * time.Minute

// suspend closes the files of logs that are idle, so that a thousand of them
// take no descriptors.
func (f *follower) suspend(now time.Time) {
	for _, log := range f.in.files {
		if since := now.Sub(log.read); since < idleAfter {
			continue
		}
		if file, ok := log.source.(*tail.File); ok {
			if err := file.Suspend(); err != nil {
				f.job.Log.Debug("an idle log is not closed", "source", log.path, "err", err)
			}
		}
	}
}

// watch asks to be told when logs are written to, unless they are looked at
// more often than that. Where that was refused it is asked again each time.
func (f *follower) watch() {
	f.pace.blind = false
	for _, log := range f.in.files {
		switch {
		case f.pace.busy && log.stop != nil:
			log.stop()
			log.stop = nil
		case !f.pace.busy && log.stop == nil:
			log.stop = f.notify(log)
		}
	}
}

// notify returns what ends the notifications, nil when there are none.
func (f *follower) notify(log *file) (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	if _, plain := log.source.(*tail.File); !plain {
		return stop // it wakes us by itself
	}
	err := errors.ErrUnsupported
	if f.job.Notifier != nil {
		err = f.job.Notifier.Notify(ctx, log.path, f.waker(log))
	}
	if err == nil {
		return stop
	}
	stop()
	f.pace.blind = true
	f.job.Log.Debug("nobody tells when the log grows; it is looked at four times a second", "source", log.path, "err", err)
	return nil
}

// ended reports whether none of the sources will have anything again.
func (f *follower) ended() bool {
	for _, log := range f.in.files {
		if !log.over {
			return false
		}
	}
	return len(f.in.files) == len(f.job.Logs) && len(f.in.files) > 0
}

// finished returns the batches of an interval that is over, or cut short.
func (f *follower) finished(stamp int64, due time.Time, more bool) []*metric.Batch {
	if f.job.LogTime {
		return f.closed(more)
	}
	b := f.batch(f.st.End, stamp+int64(f.job.Interval.Seconds()))
	if now := f.job.Now(); now.Before(due) {
		b.End = max(now.Unix(), stamp+1)
	}
	if b.Start == 0 {
		b.Start = f.began.Unix()
	}
	b.Start = min(b.Start, b.End)
	b.Stamp, f.st.End = stamp, b.End
	list := f.in.drain(f.st)
	return append(list, f.fill(b, len(list)+1))
}
