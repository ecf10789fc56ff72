package state

import (
	"errors"
	"fmt"
)

// load finds the newest of what the job's files say.
//
// state and state.bak have the same content, so either alone is enough. Only
// when one of them is damaged, or state is missing, does the queue have a say:
// then its newest whole file stands for the state that it led to, if that is
// newer than what is left. In a job whose files are whole a batch newer than
// the state belongs to no one: its Commit did not succeed.
func (j *Job) load() error {
	if err := j.scan(); err != nil {
		return err
	}
	main, wrong := readRecord(j.opt.FS, j.path(mainFile))
	back, wrong2 := readRecord(j.opt.FS, j.path(backFile))
	for _, err := range []error{wrong, wrong2} {
		if err != nil && !missing(err) && !errors.Is(err, ErrCorrupt) {
			return err
		}
	}
	damaged := damage(wrong, wrong2)
	j.kept = newer(main, back)
	if damaged {
		j.kept = newer(j.kept, j.newest())
		j.report(wrong, wrong2)
	}
	if j.kept == nil {
		return j.begin(damaged)
	}
	settle := j.discard
	if damaged {
		settle = j.putAside
	}
	if err := settle(); err != nil {
		return err
	}
	if damaged || back == nil || main.gen != back.gen {
		j.heal()
	}
	return nil
}

// damage tells, from the errors of reading state and state.bak, whether one of
// them does not hold what was written to it.
func damage(main, back error) bool {
	return errors.Is(main, ErrCorrupt) || errors.Is(back, ErrCorrupt) || missing(main) && !missing(back)
}

// peek is what load would find, without a lock and without a change; nil when there is nothing.
func (j *Job) peek() *record {
	main, wrong := readRecord(j.opt.FS, j.path(mainFile))
	back, wrong2 := readRecord(j.opt.FS, j.path(backFile))
	r := newer(main, back)
	if damage(wrong, wrong2) && j.scan() == nil {
		r = newer(r, j.newest())
	}
	return r
}

// newer returns the one of the higher generation, a when they are the same.
func newer(a, b *record) *record {
	if a == nil || b != nil && b.gen > a.gen {
		return b
	}
	return a
}

// report says what is damaged, and keeps it aside.
func (j *Job) report(wrong ...error) {
	for i, suffix := range []string{mainFile, backFile} {
		name := j.path(suffix)
		switch {
		case errors.Is(wrong[i], ErrCorrupt):
			j.opt.Log.Warn("a state file is damaged; it is kept aside", "file", name+damagedAs, "err", wrong[i])
			if err := j.opt.FS.Rename(name, name+damagedAs); err != nil {
				j.opt.Log.Warn("the damaged state file stays where it is", "file", name, "err", err)
			}
		case missing(wrong[i]):
			j.opt.Log.Warn("a state file is missing", "file", name)
		}
	}
}

// begin makes a first run, with what is left of a job that lost its state put aside.
func (j *Job) begin(damaged bool) error {
	j.fresh = true
	j.kept = new(record)
	if !damaged {
		return j.discard()
	}
	j.opt.Log.Error("all copies of the state are damaged: this is a first run, with a new identity; lines may be missed or counted again",
		"file", j.path(mainFile))
	j.lost = true
	return j.putAside()
}

// putAside keeps the batches newer than the state out of the way, in a job of
// which more is damaged, and does not use their numbers again: an output may
// have taken them.
func (j *Job) putAside() error {
	used := j.kept.Seq
	for n := len(j.queue); n > 0 && j.queue[n-1].seq > j.kept.Seq; n-- {
		e := j.queue[n-1]
		if err := j.opt.FS.Rename(j.file(e), j.file(e)+damagedAs); err != nil {
			return fmt.Errorf("put aside a batch of a lost state: %w", advise(err))
		}
		j.opt.Log.Error("a batch belongs to a state that is lost; it is kept aside", "file", j.file(e)+damagedAs)
		j.queue = j.queue[:n-1]
		used = max(used, e.seq)
	}
	j.kept.Seq = used
	return nil
}

// heal writes both copies again; when that fails, the next Commit will say so.
func (j *Job) heal() {
	data := j.kept.append(nil)
	for _, suffix := range []string{mainFile, backFile} {
		if err := replace(j.opt.FS, j.path(suffix), data); err != nil {
			j.opt.Log.Warn("a state file cannot be repaired now", "file", j.path(suffix), "err", err)
			return
		}
	}
}
