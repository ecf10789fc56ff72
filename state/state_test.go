package state_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	. "github.com/logmetrics/logmetrics/state"
)

var update = flag.Bool("update", false, "rewrite the golden state directory")

func mustOpen(t *testing.T, dir string, k Key, opt Options) *Job {
	t.Helper()
	j, err := Open(dir, k, opt)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, j.Close()) })
	return j
}

// commit writes n batches of one line each, ten bytes of log apart.
func commit(t *testing.T, j *Job, n int) {
	t.Helper()
	for range n {
		s := j.State()
		p := s.Logs[logName]
		p.Offset += 10
		s.Logs[logName] = p
		require.NoError(t, j.Commit(counted(1)))
	}
}

func TestKeyName(t *testing.T) {
	assert.Equal(t, "mail", Key{Job: "mail", Parser: "x"}.Name())
	assert.Regexp(t, `^PostfixParser-mail\.log-[0-9a-f]{12}$`, key.Name())
	seen := map[string]bool{key.Name(): true}
	for _, change := range []func(*Key){
		func(k *Key) { k.Parser = "Q" },
		func(k *Key) { k.Options = []string{"--a", "=1"} },
		func(k *Key) { k.Options, k.Outputs = nil, append(k.Options, k.Outputs...) },
		func(k *Key) { k.Prefix, k.Suffix = "", k.Prefix },
		func(k *Key) { k.Outputs = outputs[:1] },
		func(k *Key) { k.Logs = []string{"/other/mail.log"} },
		func(k *Key) { k.Job = "../../etc/x" },
		func(k *Key) { k.Job = ".._.._etc_x" },
		func(k *Key) { k.Job = strings.Repeat("x", 300) },
		func(k *Key) { k.Job = strings.Repeat("x", 301) },
	} {
		k := key
		change(&k)
		name := k.Name()
		assert.False(t, seen[name], name)
		assert.Regexp(t, `^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}$`, name)
		seen[name] = true
	}
}

func TestStateSurvives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	j := mustOpen(t, dir, key, Options{})
	assert.True(t, j.Fresh())
	s := j.State()
	s.Logs[logName] = Position{Dev: 1, Inode: 2, Offset: 30, Head: 1 << 63, Mark: 5, HeadLen: 6, MarkLen: 7}
	s.Logs["journal"] = Position{Cursor: "s=1;i=2"}
	s.End, s.First, s.Open = -5, 9, []*metric.Batch{counted(3)}
	require.NoError(t, j.Commit(counted(1)))
	require.NoError(t, j.Took(outputs[0], 1))
	want := *s
	require.NoError(t, j.Close())
	require.NoError(t, j.Close())

	j = mustOpen(t, dir, key, Options{})
	assert.False(t, j.Fresh())
	assert.Equal(t, want, *j.State())
	assert.Equal(t, []uint64{1}, j.Queue())
	assert.Equal(t, map[string]uint64{outputs[0]: 1, outputs[1]: 0}, j.State().Taken)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		fi, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, fi.Mode().Perm()&0o077, path)
		return nil
	}))
}

func TestCommitThatFailsMovesNothing(t *testing.T) {
	f := vfs.NewFaults(vfs.NewMem())
	j := mustOpen(t, "/d", key, Options{FS: f})
	commit(t, j, 1)
	want := *j.State()
	want.Logs = maps.Clone(want.Logs)
	f.Full(true)
	j.State().Logs[logName] = Position{Offset: 999}
	b := counted(5)
	err := j.Commit(b)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "/d/")
	assert.Equal(t, want, *j.State())
	assert.Zero(t, b.ID)
	assert.Equal(t, []uint64{1}, j.Queue())
	f.Full(false)

	j.State().Logs[logName] = Position{Offset: 999}
	require.NoError(t, j.Took(outputs[0], 1))
	require.NoError(t, j.Close())
	j = mustOpen(t, "/d", key, Options{FS: f})
	assert.EqualValues(t, 10, j.State().Logs[logName].Offset, "a cursor's write must not move positions")

	bad := counted(1)
	bad.Samples[0].Name = "not valid"
	require.ErrorIs(t, j.Commit(bad), metric.ErrBadBatch)
	j.State().Logs[logName] = Position{Offset: -1}
	require.Error(t, j.Commit(nil))
}

