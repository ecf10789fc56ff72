package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/whisper"
	"github.com/logmetrics/logmetrics/metric"
)

// dbNow is when these tests take place: within a bucket of each tier.
const dbNow = 1795230605

// dbRun runs a db command on a data directory, and returns what it prints.
func dbRun(t *testing.T, data string, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	c := &console{stdout: &out, stderr: &errs, now: func() time.Time { return time.Unix(dbNow, 0) }}
	got := c.main(t.Context(), append(append([]string{"db"}, args...), "--data="+data))
	require.Equal(t, code, got, "%q: %s", args, errs.String())
	return out.String(), errs.String()
}

// filledData is a data directory with a few series, an hour long.
func filledData(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	db, err := store.Open(store.Options{Dir: dir, Now: func() time.Time { return time.Unix(dbNow, 0) }})
	require.NoError(t, err)
	w := db.NewWriter()
	for i := range int64(360) {
		at := dbNow/10*10 - 3600 + 10*i
		for n, name := range []string{"a.b", "a.c.d", "disk;mount=/;host=w1"} {
			require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, at, float64(i+int64(n))))
			require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, at+5, float64(i)+0.5))
		}
	}
	require.NoError(t, w.Flush())
	require.NoError(t, db.Close())
	return dir
}

func TestDbLs(t *testing.T) {
	data := filledData(t)
	out, _ := dbRun(t, data, 0, "ls")
	assert.Equal(t, "a.b\na.c.d\ndisk;host=w1;mount=/\n", out)
	out, _ = dbRun(t, data, 0, "ls", "a.*")
	assert.Equal(t, "a.b\n", out)
	out, _ = dbRun(t, data, 0, "ls", "none")
	assert.Empty(t, out)
	_, errs := dbRun(t, filepath.Join(data, "none"), 1, "ls")
	assert.Contains(t, errs, "holds no series")
}

func TestDbInfo(t *testing.T) {
	out, _ := dbRun(t, filledData(t), 0, "info", "--points")
	assert.Regexp(t, `(?m)^series +3$`, out)
	assert.Regexp(t, `(?m)^tiers +10:25920,300:25920,3600:26280: 3 series$`, out)
	assert.Regexp(t, `(?m)^points +11[0-9]{2}$`, out)
	assert.Regexp(t, `(?m)^bytes a point +[0-9.]+$`, out)
}

func TestDbDump(t *testing.T) {
	data := filledData(t)
	from := strconv.Itoa(dbNow/10*10 - 30)
	out, _ := dbRun(t, data, 0, "dump", "a.b", "--from="+from)
	at := dbNow/10*10 - 30
	assert.Equal(t, fmt.Sprintf("name,time,count,sum,min,max,avg,stddev,last\na.b,%d,2,714.5,357,357.5,357.25,0.3535533905932738,357.5\na.b,%d,2,716.5,358,358.5,358.25,0.3535533905932738,358.5\na.b,%d,2,718.5,359,359.5,359.25,0.3535533905932738,359.5\n", at, at+10, at+20), out)
	out, _ = dbRun(t, data, 0, "dump", "a.b", "--istatd", "--from="+from, "--until="+strconv.Itoa(at+10))
	assert.Equal(t, "DATE,SUM,SUMSQ,MIN,MAX,COUNT,AVG,SDEV\n\""+time.Unix(int64(at), 0).UTC().Format(time.RFC3339)+"\",714.5,255255.25,357,357.5,2,357.25,0.3535533905932738\n", out)
	out, _ = dbRun(t, data, 0, "dump", "a.*", "a.c.d", "--step=1h", "--from=2h")
	assert.Len(t, strings.Split(out, "\n"), 6, out)
	_, errs := dbRun(t, data, 1, "dump", "x")
	assert.Contains(t, errs, "no series matches x")
	_, errs = dbRun(t, data, 2, "dump", "a.b", "--step=7s")
	assert.Contains(t, errs, "10:25920,300:25920,3600:26280")
	_, errs = dbRun(t, data, 2, "dump", "a.b", "--from=yesterday")
	assert.Contains(t, errs, "--from=yesterday is no time such as")
	_, errs = dbRun(t, data, 2, "dump", "a.b", "a.c.d", "--istatd")
	assert.Contains(t, errs, "2 match")
}

