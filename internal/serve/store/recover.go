package store

import (
	"fmt"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// recover builds the head again.
func (db *DB) recover() error {
	report, err := db.log.Replay(wal.Mark{}, func(payload []byte) error {
		return replay(payload, (*recovery)(db))
	})
	if err != nil {
		return err
	}
	for _, d := range report.Damages {
		db.opt.Log.Error("store: a part of the log is damaged; what it held is lost", "file", d.Name, "bytes", d.Bytes)
	}
	return nil
}

// recovery takes what the log has.
type recovery DB

func (r *recovery) name(id ID, hint, method metric.Method, tiers []tier, name []byte) error {
	if len(tiers) == 0 || int(id) > len(r.names.byName) {
		return fmt.Errorf("%w: series %d %q", errRecord, id, name)
	}
	r.names.byName[string(name)] = id
	r.head.add(id, r.head.intern(tierSet{tiers: tiers}), method, hint)
	return nil
}

func (r *recovery) known(id ID) error {
	if int(id) >= len(r.names.byName) {
		return fmt.Errorf("%w: no series %d", errRecord, id)
	}
	return nil
}

func (r *recovery) put(id ID, second uint32, v float64) error {
	if err := r.known(id); err != nil {
		return err
	}
	r.head.put(id, second, v)
	return nil
}

func (r *recovery) merge(id ID, second uint32, b metric.Bucket) error {
	if err := r.known(id); err != nil {
		return err
	}
	r.head.merge(id, second, b)
	return nil
}

func (r *recovery) commit(id metric.BatchID, second uint32) error {
	r.identities[id.Job] = identity{id.Seq, second}
	return nil
}

func (r *recovery) remove(ID) error { return nil }

func (r *recovery) rename(ID, []byte) error { return nil }
