package state_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	. "github.com/logmetrics/logmetrics/state"
)

const logName = "/var/log/mail.log"

var outputs = []string{"graphite 127.0.0.1:2003", "statsd 127.0.0.1:8125"}

var key = Key{Parser: "PostfixParser", Options: []string{"--a=1"}, Prefix: "servers.a", Outputs: outputs, Logs: []string{logName}}

// counted is a batch that counts n lines.
func counted(n int64) *metric.Batch {
	b := metric.Bucket{Count: uint64(n), Sum: float64(n)}
	return &metric.Batch{Start: 10, End: 20, Stamp: 10, Samples: []metric.Sample{{Name: "lines", Bucket: b}}}
}

func lines(b *metric.Batch) int64 { return int64(b.Samples[0].Sum) }

// world is what is true outside of a job: what its outputs took.
type world struct {
	t     require.TestingT
	note  string // for messages
	retry bool   // a Commit that failed is tried again by the same process
	clean bool   // a batch is delivered no more than once
	took  map[string]map[uint64]int64
	job   [16]byte
	known bool  // job is
	acked int64 // position at the last Commit that succeeded
}

func newWorld(t require.TestingT, note string) *world {
	w := &world{t: t, note: note, took: map[string]map[uint64]int64{}}
	for _, o := range outputs {
		w.took[o] = map[uint64]int64{}
	}
	return w
}

// process is one run of the program: it delivers what waits, then reads four
// intervals of ten lines, some of which stay open.
func (w *world) process(fsys vfs.FS) error {
	j, err := Open("/state/dir", key, Options{FS: fsys})
	if err != nil {
		return err
	}
	defer j.Close()
	w.check(j)
	if err := w.deliver(j); err != nil {
		return err
	}
	for i := range int64(4) {
		err := w.interval(j, i)
		if err != nil && w.retry && !errors.Is(err, ErrUncertain) {
			w.check(j)
			err = w.interval(j, i)
		}
		if err != nil {
			w.check(j)
			return err
		}
		if err := w.deliver(j); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) interval(j *Job, i int64) error {
	s := j.State()
	n := 10 + opened(s) - i
	p := s.Logs[logName]
	p.Offset += 10
	s.Logs[logName] = p
	s.End++
	s.Open = nil
	if i > 0 {
		s.Open = []*metric.Batch{counted(i)}
	}
	var batches []*metric.Batch
	for ; n > 8; n -= 3 { // some intervals make several batches
		batches = append(batches, counted(3))
	}
	if n > 0 {
		batches = append(batches, counted(n))
	}
	if err := j.Commit(batches...); err != nil {
		return err
	}
	w.job, w.known, w.acked = s.Job, true, p.Offset
	require.Equal(w.t, p, s.Logs[logName])
	return nil
}

func opened(s *State) (n int64) {
	for _, b := range s.Open {
		n += lines(b)
	}
	return n
}

func (w *world) deliver(j *Job) error {
	for _, o := range outputs {
		for _, seq := range j.Queue() {
			if seq <= j.State().Taken[o] {
				continue
			}
			batches, err := j.Batches(seq)
			if err != nil {
				return err
			}
			for _, b := range batches {
				if b.ID.Seq > j.State().Taken[o] {
					w.take(o, b, j.State().Job)
				}
			}
			// The output keeps the sum of all that it took.
			if err := j.Remember(o, fmt.Append(nil, w.total(o))); err != nil {
				return err
			}
			if err := j.Took(o, seq); err != nil {
				return err
			}
		}
	}
	_, err := j.Trim(outputs)
	return err
}

func (w *world) take(o string, b *metric.Batch, job [16]byte) {
	require.Equal(w.t, job, b.ID.Job, w.note)
	n, repeat := w.took[o][b.ID.Seq]
	require.False(w.t, repeat && n != lines(b), "%s: batch %d is repeated with other content", w.note, b.ID.Seq)
	require.False(w.t, repeat && w.clean, "%s: batch %d is delivered again", w.note, b.ID.Seq)
	w.took[o][b.ID.Seq] = lines(b)
}

func (w *world) total(o string) (sum int64) {
	for _, n := range w.took[o] {
		sum += n
	}
	return sum
}

// checkMemo holds the memo to what its output took up to its cursor, or, after
// a crash, up to the batches that will be offered once more.
func (w *world) checkMemo(j *Job, o string) {
	memo, err := j.Memo(o)
	if err != nil {
		return // a failure that the test brought about; the next check is told more
	}
	var taken int64
	for seq, n := range w.took[o] {
		if seq <= j.State().Taken[o] {
			taken += n
		}
	}
	if total := fmt.Sprint(w.total(o)); string(memo) != total {
		require.Equal(w.t, fmt.Sprint(taken), cmp.Or(string(memo), "0"), w.note)
	}
}

// check is the promise: what an output took, or will be given, or is still
// open, is exactly what lies before the position.
func (w *world) check(j *Job) {
	s := j.State()
	if w.known {
		require.Equal(w.t, w.job, s.Job, "%s: another identity", w.note)
	}
	require.GreaterOrEqual(w.t, s.Logs[logName].Offset, w.acked, "%s: the position went back", w.note)
	for _, o := range outputs {
		sum := opened(s)
		for seq, n := range w.took[o] {
			sum += n
			require.LessOrEqual(w.t, seq, s.Seq, "%s: the number of a delivered batch is free", w.note)
		}
		for _, seq := range j.Queue() {
			if _, ok := w.took[o][seq]; ok || seq <= s.Taken[o] {
				continue
			}
			batches, err := j.Batches(seq)
			if errors.Is(err, vfs.ErrCrashed) {
				return
			}
			require.NoError(w.t, err, w.note)
			for _, b := range batches {
				sum += lines(b)
			}
		}
		w.checkMemo(j, o)
		require.Equal(w.t, s.Logs[logName].Offset, sum, "%s: lines of %s", w.note, o)
	}
}

// finish runs the program again, unharmed, twice.
func (w *world) finish(fsys vfs.FS) {
	require.NoError(w.t, w.process(fsys), w.note)
	require.NoError(w.t, w.process(fsys), w.note)
	j, err := Open("/state/dir", key, Options{FS: fsys})
	require.NoError(w.t, err)
	w.check(j)
	require.Empty(w.t, j.Queue(), w.note)
	require.NoError(w.t, j.Close())
}

// operations returns how many operations a first and a second run need.
func operations(t *testing.T) int {
	f := vfs.NewFaults(vfs.NewMem())
	w := newWorld(t, "unharmed")
	w.clean = true
	w.finish(f)
	require.Greater(t, f.Ops(), 100)
	return f.Ops()
}

func TestFailAtEveryOperation(t *testing.T) {
	for _, failure := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, retry := range []bool{false, true} {
			for i := 1; i <= operations(t); i++ {
				mem := vfs.NewMem()
				f := vfs.NewFaults(mem)
				f.FailAt(i, failure)
				w := newWorld(t, fmt.Sprintf("%v at operation %d, retry %v", failure, i, retry))
				w.retry = retry
				if w.process(f) == nil {
					_ = w.process(f)
				}
				log := strings.Split(f.Log(), "\n")
				w.note += ": " + log[min(i, len(log))-1]
				w.finish(mem)
				w.finish(mem.Crash())
			}
		}
	}
}

