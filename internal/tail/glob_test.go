package tail_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
)

func TestExpand(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"mail.log", "mail.log.1", "mail.log.2.gz", "mail.log-20240131", "mail.log-20240131-1706832000.xz", "mail.log.old",
		"mail.err.1", "app.1", "app.1.1", "a", "a.1", "odd[1].log", "x/mail.log.1",
		"web.log", "web-20240131.log", "web.2024-01-31.log.gz", "web-2024-01-31-1.log", "web.1.log", "web-1706832000.log", "web-2.log",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	for _, c := range []struct {
		patterns    []string
		generations bool
		want        []string
	}{
		{[]string{"mail.log"}, false, []string{"mail.log"}},
		{[]string{"absent.log"}, false, []string{"absent.log"}},
		{[]string{"absent*"}, false, []string{}},
		{[]string{"mail.log*"}, false, []string{"mail.log", "mail.log.old"}},
		{[]string{"mail.log*", "./mail.log", "mail.*"}, false, []string{"mail.err.1", "mail.log", "mail.log.old"}},
		{[]string{"mail.log.[0-9]*"}, false, []string{"mail.log.1", "mail.log.2.gz"}},
		{[]string{"mail.log", "mail.log.1"}, true, []string{"mail.log", "mail.log.1"}},
		{[]string{"a", "a.1"}, false, []string{"a"}},
		{[]string{"app.*"}, false, []string{"app.1"}},
		{[]string{"web*"}, false, []string{"web-2.log", "web.1.log", "web.log"}},
		{[]string{"web-*"}, false, []string{"web-1706832000.log", "web-2.log", "web-2024-01-31-1.log", "web-20240131.log"}},
		{[]string{"odd[1].log"}, false, []string{"odd[1].log"}},
		{[]string{"*/*"}, false, []string{"x/mail.log.1"}},
	} {
		got, err := tail.Expand(c.patterns, c.generations)
		require.NoError(t, err)
		assert.Equal(t, c.want, append([]string{}, got...), "%q", c.patterns)
	}
	_, err := tail.Expand([]string{"mail[.log"}, false)
	require.ErrorIs(t, err, filepath.ErrBadPattern)
}

func TestExpandBound(t *testing.T) {
	names := make([]string, tail.MaxLogs+1)
	for i := range names {
		names[i] = fmt.Sprint("log", i)
	}
	_, err := tail.Expand(names, false)
	require.ErrorContains(t, err, "more than")
}