func TestParseWhen(t *testing.T) {
	now := time.Unix(dbNow, 0)
	for text, want := range map[string]int64{"": 0, "17": 17, "7d": dbNow - 7*86400, "-90m": dbNow - 5400, "2026-11-21T03:10:00Z": 1795230600} {
		got, err := parseWhen("--from", text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"x", "-", "7days", "--1h", "2026-13-01"} {
		_, err := parseWhen("--from", text, now)
		assert.Error(t, err, text)
	}
}

func TestDbWhileItIsOpen(t *testing.T) {
	data, tree := filledData(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(tree, "a.wsp"), nil, 0o600))
	db, err := store.Open(store.Options{Dir: data})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, args := range [][]string{{"ls"}, {"info"}, {"verify"}, {"backup", t.TempDir()}, {"dump", "a.b"}, {"export-whisper", t.TempDir()}, {"import-whisper", tree}} {
		_, errs := dbRun(t, data, exitLocked, args...)
		if args[0] != "backup" {
			assert.Contains(t, errs, "end logmetrics serve first", args)
		}
	}
}

// What a running server copies is restored, too.
func TestDbRestoreOfACheckpoint(t *testing.T) {
	data := filledData(t)
	before, _ := dbRun(t, data, 0, "dump", "a.*")
	db, err := store.Open(store.Options{Dir: data, KeepTiers: true, Now: func() time.Time { return time.Unix(dbNow, 0) }})
	require.NoError(t, err)
	copied := filepath.Join(data, "backups", "monday")
	require.NoError(t, db.Checkpoint(t.Context(), copied))
	require.NoError(t, db.Close())
	again := filepath.Join(t.TempDir(), "again")
	dbRun(t, again, 0, "restore", copied)
	after, _ := dbRun(t, again, 0, "dump", "a.*")
	assert.Equal(t, before, after)
	backup := filepath.Join(t.TempDir(), "backup")
	dbRun(t, data, 0, "backup", backup)
	assert.NoDirExists(t, filepath.Join(backup, "data", "backups"), "backups are not backed up")
}

// A flipped byte is found.
func TestDbVerify(t *testing.T) {
	data := filledData(t)
	db, err := store.Open(store.Options{Dir: data, Now: func() time.Time { return time.Unix(dbNow+7200, 0) }})
	require.NoError(t, err)
	require.NoError(t, db.Tend(t.Context()))
	require.NoError(t, db.Close())
	out, _ := dbRun(t, data, 0, "verify")
	assert.Contains(t, out, "3 series are good")
	files, err := filepath.Glob(filepath.Join(data, "pebble", "*.sst"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		b[len(b)/4] ^= 1
		require.NoError(t, os.WriteFile(path, b, 0o600))
	}
	_, errs := dbRun(t, data, 1, "verify")
	assert.NotEmpty(t, errs)
}

// TestDbWritesOverNoFile: a file that has the name of a new directory stays.
func TestDbWritesOverNoFile(t *testing.T) {
	data := filledData(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	backup := filepath.Join(t.TempDir(), "backup")
	dbRun(t, data, 0, "backup", backup)
	_, errs := dbRun(t, data, 1, "backup", file)
	assert.Contains(t, errs, "no directory")
	_, errs = dbRun(t, file, 1, "restore", backup)
	assert.Contains(t, errs, "no directory")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(b))
}

func TestDbBackup(t *testing.T) {
	data := filledData(t)
	before, _ := dbRun(t, data, 0, "dump", "a.b", "a.c.d")
	backup, again := filepath.Join(t.TempDir(), "b", "backup"), filepath.Join(t.TempDir(), "again")
	dbRun(t, data, 0, "backup", backup)
	out, _ := dbRun(t, backup, 0, "verify")
	assert.Contains(t, out, "as they were")
	_, errs := dbRun(t, data, 1, "backup", backup)
	assert.Contains(t, errs, "not empty")
	_, errs = dbRun(t, data, 1, "restore", backup)
	assert.Contains(t, errs, "not empty")
	dbRun(t, again, 0, "restore", backup)
	after, _ := dbRun(t, again, 0, "dump", "a.b", "a.c.d")
	assert.Equal(t, before, after)
	out, _ = dbRun(t, again, 0, "verify")
	assert.Contains(t, out, "3 series are good")

	// A backup that has changed is not restored.
	var damaged string
	require.NoError(t, filepath.WalkDir(filepath.Join(backup, "data"), func(path string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); d.Type().IsRegular() && info.Size() > 0 {
			damaged = path
		}
		return err
	}))
	b, err := os.ReadFile(damaged)
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(damaged, b, 0o600))
	third := filepath.Join(t.TempDir(), "third")
	for _, args := range [][]string{{third, "restore", backup}, {backup, "verify"}} {
		_, errs = dbRun(t, args[0], 1, args[1:]...)
		assert.Contains(t, errs, damaged+" is not as it was")
	}
	assert.NoDirExists(t, third)
	require.NoError(t, os.WriteFile(filepath.Join(backup, backupSums), []byte("00  ../../etc/passwd\n"), 0o600))
	_, errs = dbRun(t, third, 1, "restore", backup)
	assert.Contains(t, errs, "no line of sha256sum")
	_, errs = dbRun(t, third, 1, "restore", t.TempDir())
	assert.Contains(t, errs, "is no backup")
}

