package store

import (
	"fmt"

	"github.com/logmetrics/logmetrics/metric"
)

// take puts samples into log and head.
func (db *DB) take(record []byte, samples []sample, merges []metric.Bucket) {
	db.mu.Lock()
	db.append(record)
	dead := db.apply(samples, merges)
	db.mu.Unlock()
	if len(dead) > 0 {
		db.takeAgain(dead, merges)
	}
}

// takeBatch is take with the id of a batch, unless it was here before.
func (db *DB) takeBatch(id metric.BatchID, now uint32, w *Writer) (repeated bool, err error) {
	db.mu.Lock()
	repeated = db.taken(id)
	if !repeated {
		err = db.admit(id.Job, now)
	}
	if repeated || err != nil {
		db.mu.Unlock()
		return repeated, err
	}
	db.append(w.record)
	db.identities[id.Job] = identity{id.Seq, now, true}
	dead := db.apply(w.samples, w.merges)
	db.mu.Unlock()
	if len(dead) > 0 {
		db.takeAgain(dead, w.merges)
	}
	return false, nil
}

// forgetAfter is how long an identity is known without a batch, in seconds.
const forgetAfter = 90 * 86400

// admit makes room for one more identity.
func (db *DB) admit(job [16]byte, now uint32) error {
	if _, ok := db.identities[job]; ok || len(db.identities) < db.opt.MaxIdentities {
		return nil
	}
	for job, i := range db.identities {
		if int64(i.seen)+forgetAfter < int64(now) {
			delete(db.identities, job)
		}
	}
	if len(db.identities) < db.opt.MaxIdentities {
		return nil
	}
	return fmt.Errorf("%w: %d are known", ErrIdentities, len(db.identities))
}

// apply puts samples into the head, and returns those whose series are deleted.
func (db *DB) apply(samples []sample, merges []metric.Bucket) (dead []sample) {
	h := &db.head
	for i := range samples {
		if i%aheadSamples == 0 {
			h.seen += h.lookAhead(samples[i:])
		}
		s := &samples[i]
		id := s.id & onlyID
		b := h.block(id)
		sr := &b.series[id%frameSeries]
		if sr.flags&flagLive == 0 {
			dead = append(dead, *s)
			continue
		}
		b.dirty = true
		switch s.id &^ onlyID {
		case isMerge:
			h.merge(id, b, sr, s.second, merges[int(s.value)])
		case isAdd:
			h.add(id, b, sr, s.second, s.value)
		default:
			h.put(id, b, sr, s.second, s.value)
		}
	}
	db.crowded()
	return dead
}

// takeAgain takes samples whose series were deleted after their names had been
// looked up: the names are made anew, as if the samples had come later.
func (db *DB) takeAgain(samples []sample, merges []metric.Bucket) {
	w := db.NewWriter()
	for _, s := range samples {
		db.mu.Lock()
		name := []byte(db.dead[s.id&onlyID])
		db.mu.Unlock()
		switch s.id &^ onlyID {
		case isMerge:
			w.Merge(name, metric.Unset, int64(s.second), merges[int(s.value)])
		case isAdd:
			w.Add(name, metric.Unset, int64(s.second), s.value)
		default:
			w.Put(name, metric.Unset, int64(s.second), s.value)
		}
	}
	_ = w.Flush() // when the disk is full they are lost with what was deleted
}
