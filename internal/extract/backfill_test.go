package extract_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// step is the length of the intervals of a backfill, in seconds, and disorder
// by how much stamps go back: less than the grace.
const (
	step     = 10
	disorder = 2
	grace    = 3
)

// mailTruth is what Graphite must have in the end: values by series, by the
// start of the interval.
type mailTruth map[string]map[int64]float64

// statuses are how a delivery ends, and the series that count it; the first is
// the most frequent.
var statuses = []struct{ status, series string }{{"sent", "numSent"}, {"deferred", "numDeferred"}, {"bounced", "numBounced"}}

// mailLog writes a mail server's log, and counts.
type mailLog struct {
	rand  *rand.Rand
	truth mailTruth
}

func newMailLog(t testing.TB) *mailLog {
	m := &mailLog{rand: newRand(t), truth: mailTruth{"delay.count": {}}}
	for _, s := range statuses {
		m.truth[s.series] = map[int64]float64{}
	}
	return m
}

// between returns n bursts of deliveries, spread evenly from one second to another.
func (m *mailLog) between(from, until int64, n int) []byte {
	var text []byte
	for i := range int64(n) {
		at := from + (until-from)*i/int64(n)
		for range 1 + m.rand.IntN(5) {
			text = m.line(text, at-m.rand.Int64N(disorder+1))
		}
	}
	return text
}

func (m *mailLog) line(dst []byte, at int64) []byte {
	s := statuses[max(0, m.rand.IntN(6)-3)]
	start := at - at%step
	for _, points := range m.truth {
		points[start] += 0 // declared series are sent as 0, too
	}
	m.truth[s.series][start]++
	if s.status == "sent" {
		m.truth["delay.count"][start]++
	}
	return fmt.Appendf(dst, "%s mx postfix/smtp[9]: %s\n", time.Unix(at, 0).UTC().Format(time.Stamp), delivered(m.rand.IntN(1<<30), s.status))
}

// delivered is what Postfix says of a delivery.
func delivered(id int, status string) string {
	return fmt.Sprintf("4F%08X: to=<ann@example.org>, relay=mx.example.org[192.0.2.7]:25, delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=%s (250 Ok)", id, status)
}

// backfill is the job of a log with its generations.
type backfill struct {
	*mailLog
	t      testing.TB
	dir    string
	carbon *testutil.Carbon
	args   []string
	print  []string // what its runs printed
}

func newBackfill(t testing.TB) *backfill {
	t.Helper()
	b := &backfill{mailLog: newMailLog(t), t: t, dir: t.TempDir(), carbon: testutil.NewCarbon(t, "10s:60d")}
	b.args = []string{"--time=log", "--interval=10s", fmt.Sprintf("--grace=%ds", grace), "--from=begin", "--timezone=UTC",
		"--job=backfill", "--state-dir", filepath.Join(memDir(t), "state"), "-p", "mx",
		"-o", "graphite", "--graphite-host", fmt.Sprintf("127.0.0.1:%d", b.carbon.Line), "-o", "stdout", "--stdout-separator=.",
		"PostfixParser", b.file("*")}
	return b
}

func (b *backfill) file(suffix string) string { return filepath.Join(b.dir, "mail.log"+suffix) }

// write makes a generation that was last written to at that second.
func (b *backfill) write(suffix string, text []byte, at int64) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.file(suffix), text, 0o644))
	require.NoError(b.t, os.Chtimes(b.file(suffix), time.Unix(at, 0), time.Unix(at, 0)))
}

func (b *backfill) gzip(suffix string) {
	b.t.Helper()
	out, err := exec.CommandContext(b.t.Context(), testutil.Peer(b.t, "gzip"), b.file(suffix)).CombinedOutput()
	require.NoError(b.t, err, "%s", out)
}

// rotate does what logrotate does with delaycompress.
func (b *backfill) rotate() {
	b.t.Helper()
	b.gzip(".1")
	for _, names := range [][2]string{{".3.gz", ".4.gz"}, {".2.gz", ".3.gz"}, {".1.gz", ".2.gz"}, {"", ".1"}} {
		require.NoError(b.t, os.Rename(b.file(names[0]), b.file(names[1])))
	}
}

func (b *backfill) launch(flags ...string) *process {
	b.t.Helper()
	return launch(b.t, exec.Command(program(b.t), append(flags, b.args...)...))
}

