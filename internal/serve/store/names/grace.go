package names

import "sync/atomic"

// grace tells when no reader can hold a node any more that was taken out of the
// index. Readers take no lock: they enter, read, and leave. What is taken out
// during an epoch is used again when those who entered in it or before have left.
//
// The writer advances the epoch when no reader of the one before is left; so
// there are readers of two epochs at most, counted by the epoch's last bit.
type grace struct {
	epoch   atomic.Uint32
	readers [2]paddedCount
	limbo   [2][]uint32 // nodes taken out, by the epoch's last bit; owned by the writer
}

// paddedCount has a cache line of its own.
type paddedCount struct {
	atomic.Int64
	_ [56]byte
}

// enter returns what leave wants.
func (g *grace) enter() (epoch uint32) {
	for {
		e := g.epoch.Load()
		g.readers[e&1].Add(1)
		if g.epoch.Load() == e {
			return e
		}
		g.readers[e&1].Add(-1)
	}
}

func (g *grace) leave(epoch uint32) { g.readers[epoch&1].Add(-1) }

// retire takes a node that nothing leads to any more.
func (g *grace) retire(n uint32) {
	at := g.epoch.Load() & 1
	g.limbo[at] = append(g.limbo[at], n)
}

// reclaim returns nodes that may be used again; valid until the next call of
// retire.
func (g *grace) reclaim() []uint32 {
	e := g.epoch.Load()
	if len(g.limbo[0])+len(g.limbo[1]) == 0 || g.readers[(e+1)&1].Load() != 0 {
		return nil
	}
	g.epoch.Store(e + 1)
	free := g.limbo[(e+1)&1]
	g.limbo[(e+1)&1] = free[:0]
	return free
}
