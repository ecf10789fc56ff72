package store

import (
	"encoding/binary"
	"fmt"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// formatVersion is of all that the store keeps in Pebble and in the log, but for
// what has a version of its own.
const formatVersion = 1

// meta is the state of the whole as of the last seal: version, then uvarints.
type meta struct {
	mark    wal.Mark // the log before it is not needed
	records uint64   // names and identities have the records up to here
	horizon uint32
}

func (m meta) append(dst []byte) []byte {
	dst = append(dst, formatVersion)
	for _, n := range [...]uint64{m.mark.File, uint64(m.mark.Offset), m.records, uint64(m.horizon)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (m *meta) load(src []byte) error {
	d := decoder{buf: src}
	if v := d.byte(); v != formatVersion {
		return fmt.Errorf("format %d: %w", v, ErrVersion)
	}
	m.mark = wal.Mark{File: d.uvarint(), Offset: int64(d.uvarint())}
	m.records, m.horizon = d.uvarint(), d.uint32()
	if d.bad {
		return fmt.Errorf("state of the whole: %w", errRecord)
	}
	return nil
}

// seriesInfo is a series as Pebble has it: version, hint, method, tiers, those
// of before, length and text of the name.
type seriesInfo struct {
	hint, method metric.Method
	set          tierSet
	name         string
}

const seriesVersion = 1

func (s seriesInfo) append(dst []byte) []byte {
	dst = append(dst, seriesVersion, byte(s.hint), byte(s.method))
	dst = appendTiers(appendTiers(dst, s.set.tiers), s.set.former)
	dst = binary.AppendUvarint(dst, uint64(len(s.name)))
	return append(dst, s.name...)
}

func (s *seriesInfo) load(src []byte) error {
	d := decoder{buf: src}
	if v := d.byte(); v != seriesVersion {
		return fmt.Errorf("series of version %d: %w", v, ErrVersion)
	}
	s.hint, s.method = d.method(), d.method()
	s.set = tierSet{tiers: d.tiers(), former: d.tiers()}
	s.name = string(d.bytes())
	if d.bad || len(s.set.tiers) == 0 {
		return errRecord
	}
	return nil
}

// saveSeries adds to what waits for the engine a series as it is, or that it is
// gone. view and mu are held.
func (db *DB) saveSeries(id ID) {
	key := string(numberKey(keySeries, uint32(id)))
	s := db.head.find(id)
	if s == nil {
		db.sealed[key] = nil
		db.sealed[string(numberKey(keyDead, uint32(id)))] = binary.AppendUvarint([]byte{seriesVersion}, uint64(db.head.horizon))
		return
	}
	if _, ok := db.reused[id]; ok {
		db.sealed[string(numberKey(keyDead, uint32(id)))] = nil
		delete(db.reused, id)
	}
	info := seriesInfo{hint: s.hint, method: s.method, set: db.head.sets[s.set], name: db.names.index.Name(uint32(id))}
	db.record = info.append(db.record[:0])
	db.sealed[key] = db.arena.keep(db.record)
}
