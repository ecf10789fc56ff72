package parsers

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// TestFastHeaderIsTheGrammar compares header, which knows the host of the line
// before, with grammar, on real lines and on the same with bytes changed, taken
// out and doubled in the header.
func TestFastHeaderIsTheGrammar(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, line := range postfixLines(t) {
		fast, slow := new(postfix), new(postfix)
		fast.grammar(line) // from here on it knows the host
		compareHeaders(t, fast, slow, line)
		behind := append([]byte("<22>"), line...)
		compareHeaders(t, fast, slow, behind)
		for range 20 {
			compareHeaders(t, fast, slow, spoilHeader(rng, line))
			compareHeaders(t, fast, slow, spoilHeader(rng, behind))
		}
	}
}

// TestPostfixHeaders: what comes through sockets and the journal has a
// priority, and may have no host.
func TestPostfixHeaders(t *testing.T) {
	const msg = "4F0AC5E: removed"
	for line, want := range map[string][2]string{
		"<22>Nov 21 02:35:28 mx postfix/smtp[21]: " + msg:                        {"postfix/smtp", msg},
		"<22>Nov  1 02:35:28 mx postfix/smtp[21]: " + msg:                        {"postfix/smtp", msg},
		"<22>2026-11-21T02:35:28.123456+00:00 mx postfix/smtp[21]: " + msg:       {"postfix/smtp", msg},
		"<22>1 2026-11-21T02:35:28.1Z mx postfix/smtp 21 - - " + msg:             {"postfix/smtp", msg},
		"<22>1 2026-11-21T02:35:28.1Z mx postfix/smtp 21 - [a@1 b=\"]\"] " + msg: {"postfix/smtp", msg},
		"<22>Nov 21 02:35:28 postfix/smtp[21]: " + msg:                           {"postfix/smtp", msg},
		"Nov 21 02:35:28 postfix/smtp[21]: " + msg:                               {"postfix/smtp", msg},
		"<22>2026-11-21T02:35:28Z postfix/smtp: " + msg:                          {"postfix/smtp", msg},
		"<22>Nov 21 02:35:28 fe80:: postfix/smtp[21]: " + msg:                    {"postfix/smtp", msg},
		// Another program's text is no line of Postfix.
		"<22>Nov 21 02:35:28 evil[1]: postfix/smtp[21]: " + msg:             {},
		"<22>Nov 21 02:35:28 evil: postfix/smtp[21]: " + msg:                {},
		"<22>Nov 21 02:35:28 mx evil[1]: postfix/smtp[21]: " + msg:          {},
		"<22><22>Nov 21 02:35:28 mx postfix/smtp[21]: " + msg:               {},
		"<22>1 2026-11-21T02:35:28Z mx evil 1 - - postfix/smtp[21]: " + msg: {},
		"<22>": {},
		"<22":  {},
	} {
		p := new(postfix)
		for range 2 { // the second time it knows the host
			tag, text := p.header([]byte(line))
			assert.Equal(t, want, [2]string{string(tag), string(text)}, line)
		}
	}
}

func compareHeaders(t *testing.T, fast, slow *postfix, line []byte) {
	t.Helper()
	host := string(fast.host)
	tag, msg := fast.header(line)
	fast.host = append(fast.host[:0], host...)
	wantTag, wantMsg := slow.grammar(line)
	require.Equal(t, [2]string{string(wantTag), string(wantMsg)}, [2]string{string(tag), string(msg)}, "%q", line)
}

// spoilHeader changes up to three of the first 64 bytes.
func spoilHeader(rng *rand.Rand, line []byte) []byte { return spoil(rng, line, 64) }

// spoil changes up to three of the first n bytes of line.
func spoil(rng *rand.Rand, line []byte, n int) []byte {
	line = bytes.Clone(line)
	const odd = "[]:/ -<>1a\x00\xff,\"=\n"
	for range 1 + rng.IntN(3) {
		if len(line) == 0 {
			break
		}
		i := rng.IntN(min(n, len(line)))
		switch rng.IntN(3) {
		case 0:
			line[i] = odd[rng.IntN(len(odd))]
		case 1:
			line = append(line[:i], line[i+1:]...)
		default:
			line = append(line[:i+1], line[i:]...)
		}
	}
	return line
}

// postfixLines returns lines of all kinds of headers.
func postfixLines(t *testing.T) (lines [][]byte) {
	t.Helper()
	paths, err := filepath.Glob("../testdata/parsers/postfix/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		log, err := os.ReadFile(path)
		require.NoError(t, err)
		n := 0
		for line := range bytes.Lines(log) {
			if line = bytes.TrimRight(line, "\n"); len(line) > 0 && n < 500 {
				lines = append(lines, line)
				n++
			}
		}
	}
	return lines
}

func TestPostfixOptions(t *testing.T) {
	for _, args := range [][]string{{"--by-nothing"}, {"--by-dsn", "extra"}, {"--help"}} {
		_, err := newPostfix(Options{Args: args}, metric.NewRecorder(metric.RecorderOptions{}))
		var usage *UsageError
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, args[0] == "--help", usage.Help)
		assert.Contains(t, usage.Usage, "--by-transport")
	}
}

// TestPostfixBoundsRelays: hosts beyond the recorder's bound share a series.
func TestPostfixBoundsRelays(t *testing.T) {
	rec := metric.NewRecorder(metric.RecorderOptions{MaxSeries: 2})
	p, err := newPostfix(Options{Args: []string{"--by-relay"}}, rec)
	require.NoError(t, err)
	var log []byte
	for _, relay := range []string{"a[192.0.2.1]:25", "b[192.0.2.1]:25", "c[192.0.2.1]:25", "d[192.0.2.1]:25", "a[192.0.2.9]:26"} {
		log = append(log, "Nov 21 02:35:00 mx postfix/smtp[1]: 4F0AC5E: to=<x>, relay="+relay+", delay=1, status=sent (ok)\n"...)
	}
	p.Parse(Block{Bytes: log}, rec)
	var b metric.Batch
	rec.Flush(&b)
	got := make(map[string]float64)
	for _, s := range b.Samples {
		if relay, ok := s.Tags.Get("relay"); ok {
			got[relay] = s.Sum
		}
	}
	assert.Equal(t, map[string]float64{"a": 2, "b": 1, metric.Overflow: 2}, got)
}