// TestDbBackupThroughLinks: a data directory, and a backup, may be links, and what is
// restored into may be there.
func TestDbBackupThroughLinks(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	link := func(to, name string) string {
		require.NoError(t, os.Symlink(to, in(name)))
		return in(name)
	}
	data := filledData(t)
	before, _ := dbRun(t, data, 0, "dump", "a.*")
	require.NoError(t, os.Mkdir(in("backup"), 0o700))
	dbRun(t, link(data, "data"), 0, "backup", in("backup"))
	require.NoError(t, os.Mkdir(in("empty"), 0o700))
	for from, to := range map[string]string{
		link(in("backup"), "latest"): link(in("empty"), "linked"),
		link(data, "running"):        in("new"),
	} {
		dbRun(t, to, 0, "restore", from)
		after, _ := dbRun(t, to, 0, "dump", "a.*")
		assert.Equal(t, before, after, to)
	}
	require.NoError(t, os.WriteFile(filepath.Join(in("backup"), backupSums), nil, 0o600))
	_, errs := dbRun(t, in("none"), 1, "restore", in("backup"))
	assert.Contains(t, errs, "names no files")
	assert.NoDirExists(t, in("none"))
}

// whisperTree makes files with whisper itself, as carbon would over some days,
// and tells what it shows of a tree: of each archive, newest first to answer for.
const whisperTree = `
import sys, json, random, whisper, os
what, dir, now = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(7)
archives = [(10, 90), (60, 120), (600, 60)]
if what == 'make':
    for n, (rel, method) in enumerate([('servers/web1/cpu', 'average'), ('servers/web1/requests/count', 'sum'), ('top', 'max'), ('_tagged/c6c/d2f/disk;host=w1;mount=var', 'last')]):
        path = '%s/%s.wsp' % (dir, rel)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        whisper.create(path, archives, xFilesFactor=0, aggregationMethod=method)
        start = now - (50000 if n < 3 else 700)
        points = [(t, round(random.uniform(-5, 5), 3)) for t in range(start - start % 10, now, 10) if method == 'average' or random.random() < 0.9]
        for t, v in points:
            whisper.update(path, v, t, now=t + 1)
shown = {}
for root, _, files in os.walk(dir):
    for f in files:
        if f.endswith('.wsp'):
            path = os.path.join(root, f)
            info = whisper.info(path)
            out = []
            for a in info['archives']:
                (s, u, step), values = whisper.fetch(path, now - a['retention'], now, now=now, archiveToSelect=a['secondsPerPoint'])
                out.append([[s + i * step, v] for i, v in enumerate(values) if v is not None])
            shown[os.path.relpath(path, dir)] = {'method': info['aggregationMethod'], 'points': out}
json.dump(shown, sys.stdout)
`

type shownTree map[string]struct {
	Method string
	Points [][][2]float64
}

