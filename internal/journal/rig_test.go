package journal_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

// limit is for what happens in milliseconds, or after a pause.
const limit = 30 * time.Second

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// journald is a directory with real journal files.
type journald struct {
	*testutil.Journal
	t   testing.TB
	dir string
}

func newJournal(t testing.TB) *journald {
	t.Helper()
	j := testutil.NewJournal(t)
	return &journald{j, t, j.Dir}
}

func (j *journald) entry(dst []byte, fields ...string) []byte { return j.AppendEntry(dst, fields...) }

func (j *journald) write(file string, export []byte) { j.t.Helper(); j.Write(j.t, file, export) }

// messages writes entries with messages "N" for from <= N < to.
func (j *journald) messages(file string, from, to int, fields ...string) {
	j.t.Helper()
	var export []byte
	for i := from; i < to; i++ {
		export = j.entry(export, append([]string{fmt.Sprintf("MESSAGE=%d", i)}, fields...)...)
	}
	j.write(file, export)
}

// open opens the journal, which is closed at the test's end.
func (j *journald) open(spec string, pos state.Position, opt journal.Options) *journal.Source {
	j.t.Helper()
	opt.Directory = j.dir
	src, err := journal.Open(spec, pos, opt)
	require.NoError(j.t, err)
	j.t.Cleanup(func() { require.NoError(j.t, src.Close()) })
	return src
}

// all reads src, which does not follow, to its end.
func all(t testing.TB, src *journal.Source) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 2*tail.BlockSize)
	for {
		b, err := src.Next(t.Context(), buf)
		if errors.Is(err, tail.ErrEnded) {
			return got.String()
		}
		require.NoError(t, err)
		got.Write(b.Bytes)
	}
}

// texts returns the messages of lines of postfix/smtp.
func texts(t testing.TB, lines string) (texts []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		_, text, ok := strings.Cut(line, " mx postfix/smtp[601]: ")
		require.True(t, ok, line)
		texts = append(texts, strings.TrimSuffix(text, "\n"))
	}
	return texts
}

func numbers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}
