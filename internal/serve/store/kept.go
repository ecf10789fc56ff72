package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Beside series the store keeps values by key for those who have a few to keep:
// events, dashboards. A change is a record of the log, like all others, and waits
// in RAM for the next seal.

// Limits of what is kept beside series.
const (
	MaxKeptKey   = 512     // bytes of a key, at least 1
	MaxKeptValue = 1 << 20 // bytes of a value
)

// ErrKept means that a key or a value is longer than it may be, or that
// Options.MaxKept bytes are kept already.
var ErrKept = errors.New("more than can be kept")

// Pair is a value and its key.
type Pair struct {
	Key   string
	Value []byte
}

// Keep keeps a value under a key, in place of the one that was there: after nil
// it is durable, in Checkpoint's copies, and never there in part. The slice may be
// changed after the call. After an error that wraps ErrKept nothing has changed;
// after any other, ErrFull among them, it may come to be there later.
func (db *DB) Keep(key string, value []byte) error {
	if len(key) == 0 || len(key) > MaxKeptKey || len(value) > MaxKeptValue {
		return fmt.Errorf("keep %.64q: %d bytes of key, %d of value: %w", key, len(key), len(value), ErrKept)
	}
	if err := db.changeKept(key, append([]byte{}, value...)); err != nil {
		return fmt.Errorf("keep %q: %w", key, err)
	}
	return nil
}

// Drop forgets the value of a key, if there is one. It is durable as with Keep.
func (db *DB) Drop(key string) error {
	if err := db.changeKept(key, nil); err != nil {
		return fmt.Errorf("drop %q: %w", key, err)
	}
	return nil
}

// Kept returns what is kept under the keys that begin with prefix, by key. What a
// damaged block held is missing, which is counted and said.
func (db *DB) Kept(prefix string) ([]Pair, error) { return db.KeptBetween(prefix, after(prefix)) }

// after returns a string that is greater than all keys that begin with prefix,
// and not greater than any other key behind these.
func after(prefix string) string {
	for n := len(prefix) - 1; n >= 0; n-- {
		if prefix[n] < 0xff {
			return prefix[:n] + string([]byte{prefix[n] + 1})
		}
	}
	return strings.Repeat("\xff", MaxKeptKey+1)
}

// KeptBetween is Kept for the keys in [from,until).
func (db *DB) KeptBetween(from, until string) ([]Pair, error) {
	found := map[string][]byte{}
	db.view.RLock()
	defer db.view.RUnlock()
	if err := db.keptInEngine(from, until, found); err != nil {
		return nil, fmt.Errorf("read what is kept: %w", err)
	}
	for key, value := range db.sealed {
		if key[0] == keyKept && key[1:] >= from && key[1:] < until {
			found[key[1:]] = value
		}
	}
	db.mu.Lock()
	for key, value := range db.kept {
		if key >= from && key < until {
			found[key] = value
		}
	}
	db.mu.Unlock()
	maps.DeleteFunc(found, func(_ string, value []byte) bool { return value == nil })
	pairs := make([]Pair, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		pairs = append(pairs, Pair{key, slices.Clone(found[key])})
	}
	return pairs, nil
}

// keptInEngine adds to found what the engine has, from both ends where a block
// between them is damaged. view is held.
func (db *DB) keptInEngine(from, until string, found map[string][]byte) error {
	if from >= until {
		return nil
	}
	add := func(it *pebble.Iterator) { found[string(it.Key()[1:])] = append([]byte{}, it.Value()...) }
	it, err := db.keptIter(from, until)
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		add(it)
	}
	damage := it.Close()
	if damage == nil {
		return nil
	}
	db.damaged([]byte{keyKept}, damage)
	if it, err = db.keptIter(from, until); err != nil {
		return err
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		add(it)
	}
	_ = it.Close() // the same damage
	return nil
}

func (db *DB) keptIter(from, until string) (*pebble.Iterator, error) {
	return db.engine.NewIter(&pebble.IterOptions{LowerBound: keptKey(from), UpperBound: keptKey(until)})
}

// verifyKept reads what the engine has.
func (db *DB) verifyKept(report func(Damage)) {
	it, err := db.keptIter("", after(""))
	if err == nil {
		for ok := it.First(); ok; ok = it.Next() {
		}
		err = it.Close()
	}
	if err != nil {
		report(Damage{"values kept beside series", err})
	}
}

func keptKey(key string) []byte { return append([]byte{keyKept}, key...) }

// changeKept sets the value of a key, nil: to none.
func (db *DB) changeKept(key string, value []byte) error {
	err := db.room()
	if err == nil {
		err = db.spare(logReserve, 50)
	}
	if err == nil {
		err = db.putKept(key, value)
	}
	if err != nil {
		return err
	}
	return db.Sync()
}

func (db *DB) putKept(key string, value []byte) error {
	db.keeps.Lock()
	defer db.keeps.Unlock()
	old, err := db.KeptBetween(key, key+"\x00")
	if err != nil || value == nil && len(old) == 0 {
		return err
	}
	more := 0
	if value != nil {
		more += len(key) + len(value)
	}
	if len(old) > 0 {
		more -= len(key) + len(old[0].Value)
	}
	if total := db.figures.kept.Load() + int64(more); more > 0 && total > int64(db.opt.MaxKept) {
		return fmt.Errorf("%d bytes would be kept, and may be %d: %w", total, db.opt.MaxKept, ErrKept)
	}
	db.figures.kept.Add(int64(more))
	db.mu.Lock()
	defer db.mu.Unlock()
	db.append(appendKeep(newRecord(nil), key, value))
	db.kept[key] = value
	return nil
}

// saveKept adds to what waits for the engine what was changed. view and mu are held.
func (db *DB) saveKept() {
	for key, value := range db.kept {
		db.sealed[string(keptKey(key))] = value
	}
	clear(db.kept)
}

// countKept sets how much is kept, at the start.
func (db *DB) countKept() error {
	pairs, err := db.Kept("")
	for _, p := range pairs {
		db.figures.kept.Add(int64(len(p.Key) + len(p.Value)))
	}
	return err
}