func TestUncertainWritesStopTheJob(t *testing.T) {
	mem := vfs.NewMem()
	f := vfs.NewFaults(mem)
	j := mustOpen(t, "/d", key, Options{FS: f})
	commit(t, j, 1)
	before := f.Ops()
	commit(t, j, 1)
	for i, op := range strings.Split(f.Log(), "\n")[before:] {
		if op == "syncdir /d" {
			f.FailAt(i+1, syscall.EIO)
			break
		}
	}
	require.ErrorIs(t, j.Commit(counted(1)), ErrUncertain)
	require.ErrorIs(t, j.Commit(nil), ErrUncertain)
	require.ErrorIs(t, j.Took(outputs[0], 1), ErrUncertain)
	require.NoError(t, j.Close())
	j = mustOpen(t, "/d", key, Options{FS: f})
	assert.Equal(t, []uint64{1, 2, 3}, j.Queue(), "here it had become durable")
}

// The counts that Commit's comment states.
func TestSyncs(t *testing.T) {
	f := vfs.NewFaults(vfs.NewMem())
	j := mustOpen(t, "/d", key, Options{FS: f})
	commit(t, j, 1)
	syncs := func(fn func() error) int {
		before := f.Ops()
		require.NoError(t, fn())
		return strings.Count(strings.Join(strings.Split(f.Log(), "\n")[before:], "\n"), "sync")
	}
	assert.Equal(t, 6, syncs(func() error { return j.Commit(counted(1)) }))
	assert.Equal(t, 0, syncs(func() error { return j.Commit(nil) }))
	j.State().End++
	assert.Equal(t, 4, syncs(func() error { return j.Commit(nil) }))
	assert.Equal(t, 4, syncs(func() error { return j.Took(outputs[0], 2) }))
	assert.Equal(t, 0, syncs(func() error { return j.Took(outputs[0], 2) }))
	assert.Equal(t, 0, syncs(func() error { _, err := j.Trim(outputs); return err }))
}

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, key.Name()+".lock")
	require.NoError(t, os.WriteFile(lock, []byte("99999\n"), 0o600), "left by a killed run")
	j := mustOpen(t, dir, key, Options{})
	commit(t, j, 1)
	_, err := Open(dir, key, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, lock)
	pid := strings.TrimSpace(string(must(os.ReadFile(lock))))
	require.ErrorContains(t, err, "process "+pid)
	require.ErrorIs(t, Forget(dir, key.Name()), ErrLocked)
	require.ErrorIs(t, Rewind(dir, key.Name(), "", 0), ErrLocked)
	require.Len(t, must(List(dir)), 1)
	require.NoError(t, j.Close())
	require.FileExists(t, lock)
	mustOpen(t, dir, key, Options{})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPlantedLinksAreNotFollowed(t *testing.T) {
	name := key.Name()
	for _, planted := range []string{".lock", ".state", ".state.bak", ".state.new", ".state.bak.new", ".q", ".q/0000000000000001.batch", ".q/0000000000000002.batch"} {
		dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
		require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o644))
		if strings.HasPrefix(planted, ".q/") {
			require.NoError(t, os.Mkdir(filepath.Join(dir, name+".q"), 0o700))
		}
		require.NoError(t, os.Symlink(victim, filepath.Join(dir, name+planted)))
		j, err := Open(dir, key, Options{})
		if err == nil {
			commit(t, j, 2)
			require.NoError(t, j.Close())
		} else {
			require.ErrorContains(t, err, filepath.Join(dir, name), planted)
		}
		assert.Equal(t, "precious", string(must(os.ReadFile(victim))), planted)
		assert.EqualValues(t, 0o644, must(os.Stat(victim)).Mode().Perm(), planted)
	}
	// A hard link at the lock's name: the process id is not written into it.
	dir, victim := t.TempDir(), ""
	victim = filepath.Join(dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Link(victim, filepath.Join(dir, name+".lock")))
	_, err := Open(dir, key, Options{})
	require.Error(t, err)
	assert.Equal(t, "precious", string(must(os.ReadFile(victim))))
	require.NoError(t, os.Remove(filepath.Join(dir, name+".lock")))

	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, name+".state"), 0o600))
	_, err = Open(dir, key, Options{})
	require.ErrorContains(t, err, "not a plain file")
}

