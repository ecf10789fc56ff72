package tail_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/state"
)

// TestLinesOfOldChildrenAfterRotation: a web server that was reloaded has old
// processes, which write to the rotated file while new ones write to the new.
func TestLinesOfOldChildrenAfterRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	now := time.Now()
	var want []string
	write := func(f *os.File, n int) {
		for range n {
			line := fmt.Sprintf("line %d\n", len(want))
			want = append(want, line)
			_, err := f.WriteString(line)
			require.NoError(t, err)
		}
	}
	create := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	writers := []*os.File{create()}
	write(writers[0], 10)
	log, err := tail.Open(path, state.Position{}, tail.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer log.Close()
	var got []string
	read := func() {
		t.Helper()
		buf := make([]byte, 4<<10)
		for {
			b, err := log.Next(t.Context(), buf)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			got = append(got, slices.Collect(strings.Lines(string(b.Bytes)))...)
		}
		assert.ElementsMatch(t, want, got)
	}
	read()
	for i := range 5 {
		rotate(t, path)
		writers = append(writers, create())
		for range 3 {
			for _, f := range writers[max(0, i-1):] {
				write(f, 2)
			}
			read()
			now = now.Add(10 * time.Second)
		}
	}
	// What comes after two minutes of silence is not waited for.
	now = now.Add(3 * time.Minute)
	read()
	_, err = writers[4].WriteString("too late\n")
	require.NoError(t, err)
	read()
	again, err := tail.Open(path, log.Position(), tail.Options{})
	require.NoError(t, err)
	defer again.Close()
	_, err = again.Next(t.Context(), nil)
	assert.ErrorIs(t, err, io.EOF, "nothing is read again")
}

// rotate renames as logrotate does.
func rotate(t *testing.T, path string) {
	t.Helper()
	for i := 8; i > 0; i-- {
		if err := os.Rename(fmt.Sprintf("%s.%d", path, i), fmt.Sprintf("%s.%d", path, i+1)); err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
	require.NoError(t, os.Rename(path, path+".1"))
}