// killed starts the program and kills it within the time.
func (b *backfill) killed(within time.Duration, meanwhile func()) {
	b.t.Helper()
	p := b.launch()
	after := time.After(time.Duration(b.rand.Int64N(int64(within))))
	meanwhile()
	<-after
	p.kill()
	b.print = append(b.print, p.printed())
}

func (b *backfill) ends(code int, flags ...string) (said string) {
	b.t.Helper()
	p := b.launch(flags...)
	p.exits(code)
	b.print = append(b.print, p.printed())
	return p.said()
}

// checkPrinted holds what all runs printed to the truth up to the newest
// interval among it, which is returned. A batch may have been printed twice, and
// its end missing when the program was killed.
func (b *backfill) checkPrinted() (newest int64) {
	b.t.Helper()
	got := mailTruth{}
	for _, print := range b.print {
		for line := range strings.Lines(print) {
			f := strings.Fields(line)
			if !strings.HasSuffix(line, "\n") || len(f) != 3 {
				continue
			}
			stamp, err := strconv.ParseInt(f[0], 10, 64)
			require.NoError(b.t, err)
			value, err := strconv.ParseFloat(f[2], 64)
			require.NoError(b.t, err)
			name := strings.TrimPrefix(f[1], "mx.")
			if got[name] == nil {
				got[name] = map[int64]float64{}
			}
			if before, twice := got[name][stamp]; twice {
				require.Equal(b.t, before, value, "%s at %d came twice", name, stamp)
			}
			got[name][stamp] = value
			newest = max(newest, stamp)
		}
	}
	for name, all := range b.truth {
		want := maps.Clone(all)
		maps.DeleteFunc(want, func(at int64, _ float64) bool { return at > newest })
		require.Empty(b.t, differences(want, got[name]), "printed %s", name)
	}
	return newest
}

// differences tells the first places at which two series differ.
func differences(want, got map[int64]float64) (list []string) {
	for at, w := range want {
		if g, ok := got[at]; (!ok || g != w) && len(list) < 5 {
			list = append(list, fmt.Sprintf("at %d: %v (%t), want %v", at, g, ok, w))
		}
	}
	if len(got) != len(want) {
		list = append(list, fmt.Sprintf("%d points, want %d", len(got), len(want)))
	}
	return list
}

// stored waits until carbon has written the truth, and nothing else.
func (b *backfill) stored() {
	b.t.Helper()
	for name, want := range b.truth {
		var wrong []string
		defer func() { assert.Empty(b.t, wrong, "stored %s", name) }()
		testutil.Eventually(b.t, patience, func() bool {
			wrong = differences(want, b.carbon.Points(b.t, "mx."+name))
			return len(wrong) == 0
		})
	}
}

// TestBackfillIntoCarbon reads 30 days of logs, compressed and not, into
// Debian's carbon, with the program killed on the way and the log rotated, and
// into a file. At first carbon is down, which does not hold up the file.
func TestBackfillIntoCarbon(t *testing.T) {
	t.Parallel()
	b := newBackfill(t)
	const day = 24 * 60 * 60
	now := time.Now().Unix()
	from := now - 30*day
	for i, suffix := range []string{".3.gz", ".2.gz", ".1", ""} {
		from, until := from+int64(i)*day*15/2, from+int64(i+1)*day*15/2-60
		plain := strings.TrimSuffix(suffix, ".gz")
		b.write(plain, b.between(from, until, 1600), until)
		if plain != suffix {
			b.gzip(plain)
		}
	}
	require.Greater(t, len(b.truth["numSent"]), 6000, "so many that some are closed while others are read")

	b.killed(500*time.Millisecond, func() {})
	said := b.ends(3, "--delivery-timeout=3s")
	assert.Contains(t, said, "what it did not take is kept, and sent by the next run")
	assert.Equal(t, 1, strings.Count(said, "\n"), said)
	b.checkPrinted()

	b.carbon.Start(t)
	b.killed(2*time.Second, func() {})
	newest := time.Now().Unix() + 1
	b.killed(2*time.Second, func() {
		b.rotate()
		b.write("", b.between(newest, newest, 5), newest)
	})
	assert.Empty(t, b.ends(0, "--delivery-timeout=60s"))
	closes := newest - newest%step + step + grace // when the last interval is closed
	testutil.Eventually(t, patience, func() bool { return time.Now().Unix() > closes })
	assert.Empty(t, b.ends(0))
	b.stored()
	assert.Equal(t, slices.Max(slices.Collect(maps.Keys(b.truth["numSent"]))), b.checkPrinted(), "the newest interval")
}
