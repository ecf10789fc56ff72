package state

import "errors"

// Peek returns what the job of key knows, and for one that never ran what its
// first run would start with. It takes no lock and changes nothing.
func Peek(dir string, key Key, opt Options) (*State, error) {
	j := &Job{opt: opt.withDefaults(), dir: dir, name: key.Name()}
	main, wrong := readRecord(j.opt.FS, j.path(mainFile))
	back, wrong2 := readRecord(j.opt.FS, j.path(backFile))
	if j.kept = newer(main, back); j.kept == nil {
		if !missing(wrong) || !missing(wrong2) {
			return nil, errors.Join(wrong, wrong2)
		}
		j.kept = new(record)
		j.create(key)
	}
	s, err := j.kept.view()
	return &s, err
}

// SpoolBytes returns the size of the batches that not all outputs took.
func (j *Job) SpoolBytes() (n int64) {
	for _, e := range j.queue {
		if !e.done {
			n += e.size
		}
	}
	return n
}
