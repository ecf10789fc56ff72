package state_test

import (
	"bytes"
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

// A job that gets a name goes on where it was; one beside a job of another
// name is new.
func TestNamedJobsAreNoTwins(t *testing.T) {
	mem := vfs.NewMem()
	commit(t, mustOpen(t, "/d", key, Options{FS: mem}), 1)
	first, second := key, key
	first.Job, second.Job = "first", "second"
	j := mustOpen(t, "/d", first, Options{FS: mem})
	require.Equal(t, key.Name(), j.From())
	j.State().End = 99
	commit(t, j, 5)

	assert.Equal(t, key.Name(), mustOpen(t, "/d", second, Options{FS: mem}).From(), "not at the named one, though that is newer")
	unnamed := key
	unnamed.Prefix = "edited"
	assert.Equal(t, "first", mustOpen(t, "/d", unnamed, Options{FS: mem}).From())
}

// Of several jobs of the same logs and parser an edited one goes on from that
// which it most likely was, and never from one that goes on itself.
func TestTwinOfSeveral(t *testing.T) {
	mem := vfs.NewMem()
	run := func(k Key, end int64) string {
		j := mustOpen(t, "/d", k, Options{FS: mem})
		j.State().End = end
		commit(t, j, 1)
		require.NoError(t, j.Close())
		return k.Name()
	}
	web, mail := key, key
	web.Prefix, web.Options = "web", []string{"--web"}
	mail.Prefix, mail.Options = "mail", []string{"--mail"}
	const day = 24 * 60 * 60
	names := []string{run(web, 50*day), run(mail, 50*day+60)}
	edited := web
	edited.Options = []string{"--web", "--more"}
	from := func(k Key, beside ...string) string {
		j := mustOpen(t, "/d", k, Options{FS: mem, Beside: beside})
		defer j.Close()
		return j.From()
	}
	assert.Equal(t, names[0], from(edited), "not from mail, though that is newer")
	assert.Empty(t, from(edited, names...))
	assert.Equal(t, names[1], from(edited, names[0]))
	run(mail, 52*day)
	assert.Equal(t, names[1], from(edited), "web was given up long ago")
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