func TestKillAtEveryOperation(t *testing.T) {
	for i := 1; i <= operations(t); i++ {
		mem := vfs.NewMem()
		f := vfs.NewFaults(mem)
		f.CrashAt(i)
		w := newWorld(t, fmt.Sprintf("killed at operation %d", i))
		if w.process(f) == nil {
			_ = w.process(f)
		}
		w.finish(mem)
	}
}

func TestPowerCutAtEveryOperation(t *testing.T) {
	for i := 1; i <= operations(t); i++ {
		for seed := range uint64(8) {
			mem := vfs.NewMem()
			f := vfs.NewFaults(mem)
			f.CrashAt(i)
			w := newWorld(t, fmt.Sprintf("power cut at operation %d, seed %d", i, seed))
			if w.process(f) == nil {
				_ = w.process(f)
			}
			after := mem.Crash()
			if seed > 0 {
				after = mem.CrashRandom(seed)
			}
			w.finish(after)
		}
	}
}

func TestShortWritesAndFullDisk(t *testing.T) {
	mem := vfs.NewMem()
	f := vfs.NewFaults(mem)
	w := newWorld(t, "short writes, full disk")
	w.clean = true
	require.NoError(t, w.process(f))
	f.Short(true)
	require.ErrorIs(t, w.process(f), io.ErrShortWrite)
	f.Short(false)
	f.Full(true)
	err := w.process(f)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "/state/dir/")
	require.ErrorContains(t, err, "free some space")
	f.Full(false)
	w.finish(f)
}

// files lists the job's files, without the lock.
func files(t *testing.T, fsys vfs.FS) (names []string) {
	for _, dir := range []string{"/state/dir", "/state/dir/" + key.Name() + ".q"} {
		list, err := fsys.ReadDir(dir)
		require.NoError(t, err)
		for _, f := range list {
			if !f.IsDir() && !strings.HasSuffix(f.Name(), ".lock") {
				names = append(names, dir+"/"+f.Name())
			}
		}
	}
	return names
}

func get(t *testing.T, fsys vfs.FS, name string) []byte {
	f, err := fsys.Open(name)
	require.NoError(t, err)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return b
}

func put(t *testing.T, fsys vfs.FS, name string, data []byte) {
	require.NoError(t, fsys.Remove(name))
	f, err := fsys.Create(name)
	require.NoError(t, err)
	_, err = f.Write(data)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// damage lists what can become of a file.
func damage(src []byte) map[string][]byte {
	all := map[string][]byte{
		"empty":   {},
		"half":    src[:len(src)/2],
		"NUL":     make([]byte, len(src)),
		"garbage": []byte(strings.Repeat("garbage\n", 50)),
		"longer":  append(slices.Clone(src), 0),
	}
	for i := range src {
		flipped := slices.Clone(src)
		flipped[i] ^= 1 << (i % 8)
		all[fmt.Sprint("bit in byte ", i)] = flipped
	}
	return all
}

func TestDamagedStateCostsNothing(t *testing.T) {
	for which := range 2 {
		for _, both := range []bool{false, true} {
			mem := vfs.NewMem()
			require.NoError(t, newWorld(t, "").process(mem))
			states := slices.DeleteFunc(files(t, mem), func(name string) bool { return !strings.Contains(name, ".state") })
			require.Len(t, states, 2)
			for how := range damage(get(t, mem, states[which])) {
				mem := vfs.NewMem()
				w := newWorld(t, fmt.Sprint(states[which], " ", how, ", both ", both))
				w.clean = true
				require.NoError(t, w.process(mem))
				bytes := damage(get(t, mem, states[which]))[how]
				put(t, mem, states[which], bytes)
				if both {
					put(t, mem, states[1-which], bytes)
				}
				w.finish(mem)
				require.Contains(t, files(t, mem), states[which]+".damaged")
			}
		}
	}
}
