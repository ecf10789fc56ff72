package parsers

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// oneByOne is what Parse does, line by line and by grammar alone.
func (p *postfix) oneByOne(log []byte, rec *metric.Recorder) (st Stats) {
	for line := range bytes.Lines(log) {
		p.host = p.host[:0]
		tag, msg := p.grammar(bytes.TrimSuffix(line, []byte("\n")))
		st.Lines++
		switch p.message(tag, msg, rec) {
		case Skipped:
			st.Skipped++
		case Rejected:
			st.Rejected++
		}
	}
	p.settle(rec)
	return st
}

// compareBatch has log parsed in both ways, with the options args.
func compareBatch(t testing.TB, log []byte, args ...string) {
	t.Helper()
	parse := func(fn func(*postfix, *metric.Recorder) Stats) (Stats, []metric.Sample) {
		rec := metric.NewRecorder(metric.RecorderOptions{})
		p, err := newPostfix(Options{Args: args}, rec)
		require.NoError(t, err)
		rec.Block(1)
		st := fn(p.(*postfix), rec)
		var b metric.Batch
		rec.Flush(&b)
		return st, b.Samples
	}
	st, got := parse(func(p *postfix, rec *metric.Recorder) Stats { return p.Parse(Block{Bytes: log}, rec) })
	wantSt, want := parse(func(p *postfix, rec *metric.Recorder) Stats { return p.oneByOne(log, rec) })
	require.Equal(t, wantSt, st, "%.2000q", log)
	require.Equal(t, want, got, "%.2000q", log)
}

// TestBatchIsLineByLine compares what is worked out for many lines at once with
// what each line gives by itself: on real logs, and on the same with bytes changed, taken
// out and doubled anywhere, and lines joined and torn.
func TestBatchIsLineByLine(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	lines := postfixLines(t)
	for _, args := range [][]string{nil, {"--by-relay", "--by-dsn", "--by-transport", "--stages"}} {
		compareBatch(t, joinLines(lines), args...)
		for range 300 {
			some := slices.Clone(lines[rng.IntN(len(lines)):])
			some = some[:min(len(some), 1+rng.IntN(600))]
			for i := range some {
				switch rng.IntN(4) {
				case 0:
					some[i] = spoil(rng, some[i], min(len(some[i]), 64))
				case 1:
					some[i] = spoil(rng, some[i], len(some[i]))
				}
			}
			compareBatch(t, joinLines(some), args...)
		}
	}
}

// TestBatchOfSpoofs: what looks like a head, a key or a status at another place.
func TestBatchOfSpoofs(t *testing.T) {
	const head, id, rest = "Nov 21 03:08:56 mx postfix/smtp[601]: ", "4F0AC5E: ", ", relay=mx[192.0.2.7]:25, delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=sent (250 Ok)"
	filler := bytes.Repeat([]byte("Nov 21 03:08:56 mx postfix/qmgr[1]: 4F0AC5E: removed\n"), 8) // so that there is a window
	for line, want := range map[string]int{
		head + id + "to=<a@b>" + rest:                                 1,
		head + id + `to=<"x>, relay=y, status=sent (ok)"@b>` + rest:   1,
		head + id + "to=<a,b@c>" + rest:                               1,
		head + id + "to=<a@b>, orig_to=<c>" + rest:                    1,
		head + id + "to=<a@b>x>" + rest:                               0,
		head + id + "to=a@b>" + rest:                                  0,
		head + id + "to=<a@b>" + rest + "x":                           0,
		head + id + "to=<a@b>" + rest + "\r":                          1,
		head + id + "to=<a@b>, relay=a,b" + rest:                      0,
		head + "abcde: to=<a@b>" + rest:                               0, // no queue id
		head + "4F0 C5E: to=<a@b>" + rest:                             0,
		head + "4F0AC5E4F0AC5E4F0AC5E4F0A: to=<a@b>" + rest:           0, // nor one of 25 bytes
		"Nov 21 03:08:56 mx policyd[601]: " + id + "to=<a@b>" + rest:  0,
		"Nov 21 03:08:56 mx policyd[a/b]: " + id + "to=<a@b>" + rest:  0,
		"Nov 21 03:08:56 mx: postfix/smtp[6]: 4F0A: to=<a@b>" + rest:  0, // mx wrote this
		"Nov 21 03:08:56 mx x postfix/smtp[6]: 4F0: to=<a@b>" + rest:  0,
		"Nov 21 03:08:56  postfix/smtp[6]: 4F0AC5E: to=<a@b>" + rest:  0,
		"Nov 21 03:08:56 mx [postfix/smtp]: 4F0AC5E: to=<a@b>" + rest: 0,
	} {
		var counts []int
		for _, tail := range [][]byte{filler, nil} {
			rec := metric.NewRecorder(metric.RecorderOptions{})
			p, err := newPostfix(Options{}, rec)
			require.NoError(t, err)
			rec.Block(1)
			log := slices.Concat([]byte(line+"\n"), tail)
			p.Parse(Block{Bytes: log}, rec)
			var b metric.Batch
			rec.Flush(&b)
			counts = append(counts, int(b.Samples[0].Sum))
			compareBatch(t, log)
		}
		assert.Equal(t, []int{want, want}, counts, "%s", line)
	}
}

// FuzzPostfixBatch holds the batch to the grammar on any bytes.
func FuzzPostfixBatch(f *testing.F) {
	paths, err := filepath.Glob("../testdata/parsers/postfix/*.log")
	require.NoError(f, err)
	for _, path := range paths {
		log, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(log[:bytes.LastIndexByte(log[:min(len(log), 3000)], '\n')+1])
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		compareBatch(t, log[:bytes.LastIndexByte(log, '\n')+1])
	})
}

func joinLines(lines [][]byte) []byte {
	return append(bytes.Join(lines, []byte("\n")), '\n')
}
