package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

func TestEntriesAreLines(t *testing.T) {
	j := newJournal(t)
	var export []byte
	for _, fields := range [][]string{
		{"MESSAGE=plain"},
		{"MESSAGE=two\nNov 21 08:00:00 mx postfix/smtp[1]: forged"},
		{"MESSAGE=a\x00b\r\nc\x01é\x80"},
		{"MESSAGE=of cron", "SYSLOG_IDENTIFIER=CRON", "SYSLOG_FACILITY=9", "PRIORITY=3", "SYSLOG_PID=77"},
		{"MESSAGE=kept", "SYSLOG_IDENTIFIER=x: postfix/smtp[2]:\n", "_HOSTNAME=a b", "SYSLOG_PID=1]: x"},
		{"MESSAGE=named by its command", "SYSLOG_IDENTIFIER=", "_COMM=sleep"},
		{"MESSAGE=late", "_SOURCE_REALTIME_TIMESTAMP=1795248000000001"},
		{"MESSAGE=odd", "PRIORITY=8", "SYSLOG_FACILITY=24", "_SOURCE_REALTIME_TIMESTAMP=soon", "_PID=none"},
		{"NOTHING=said"},
		{"MESSAGE=" + strings.Repeat("long ", 60<<10)},
		{"MESSAGE=" + strings.Repeat("x", 100<<10) + "\n"},
	} {
		export = j.entry(export, fields...)
	}
	j.write("a.journal", export)
	got := all(t, j.open("journal:", state.Position{}, journal.Options{}))
	assert.Equal(t, []string{
		"<22>2026-11-21T08:00:00.123456+00:00 mx postfix/smtp[601]: plain",
		"<22>2026-11-21T08:00:00.123457+00:00 mx postfix/smtp[601]: two#012Nov 21 08:00:00 mx postfix/smtp[1]: forged",
		"<22>2026-11-21T08:00:00.123458+00:00 mx postfix/smtp[601]: a#000b#015#012c\x01é\x80",
		"<75>2026-11-21T08:00:00.123459+00:00 mx CRON[77]: of cron",
		"<22>2026-11-21T08:00:00.123460+00:00 a_b x__postfix/smtp_2___[601]: kept",
		"<22>2026-11-21T08:00:00.123461+00:00 mx sleep[601]: named by its command",
		"<22>2026-11-21T08:00:00.000001+00:00 mx postfix/smtp[601]: late",
		"<14>2026-11-21T08:00:00.123463+00:00 mx postfix/smtp: odd",
		"<22>2026-11-21T08:00:00.123464+00:00 mx postfix/smtp[601]: ",
		"<22>2026-11-21T08:00:00.123465+00:00 mx postfix/smtp[601]: " + strings.Repeat("long ", 60<<10),
		"<22>2026-11-21T08:00:00.123466+00:00 mx postfix/smtp[601]: " + strings.Repeat("x", 100<<10) + "#012",
		"",
	}, strings.Split(got, "\n"))
}

// TestEveryCursor ends a run behind each entry, by giving back the others, and
// has the next run read on from there.
func TestEveryCursor(t *testing.T) {
	testutil.LeakCheck(t)
	j := newJournal(t)
	const n = 12
	j.messages("a.journal", 0, n/2)
	j.messages("b.journal", n/2, n)
	whole := len(all(t, j.open("journal:", state.Position{}, journal.Options{})))
	for i := range n + 1 {
		first := j.open("journal:", state.Position{}, journal.Options{})
		for seen := 0; seen < max(i, 1); {
			b, err := first.Next(t.Context(), nil)
			require.NoError(t, err)
			lines := strings.Count(string(b.Bytes), "\n")
			_, back := split(string(b.Bytes), min(lines, i-seen))
			first.Unread(len(back))
			seen += lines
		}
		pos := first.Position()
		if i == 0 {
			assert.Equal(t, state.Position{Cursor: journal.Begin}, pos)
		}
		assert.Equal(t, numbers(i, n), texts(t, all(t, first)), "presented again")
		assert.Equal(t, int64(whole), first.Stats().Bytes)
		assert.Equal(t, numbers(i, n), texts(t, all(t, j.open("journal:", pos, journal.Options{}))), "read on")
		last := j.open("journal:", first.Position(), journal.Options{})
		assert.Empty(t, all(t, last))
		assert.Equal(t, first.Position(), last.Position())
		assert.Zero(t, last.Stats().Gaps)
	}
}

