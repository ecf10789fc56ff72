package notify_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/logmetrics/logmetrics/internal/notify"
)

// limit is how long a wake may take on a machine that is busy with other tests.
const limit = 20 * time.Second

// leakCheck fails the test when goroutines are left that are not the library's
// own two, which take the events for the process's life.
func leakCheck(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(t, before,
			goleak.IgnoreTopFunction("github.com/nxadm/tail/watch.(*InotifyTracker).run"),
			goleak.IgnoreAnyFunction("github.com/fsnotify/fsnotify.(*inotify).readEvents"))
	})
}

// fataler is what an ear needs of *testing.T and *rapid.T.
type fataler interface {
	require.TestingT
	Helper()
}

// ear hears the wakes of one Notify.
type ear struct {
	t     fataler
	path  string
	heard chan struct{}
	stop  context.CancelFunc
}

func listen(t fataler, path string) *ear {
	t.Helper()
	e := &ear{t: t, path: path, heard: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	require.NoError(t, notify.Files{}.Notify(ctx, path, func() {
		select {
		case e.heard <- struct{}{}:
		default:
		}
	}))
	return e
}

// hears checks that do wakes, after whatever came before.
func (e *ear) hears(what string, do func()) {
	e.t.Helper()
	e.quiet()
	do()
	select {
	case <-e.heard:
	case <-time.After(limit):
		require.FailNow(e.t, "no wake", "%s of %s", what, e.path)
	}
}

// hearsSoon is hears for what takes effect a while after it was done: do is done
// again and again.
func (e *ear) hearsSoon(what string, do func()) {
	e.t.Helper()
	e.quiet()
	e.wakes(what, do)
}

// wakes does what wakes until it does.
func (e *ear) wakes(what string, do func()) {
	e.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(limit); ; {
		do()
		select {
		case <-e.heard:
			return
		case <-tick.C:
		case <-end:
			require.FailNow(e.t, "no wake", "%s of %s", what, e.path)
		}
	}
}

// quiet takes what is there, until the events of what was done before are over:
// those of another file that come after them are.
func (e *ear) quiet() {
	e.t.Helper()
	if filepath.Base(e.path) != "marker" {
		marker := listen(e.t, filepath.Join(filepath.Dir(e.path), "marker"))
		marker.hears("write", func() { put(e.t, marker.path, "x") })
		marker.stop()
	}
	select {
	case <-e.heard:
	default:
	}
}

// put appends text to the file at path, which it makes when it is missing.
func put(t require.TestingT, path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