func TestReadOnlyDirectory(t *testing.T) {
	mem := vfs.NewMem()
	f := vfs.NewFaults(mem)
	f.FailAt(2, syscall.EROFS)
	_, err := Open("/d", key, Options{FS: f})
	require.ErrorIs(t, err, syscall.EROFS)
	require.ErrorContains(t, err, "/d/"+key.Name()+".lock")
	require.ErrorContains(t, err, "make the state directory writable")
}

func TestDamagedBatchIsPutAside(t *testing.T) {
	for how := range damage([]byte(strings.Repeat("x", 64))) {
		mem := vfs.NewMem()
		var log bytes.Buffer
		j := mustOpen(t, "/state/dir", key, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
		commit(t, j, 3)
		name := "/state/dir/" + key.Name() + ".q/0000000000000002.batch"
		put(t, mem, name, damage(get(t, mem, name))[how])
		_, err := j.Batch(2)
		require.ErrorIs(t, err, ErrCorrupt, how)
		assert.Equal(t, []uint64{1, 3}, j.Queue())
		assert.EqualValues(t, 1, j.State().Damaged)
		assert.Contains(t, log.String(), name)
		assert.Contains(t, files(t, mem), name+".damaged")
		for _, seq := range j.Queue() {
			must(j.Batch(seq))
		}
		commit(t, j, 1)
		require.NoError(t, j.Close())
		j = mustOpen(t, "/state/dir", key, Options{FS: mem})
		assert.EqualValues(t, 1, j.State().Damaged)
		assert.Equal(t, []uint64{1, 3, 4}, j.Queue())
	}
}

func TestMissingBatchIsCounted(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/d", key, Options{FS: mem})
	commit(t, j, 2)
	require.NoError(t, mem.Remove("/d/"+key.Name()+".q/0000000000000001.batch"))
	_, err := j.Batch(1)
	require.ErrorIs(t, err, ErrCorrupt)
	assert.Equal(t, []uint64{2}, j.Queue())
}

func TestAllCopiesDamaged(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/state/dir", key, Options{FS: mem})
	commit(t, j, 2)
	job := j.State().Job
	require.NoError(t, j.Close())
	twin := key
	twin.Prefix = "twin"
	j = mustOpen(t, "/state/dir", twin, Options{FS: mem})
	commit(t, j, 1)
	require.NoError(t, j.Close())
	for _, name := range files(t, mem) {
		if strings.Contains(name, key.Name()) {
			put(t, mem, name, []byte("garbage"))
		}
	}
	var log bytes.Buffer
	j = mustOpen(t, "/state/dir", key, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
	assert.True(t, j.Fresh())
	assert.Empty(t, j.From())
	assert.Empty(t, j.Queue())
	assert.NotEqual(t, job, j.State().Job)
	assert.Contains(t, log.String(), "level=ERROR")
	kept := strings.Join(files(t, mem), "\n")
	for _, name := range []string{".state.damaged", ".state.bak.damaged", "1.batch.damaged", "2.batch.damaged"} {
		assert.Contains(t, kept, name)
	}
	commit(t, j, 1)
	assert.Equal(t, []uint64{3}, j.Queue(), "no number is used twice")
	for _, name := range key.Outputs {
		assert.EqualValues(t, 2, j.State().Taken[name], "%s is owed the new batch", name)
	}
}

func TestNewerVersionIsLeftAlone(t *testing.T) {
	mem := vfs.NewMem()
	j := mustOpen(t, "/state/dir", key, Options{FS: mem})
	commit(t, j, 1)
	require.NoError(t, j.Close())
	name := "/state/dir/" + key.Name() + ".state"
	b := get(t, mem, name)
	b[3] = 2
	binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
	put(t, mem, name, b)
	before := files(t, mem)
	_, err := Open("/state/dir", key, Options{FS: mem})
	require.ErrorContains(t, err, "newer version")
	require.ErrorContains(t, err, name)
	assert.Equal(t, before, files(t, mem))
	assert.Equal(t, b, get(t, mem, name))
}

func TestTwin(t *testing.T) {
	mem := vfs.NewMem()
	var log bytes.Buffer
	old := mustOpen(t, "/d", key, Options{FS: mem})
	old.State().Open, old.State().End = []*metric.Batch{counted(2)}, 77
	commit(t, old, 2) // a twin's lock does not matter
	edited := key
	edited.Outputs = outputs[:1]
	j := mustOpen(t, "/d", edited, Options{FS: mem, Log: slog.New(slog.NewTextHandler(&log, nil))})
	assert.True(t, j.Fresh())
	assert.Equal(t, key.Name(), j.From())
	assert.EqualValues(t, 20, j.State().Logs[logName].Offset)
	assert.EqualValues(t, 77, j.State().End)
	assert.Len(t, j.State().Open, 1)
	assert.NotEqual(t, old.State().Job, j.State().Job)
	assert.Zero(t, j.State().Seq)
	assert.Empty(t, j.Queue())
	assert.Contains(t, log.String(), "batches=2")

	other := key
	other.Options = []string{"--b"}
	assert.Empty(t, mustOpen(t, "/d", other, Options{FS: mem}).State().Open, "other options count other things")
	other.Logs = []string{"/else"}
	assert.Empty(t, mustOpen(t, "/d", other, Options{FS: mem}).From())
}

func TestNewOutputIsOwedNoOldBatches(t *testing.T) {
	mem := vfs.NewMem()
	k := Key{Job: "mail", Outputs: outputs[:1]}
	j := mustOpen(t, "/d", k, Options{FS: mem})
	commit(t, j, 3)
	require.NoError(t, j.Close())
	k.Outputs = outputs
	j = mustOpen(t, "/d", k, Options{FS: mem})
	commit(t, j, 1)
	assert.Equal(t, map[string]uint64{outputs[0]: 0, outputs[1]: 3}, j.State().Taken)
	require.NoError(t, j.Took(outputs[0], 4))
	must(j.Trim(append(outputs, "later")))
	assert.Equal(t, []uint64{4}, j.Queue())
	assert.EqualValues(t, 3, j.State().Taken["later"])
}

func TestSpoolIsBounded(t *testing.T) {
	mem := vfs.NewMem()
	var log bytes.Buffer
	j := mustOpen(t, "/d", key, Options{FS: mem, SpoolSize: 1000, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 20 {
		commit(t, j, 1)
		must(j.Trim(outputs))
	}
	kept := len(j.Queue())
	assert.Less(t, kept, 6)
	assert.Positive(t, kept)
	assert.EqualValues(t, 20, j.Queue()[kept-1])
	assert.EqualValues(t, 20-kept, j.State().Dropped)
	assert.Contains(t, log.String(), "dropped")
	require.NoError(t, j.Close())
	j = mustOpen(t, "/d", key, Options{FS: mem, SpoolSize: 1})
	assert.Equal(t, kept-1, must(j.Trim(outputs)), "the newest stays, however large")
	assert.EqualValues(t, 19, j.State().Dropped)
}

func TestListRewindForget(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, key, Options{})
	j.State().Open = []*metric.Batch{counted(2)}
	commit(t, j, 3)
	require.NoError(t, j.Close())
	name := key.Name()
	infos := must(List(dir))
	require.Len(t, infos, 1)
	assert.Equal(t, name, infos[0].Name)
	assert.Equal(t, 3, infos[0].Queue)
	assert.EqualValues(t, 30, infos[0].State.Logs[logName].Offset)

	require.Error(t, Rewind(dir, "nobody", "", 0))
	require.Error(t, Rewind(dir, "../x", "", 0))
	require.Error(t, Rewind(dir, name, "/other", 0))
	require.Error(t, Rewind(dir, name, logName, 31))
	require.NoError(t, Rewind(dir, name, logName, 20))
	assert.EqualValues(t, 20, must(List(dir))[0].State.Logs[logName].Offset)
	require.NoError(t, Rewind(dir, name, "", 0))
	s := must(List(dir))[0].State
	assert.Equal(t, map[string]Position{logName: {}}, s.Logs)
	assert.Empty(t, s.Open)

	require.NoError(t, Forget(dir, name))
	assert.Empty(t, must(List(dir)))
	left := must(os.ReadDir(dir))
	require.Len(t, left, 1)
	assert.Equal(t, name+".lock", left[0].Name())
	require.Error(t, Forget(dir, name))
}

// A state directory as each released version wrote it opens for ever.
func TestOpensVersion1(t *testing.T) {
	golden := filepath.Join("..", "testdata", "state", "v1")
	if *update {
		require.NoError(t, os.RemoveAll(golden))
		j := mustOpen(t, golden, key, Options{})
		j.State().Open, j.State().First, j.State().End = []*metric.Batch{counted(7)}, 1763700000, 1763700010
		j.State().Logs["journal"] = Position{Cursor: "s=1"}
		commit(t, j, 2)
		require.NoError(t, j.Took(outputs[0], 2))
		require.NoError(t, j.Took(outputs[1], 1))
		must(j.Trim(outputs))
		require.NoError(t, j.Close())
		require.NoError(t, os.Remove(filepath.Join(golden, key.Name()+".lock")))
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(golden)))
	j := mustOpen(t, dir, key, Options{})
	s := j.State()
	assert.False(t, j.Fresh())
	assert.Equal(t, map[string]Position{logName: {Offset: 20}, "journal": {Cursor: "s=1"}}, s.Logs)
	assert.Equal(t, map[string]uint64{outputs[0]: 2, outputs[1]: 1}, s.Taken)
	assert.Equal(t, []int64{1763700000, 1763700010}, []int64{s.First, s.End})
	assert.Equal(t, []*metric.Batch{counted(7)}, s.Open)
	assert.Equal(t, []uint64{2}, j.Queue())
	b := must(j.Batch(2))
	assert.Equal(t, counted(1).Samples, b.Samples)
	assert.Equal(t, metric.BatchID{Job: s.Job, Seq: 2}, b.ID)
}

func FuzzState(f *testing.F) {
	mem := vfs.NewMem()
	j := must(Open("/d", key, Options{FS: mem}))
	j.State().Logs[logName] = Position{Offset: 7, Cursor: "c"}
	j.State().Open = []*metric.Batch{counted(1)}
	if err := j.Commit(counted(1)); err != nil {
		f.Fatal(err)
	}
	file := must(mem.Open("/d/" + key.Name() + ".state"))
	valid := make([]byte, must(file.Stat()).Size())
	must(file.Read(valid))
	f.Add(valid[8 : len(valid)-4])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b := append([]byte("LMS\x01"), binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))...)
		b = append(b, payload...)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		mem := vfs.NewMem()
		require.NoError(t, mem.MkdirAll("/d"))
		file := must(mem.Create("/d/" + key.Name() + ".state"))
		must(file.Write(b))
		j, err := Open("/d", key, Options{FS: mem})
		require.NoError(t, err)
		want := *j.State()
		require.NoError(t, j.Close())
		if j.Fresh() {
			return
		}
		again, err := Open("/d", key, Options{FS: mem})
		require.NoError(t, err)
		require.Equal(t, want, *again.State())
	})
}

func BenchmarkCronRun(b *testing.B) {
	dir := b.TempDir()
	if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
		dir = must(os.MkdirTemp("/dev/shm", "logmetrics"))
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	b.ReportAllocs()
	for b.Loop() {
		j := must(Open(dir, key, Options{}))
		j.State().End++
		j.State().Logs[logName] = Position{Offset: j.State().End}
		err := j.Commit(counted(1))
		for _, o := range outputs {
			if err == nil {
				err = j.Took(o, j.State().Seq)
			}
		}
		must(j.Trim(outputs))
		if err != nil || j.Close() != nil {
			b.Fatal(err)
		}
	}
}