// split cuts text behind n lines.
func split(text string, n int) (before, behind string) {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:n], ""), strings.Join(lines[n:], "")
}

// TestRuns reads, writes, and holds records back at random; each entry comes once.
func TestRuns(t *testing.T) {
	j := newJournal(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	var pos state.Position
	var got strings.Builder
	written := 0
	for run := range 20 {
		n := rng.IntN(300)
		j.messages(fmt.Sprintf("%d.journal", rng.IntN(3)), written, written+n)
		written += n
		src := j.open("journal:facility=mail", pos, journal.Options{})
		for {
			b, err := src.Next(t.Context(), nil)
			if errors.Is(err, tail.ErrEnded) {
				break
			}
			require.NoError(t, err)
			lines := strings.Count(string(b.Bytes), "\n")
			kept, back := split(string(b.Bytes), lines-rng.IntN(min(lines, 20)))
			if b.Final || run == 19 {
				kept, back = string(b.Bytes), ""
			}
			got.WriteString(kept)
			src.Unread(len(back))
			if rng.IntN(3) == 0 {
				break // ended within
			}
		}
		pos = src.Position()
	}
	got.WriteString(all(t, j.open("journal:facility=mail", pos, journal.Options{})))
	assert.Equal(t, numbers(0, written), texts(t, got.String()))
}

func TestMatches(t *testing.T) {
	j := newJournal(t)
	j.messages("a.journal", 0, 2)
	j.messages("a.journal", 2, 4, "SYSLOG_FACILITY=4", "_SYSTEMD_UNIT=ssh.service")
	j.messages("a.journal", 4, 6, "SYSLOG_FACILITY=9", "_SYSTEMD_UNIT=cron.service", "_UID=7")
	for spec, want := range map[string][]string{
		"journal:":                           numbers(0, 6),
		"journal:facility=mail":              numbers(0, 2),
		"journal:facility=mail,auth":         numbers(0, 4),
		"journal:facility=2,CRON":            {"0", "1", "4", "5"},
		"journal:ssh.service":                numbers(2, 4),
		"journal:ssh cron.service":           numbers(2, 6),
		"journal:_UID=7":                     numbers(4, 6),
		"journal:_UID=7 facility=auth":       nil,
		"journal:_UID=7 + SYSLOG_FACILITY=4": numbers(2, 6),
		"journal: _UID=7  facility=cron ":    numbers(4, 6),
		"journal:_SYSTEMD_UNIT=ssh.service":  numbers(2, 4),
		"journal:postfix@-.service":          nil,
		"journal:_UID=$(id);`id`|true":       nil,
	} {
		assert.Equal(t, want, texts(t, all(t, j.open(spec, state.Position{}, journal.Options{}))), spec)
	}
}

// TestCursorThatIsGone: the journal was vacuumed. journalctl goes on with what
// comes behind, all of it, and the gap is counted, once.
func TestCursorThatIsGone(t *testing.T) {
	j := newJournal(t)
	j.messages("a.journal", 0, 3)
	src := j.open("journal:facility=mail", state.Position{}, journal.Options{})
	assert.Len(t, texts(t, all(t, src)), 3)
	j.messages("b.journal", 3, 6)
	j.messages("c.journal", 6, 9)
	require.NoError(t, os.Remove(filepath.Join(j.dir, "a.journal")))
	require.NoError(t, os.Remove(filepath.Join(j.dir, "b.journal")))
	var said bytes.Buffer
	next := j.open("journal:facility=mail", src.Position(), journal.Options{Log: logger(&said)})
	assert.Equal(t, numbers(6, 9), texts(t, all(t, next)))
	assert.Equal(t, int64(1), next.Stats().Gaps)
	assert.Contains(t, said.String(), "may be lost")
	last := j.open("journal:facility=mail", next.Position(), journal.Options{})
	assert.Empty(t, all(t, last))
	assert.Zero(t, last.Stats().Gaps)
}

// TestNothingLeft: a journal that is empty now keeps its position.
func TestNothingLeft(t *testing.T) {
	j := newJournal(t)
	j.messages("a.journal", 0, 3)
	src := j.open("journal:", state.Position{}, journal.Options{})
	all(t, src)
	require.NoError(t, os.Remove(filepath.Join(j.dir, "a.journal")))
	empty := j.open("journal:", src.Position(), journal.Options{})
	assert.Empty(t, all(t, empty))
	assert.Equal(t, src.Position(), empty.Position())
	assert.Zero(t, empty.Stats().Gaps)
}

func TestFromEnd(t *testing.T) {
	j := newJournal(t)
	opt := journal.Options{FromEnd: true}
	src := j.open("journal:facility=auth", state.Position{}, opt) // no journal at all
	assert.Empty(t, all(t, src))
	assert.Equal(t, state.Position{Cursor: journal.Begin}, src.Position())
	j.messages("a.journal", 0, 3)
	mail := j.open("journal:facility=mail", state.Position{}, opt)
	assert.Empty(t, all(t, mail))
	auth := j.open("journal:facility=auth", state.Position{}, opt) // none that matches
	assert.Empty(t, all(t, auth))
	j.messages("a.journal", 3, 6)
	j.messages("b.journal", 6, 7, "SYSLOG_FACILITY=4")
	assert.Equal(t, numbers(3, 6), texts(t, all(t, j.open("journal:facility=mail", mail.Position(), opt))))
	for _, pos := range []state.Position{src.Position(), auth.Position()} {
		assert.Equal(t, numbers(6, 7), texts(t, all(t, j.open("journal:facility=auth", pos, opt))))
	}
}

// TestLast: of a new journal the last entries are read, of one with a position all.
func TestLast(t *testing.T) {
	j := newJournal(t)
	j.messages("a.journal", 0, 9)
	opt := journal.Options{FromEnd: true, Last: 4}
	src := j.open("journal:", state.Position{}, opt)
	assert.Equal(t, numbers(5, 9), texts(t, all(t, src)))
	j.messages("a.journal", 9, 18)
	assert.Equal(t, numbers(9, 18), texts(t, all(t, j.open("journal:", src.Position(), opt))))
	begin := state.Position{Cursor: journal.Begin}
	assert.Equal(t, numbers(0, 18), texts(t, all(t, j.open("journal:", begin, opt))))
	opt.Follow = true
	follower := j.open("journal:", state.Position{}, opt)
	var got strings.Builder
	testutil.Eventually(t, limit, func() bool {
		b, err := follower.Next(t.Context(), nil)
		got.Write(b.Bytes)
		return err == nil
	})
	assert.True(t, strings.Contains(got.String(), ": 14\n") && strings.Count(got.String(), "\n") <= 4, got.String())
}

// TestLongMessages: what is too long is skipped and counted, once over two runs.
func TestLongMessages(t *testing.T) {
	j := newJournal(t)
	var export []byte
	export = j.entry(export, "MESSAGE=0")
	export = j.entry(export, "MESSAGE="+strings.Repeat("x", 600<<10))
	export = j.entry(export, "MESSAGE="+strings.Repeat("x", 600<<10)+"\n")
	j.write("a.journal", export)
	opt := journal.Options{MaxLine: 500 << 10}
	src := j.open("journal:", state.Position{}, opt)
	assert.Equal(t, numbers(0, 1), texts(t, all(t, src)))
	st := src.Stats()
	assert.Equal(t, int64(2), st.LongLines)
	assert.InDelta(t, 1200<<10, st.LongBytes, 200)
	again := j.open("journal:", src.Position(), opt)
	assert.Empty(t, all(t, again))
	assert.Zero(t, again.Stats().LongLines)
}

// TestFollow reads on while another program writes.
func TestFollow(t *testing.T) {
	testutil.LeakCheck(t)
	j := newJournal(t)
	j.messages("a.journal", 0, 3)
	woken := make(chan struct{}, 1)
	opt := journal.Options{Follow: true, FromEnd: true, Wake: func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}}
	src := j.open("journal:facility=mail", state.Position{}, opt)
	const n = 3000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 3; i < n; i += 111 {
			j.messages(fmt.Sprintf("%c.journal", 'a'+i%2), i, min(i+111, n))
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var got strings.Builder
	for strings.Count(got.String(), "\n") < n-3 {
		b, err := src.Next(ctx, nil)
		if err == io.EOF {
			select {
			case <-woken:
			case <-ctx.Done():
				require.FailNow(t, "not woken", "%d lines", strings.Count(got.String(), "\n"))
			}
			continue
		}
		require.NoError(t, err)
		got.Write(b.Bytes)
	}
	<-done
	assert.Equal(t, numbers(3, n), texts(t, got.String()))
	assert.Empty(t, all(t, j.open("journal:facility=mail", src.Position(), journal.Options{})))
}