func askWhisper(t *testing.T, what, dir string) (out shownTree) {
	t.Helper()
	text, err := os.ReadFile(testutil.Peer(t, "whisper-fetch"))
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	cmd := exec.CommandContext(t.Context(), strings.TrimSpace(strings.TrimPrefix(line, "#!")), "-c", whisperTree, what, dir, strconv.Itoa(dbNow))
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

// whisperSchemas are those of the files of whisperTree.
func whisperSchemas(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "storage-schemas.conf")
	require.NoError(t, os.WriteFile(path, []byte("[all]\npattern = .*\nretentions = 10s:15m,1m:2h,10m:10h\n"), 0o600))
	return "--schemas=" + path
}

// What whisper shows of its files is shown of ours, and of the files that we
// write of it; each time that the same is imported.
func TestImportAndExportWhisper(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "whisper")
	want := askWhisper(t, "make", tree)
	data, schemas := filepath.Join(t.TempDir(), "data"), whisperSchemas(t)
	for range 2 {
		out, _ := dbRun(t, data, 0, "import-whisper", tree, schemas)
		assert.Contains(t, out, "4 series, ")
		to := filepath.Join(t.TempDir(), "exported")
		out, _ = dbRun(t, data, 0, "export-whisper", to)
		assert.Equal(t, "4 series\n", out)
		got := askWhisper(t, "show", to)
		require.Len(t, got, len(want))
		for rel, w := range want {
			name, _ := whisper.Name(rel)
			g := got[whisper.Path(name)]
			require.NotEmpty(t, g.Points, rel)
			assert.Equal(t, w.Method, g.Method, rel)
			for a := range w.Points {
				sameShown(t, fmt.Sprintf("%s, archive %d", rel, a), w.Points[a], g.Points[a])
			}
		}
	}
}

// sameShown compares what is shown of an archive. Whisper's averages are averages of
// averages, and ours of all values: they are equal where no value is missing, but for
// their last digits.
func sameShown(t *testing.T, what string, want, got [][2]float64) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i][0], got[i][0], what)
		require.InDelta(t, want[i][1], got[i][1], 1e-9, "%s at %.0f", what, want[i][0])
	}
	require.Equal(t, len(want), len(got), what)
}

// An import that is broken off is repeated, and nothing is there twice.
func TestImportTwice(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "whisper")
	askWhisper(t, "make", tree)
	schemas := whisperSchemas(t)
	whole := filepath.Join(t.TempDir(), "whole")
	dbRun(t, whole, 0, "import-whisper", tree, schemas)
	part := filepath.Join(t.TempDir(), "part")
	ctx, cancel := context.WithCancel(t.Context())
	db, err := store.Open(store.Options{Dir: part, Now: func() time.Time { return time.Unix(dbNow, 0) }})
	require.NoError(t, err)
	require.NoError(t, db.Close())
	n := 0
	c := &console{stdout: &strings.Builder{}, stderr: &strings.Builder{}, now: func() time.Time {
		if n++; n == 4 {
			cancel()
		}
		return time.Unix(dbNow, 0)
	}}
	require.Equal(t, exitInterrupted, c.main(ctx, []string{"db", "import-whisper", tree, schemas, "--data=" + part}))
	out, _ := dbRun(t, part, 0, "import-whisper", tree, schemas)
	assert.Contains(t, out, "4 series, ")
	for _, step := range []string{"10s", "1m", "10m"} {
		args := []string{"dump", "**", "disk;host=w1;mount=var", "--step=" + step}
		want, _ := dbRun(t, whole, 0, args...)
		got, _ := dbRun(t, part, 0, args...)
		assert.Equal(t, want, got, step)
	}
}

