package tail_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/state"
)

// model plays a writer, logrotate and a job at random, and knows which lines
// must arrive: all, but those that were removed unread.
type model struct {
	*rig
	t         *rapid.T
	mixed     bool   // the kept file is closed and suspended, too
	dates     bool   // generations are dated, not numbered
	gens      []*gen // oldest first; the last is the live file
	moved     bool   // the writer has reopened the live file since it was rotated
	lost      bool
	jumped    bool // the clock did, so that files may be closed
	now       time.Time
	rotations int
}

type gen struct {
	suffix, ext string
	start       int // len(want) when it began
	// inodes it has, or had and are open still; the live file's are not known
	inodes []uint64
}

func TestModel(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		m := &model{rig: newRig(rt, dir), t: rt, gens: []*gen{{}}, moved: true}
		m.buf = rapid.SampledFrom([]int{64, 1000, 64 << 10}).Draw(rt, "buffer")
		m.dates = rapid.Bool().Draw(rt, "dates")
		m.opt.FromEnd = rapid.Bool().Draw(rt, "from end")
		m.follow = rapid.Bool().Draw(rt, "one file kept open")
		m.mixed = rapid.Bool().Draw(rt, "reopened at random")
		m.now = time.Now()
		if rapid.Bool().Draw(rt, "files come to rest") {
			m.now = m.now.Add(time.Hour)
		}
		m.opt.Now = func() time.Time { return m.now }
		defer m.reopen()
		m.run()
		rt.Repeat(rapid.StateMachineActions(m))
		m.write()
		m.run()
		m.exact()
		if m.lost && !m.jumped {
			require.Positive(rt, m.stats.Gaps)
		}
		require.NoError(rt, os.RemoveAll(dir))
	})
}

// Check compares what has arrived with what was written.
func (m *model) Check(*rapid.T) {
	require.LessOrEqual(m.t, len(m.got), len(m.want))
	same(m.t, m.want[:len(m.got)], m.got)
}

// Append writes to the live file; a writer that had not reopened it does so.
func (m *model) Append(t *rapid.T) {
	m.write()
	m.append(rapid.SampledFrom([]int{0, 1, 10, 60}).Draw(t, "lines"))
}

func (m *model) write() {
	if !m.moved {
		m.abandon()
		m.moved = true
	}
	m.append(1)
}

// abandon leaves an unfinished line as it is.
func (m *model) abandon() {
	m.tornAway()
	if !m.moved {
		m.gens[len(m.gens)-1].start = len(m.want)
	}
}

// AppendLate writes to the renamed file, by a writer that has not reopened.
func (m *model) AppendLate(t *rapid.T) {
	if m.moved {
		t.Skip("the writer has moved to the new file")
	}
	m.appendTo(m.rotated().suffix, rapid.IntRange(1, 5).Draw(t, "lines"))
	m.gens[len(m.gens)-1].start = len(m.want)
}

func (m *model) rotated() *gen { return m.gens[len(m.gens)-2] }

func (m *model) Partial(t *rapid.T) {
	if !m.moved {
		t.Skip("the writer has not moved to the new file")
	}
	m.partial()
}

// away gives the live file's content a generation's name, oldest first.
func (m *model) away(rotate func(suffix string)) {
	if !m.moved {
		m.abandon()
	}
	m.rotations++
	if m.dates {
		m.gens[len(m.gens)-1].suffix = fmt.Sprintf("-20240131-%d", 1706659200+m.rotations)
	} else {
		m.shift()
		for i, g := range m.gens {
			g.suffix = fmt.Sprintf(".%d", len(m.gens)-i)
		}
	}
	live := m.gens[len(m.gens)-1]
	rotate(live.suffix)
	live.inodes = []uint64{m.inode(live.suffix)}
	m.gens = append(m.gens, &gen{start: len(m.want)})
	for len(m.gens) > 8 {
		if m.held(m.gens[0]) {
			m.run()
		}
		m.removeOldest()
	}
}

func (m *model) Rename(*rapid.T) {
	m.away(func(suffix string) { m.rename("", suffix); m.create() })
	m.moved = false
}

func (m *model) CopyTruncate(*rapid.T) {
	m.abandon()
	m.away(func(suffix string) { m.copyTo(suffix); m.truncate() })
	m.moved = true
}

func (m *model) Compress(t *rapid.T) {
	i := rapid.IntRange(0, len(m.gens)-1).Draw(t, "generation")
	if i == len(m.gens)-1 || m.gens[i].ext != "" || !m.moved && m.gens[i] == m.rotated() {
		t.Skip("it is compressed, or still written to")
	}
	g := m.gens[i]
	g.ext = rapid.SampledFrom([]string{".gz", ".zst"}).Draw(t, "ext")
	if !m.held(g) {
		g.inodes = nil // it may be another file's soon
	}
	m.compress(g.suffix, g.ext)
	g.inodes = append(g.inodes, m.inode(g.suffix+g.ext))
}

func (m *model) inode(suffix string) uint64 {
	fi, err := os.Stat(m.file(suffix))
	require.NoError(m.t, err)
	_, inode, _ := vfs.Ident(fi)
	return inode
}

// held tells whether the kept file has the generation open, and so will read
// the rest of it though it is removed.
func (m *model) held(g *gen) bool {
	return m.kept != nil && slices.ContainsFunc(g.inodes, m.kept.Holds)
}

func (m *model) RemoveOldest(t *rapid.T) {
	if len(m.gens) == 1 || !m.moved && len(m.gens) == 2 || m.held(m.gens[0]) {
		t.Skip("it is still written to, or what is read")
	}
	m.removeOldest()
}

// removeOldest removes a generation, and from want what of it was not read.
func (m *model) removeOldest() {
	g := m.gens[0]
	m.gens = m.gens[1:]
	m.remove(g.suffix + g.ext)
	end := m.gens[0].start
	from := min(max(g.start, len(m.got)), end)
	if n := end - from; n > 0 {
		m.lost = m.lost || m.pos.HeadLen > 0 // of a file that was empty nobody knows that it had more
		m.want = append(m.want[:from:from], m.want[end:]...)
		for _, g := range m.gens {
			g.start -= n
		}
	}
}

// Reopened has the kept file closed; the next run opens at its position.
func (m *model) Reopened(t *rapid.T) {
	if m.kept == nil || !m.mixed {
		t.Skip("no file is kept open, or it is to stay so")
	}
	m.reopen()
}

func (m *model) Suspended(t *rapid.T) {
	if m.kept == nil || !m.mixed {
		t.Skip("no file is kept open, or it is to stay so")
	}
	require.NoError(t, m.kept.Suspend())
	require.Equal(t, m.pos, m.kept.Position())
}

// LaterOn is when files that are no longer at the path may be closed.
func (m *model) LaterOn(*rapid.T) {
	m.now = m.now.Add(3 * time.Minute)
	m.jumped = true
}

func (m *model) Run(*rapid.T) { m.run() }

func (m *model) RunFor(t *rapid.T) { m.runFor(rapid.IntRange(0, 5).Draw(t, "blocks")) }

func (m *model) Killed(t *rapid.T) { m.killed(rapid.IntRange(0, 20).Draw(t, "blocks")) }

// Moved copies everything to another disk: other inodes, same content.
func (m *model) Moved(*rapid.T) {
	if m.kept == nil && m.pos != (state.Position{}) {
		m.pos.Dev++
		m.pos.Inode += 1 << 40
	}
}