// The real program, killed again and again while it imports: what is there in
// the end is what an import that was let be leaves.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	bin, tree := program(t), t.TempDir()
	h := whisper.Header{Method: metric.Average, Archives: []whisper.Archive{{Step: 300, Points: 10000}, {Step: 3600, Points: 20000}}}
	end := time.Now().Unix()/86400*86400 - 86400
	for n := range 80 {
		path := filepath.Join(tree, fmt.Sprintf("h%d", n/8), fmt.Sprintf("m%d.wsp", n%8))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, whisper.Write(f, h, func(i int) (list []whisper.Point) {
			a := h.Archives[i]
			for k := range a.Points {
				list = append(list, whisper.Point{Time: end - (a.Points-1-k)*a.Step, Value: float64((int64(n) + k) % 1000)})
			}
			return list
		}))
		require.NoError(t, f.Close())
	}
	importInto := func(dir string, after time.Duration) error {
		cmd := exec.CommandContext(t.Context(), bin, "db", "import-whisper", tree, "--data="+dir)
		require.NoError(t, cmd.Start())
		if after > 0 {
			kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
			defer kill.Stop()
		}
		return cmd.Wait()
	}
	whole, part := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "part")
	began := time.Now()
	require.NoError(t, importInto(whole, 0))
	took := time.Since(began)
	killed := 0
	for i := range 3 {
		if importInto(part, took*time.Duration(i+1)/4) != nil {
			killed++
		}
	}
	require.Positive(t, killed)
	require.NoError(t, importInto(part, 0))
	for _, step := range []string{"10s", "5m", "1h"} {
		args := []string{"db", "dump", "h3.m?", "h9.*", "--step=" + step, "--until=" + strconv.FormatInt(end-86400, 10)}
		want, err := exec.CommandContext(t.Context(), bin, append(args, "--data="+whole)...).Output()
		require.NoError(t, err)
		got, err := exec.CommandContext(t.Context(), bin, append(args, "--data="+part)...).Output()
		require.NoError(t, err)
		require.Greater(t, len(want), 1000, step)
		require.True(t, string(want) == string(got), "%s: %d and %d bytes", step, len(want), len(got))
	}
}

// TestImportOfNothing says so, and makes no store.
func TestImportOfNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	_, errs := dbRun(t, data, 1, "import-whisper", t.TempDir())
	assert.Contains(t, errs, "no whisper files below")
	assert.NoDirExists(t, data)
}

// TestImportHasAllFolders: a folder of series may be called as that of backups in a
// data directory.
func TestImportHasAllFolders(t *testing.T) {
	tree := t.TempDir()
	writeWhisper(t, filepath.Join(tree, "backups", "size.wsp"))
	out, _ := dbRun(t, filepath.Join(t.TempDir(), "data"), 0, "import-whisper", tree)
	assert.Contains(t, out, "1 series, ")
}

// writeWhisper makes a file of one point.
func writeWhisper(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	f, err := os.Create(path)
	require.NoError(t, err)
	now := int64(dbNow) / 60 * 60
	h := whisper.Header{Method: metric.Average, Archives: []whisper.Archive{{Step: 60, Points: 10}}}
	require.NoError(t, whisper.Write(f, h, func(int) []whisper.Point { return []whisper.Point{{Time: now - 60, Value: 7}} }))
	require.NoError(t, f.Close())
}

// TestImportThroughLinks: the tree may be a link, and files in it; links to folders
// are named.
func TestImportThroughLinks(t *testing.T) {
	dir := t.TempDir()
	writeWhisper(t, filepath.Join(dir, "tree", "a", "size.wsp"))
	for name, to := range map[string]string{"whisper": "tree", "tree/b": "a", "tree/one.wsp": "a/size.wsp", "tree/gone.wsp": "nowhere"} {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	out, errs := dbRun(t, filepath.Join(t.TempDir(), "data"), 1, "import-whisper", filepath.Join(dir, "whisper"))
	assert.Contains(t, out, "2 series, 2 points")
	assert.Contains(t, errs, "whisper/b: it is a link to a directory")
	assert.Contains(t, errs, "1 files were not taken")
}

func TestImportSkipsWhatIsNoSeries(t *testing.T) {
	tree := t.TempDir()
	for name, text := range map[string]string{"half.wsp": "\x00\x00\x00\x01", "bad name.wsp": "", "_tagged/abc/def/0123.wsp": "", "readme.txt": "x"} {
		path := filepath.Join(tree, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	out, errs := dbRun(t, filepath.Join(t.TempDir(), "data"), 1, "import-whisper", tree)
	assert.Equal(t, "0 series, 0 points\n", out)
	for _, want := range []string{"half.wsp: no whisper file", "bad name.wsp: its name", "0123.wsp: its name", "3 files were not taken"} {
		assert.Contains(t, errs, want)
	}
	assert.NotContains(t, errs, "readme")
}
