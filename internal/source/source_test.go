package source_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/internal/stream"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

func TestKinds(t *testing.T) {
	for name, want := range map[string]source.Kind{
		"-": source.Stdin, "unixgram:/run/x": source.Unixgram, "udp:127.0.0.1:514": source.UDP, "journal:": source.Journal,
		"journal:facility=mail": source.Journal, "/var/log/mail.log": source.File, "./journal:x": source.File, "*.log": source.File,
		"journal": source.File, "--": source.File, "tcp:1": source.File, "": source.File,
	} {
		assert.Equal(t, want, source.KindOf(name), name)
		assert.Equal(t, want == source.File, source.IsFile(name), name)
		assert.Equal(t, want == source.Unixgram || want == source.UDP, want.Endless(), name)
	}
}

func TestCheck(t *testing.T) {
	for _, name := range []string{"-", "a*", "udp:[::1]:514", "udp:localhost:syslog", "unixgram:/x", "journal:", "journal:a.service"} {
		require.NoError(t, source.Check(name), name)
	}
	for name, text := range map[string]string{
		"udp:127.0.0.1": `listen on "udp:127.0.0.1": `, "udp::514": "names no address", "unixgram:": "names no path",
		"journal:-x": "looks like an option",
	} {
		require.ErrorContains(t, source.Check(name), text, name)
		_, err := source.Open(name, state.Position{}, source.Options{Follow: true})
		require.Error(t, err, name)
	}
}

// open opens the log and closes it at the test's end.
func open(t *testing.T, name string, opt source.Options) tail.Source {
	t.Helper()
	src, err := source.Open(name, state.Position{}, opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "fifo")
	require.NoError(t, os.WriteFile(file, []byte("a\n"), 0o600))
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	assert.IsType(t, &tail.File{}, open(t, file, source.Options{}))
	assert.IsType(t, &stream.Source{}, open(t, fifo, source.Options{}))
	assert.IsType(t, &stream.Source{}, open(t, "udp:127.0.0.1:0", source.Options{Follow: true}))
	assert.IsType(t, &stream.Source{}, open(t, "unixgram:"+filepath.Join(dir, "s"), source.Options{Follow: true}))
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "journalctl"), []byte("#!/bin/sh\n"), 0o700))
	t.Setenv("PATH", bin)
	assert.IsType(t, &journal.Source{}, open(t, "journal:", source.Options{JournalDir: dir}))

	src, err := source.Open(filepath.Join(dir, "none"), state.Position{}, source.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Nil(t, src)
}

// TestSyslogSockets: what programs send in the usual forms is counted by the
// parsers behind the socket.
func TestSyslogSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	woken := make(chan struct{}, 1)
	src := open(t, "unixgram:"+path, source.Options{Follow: true, Wake: func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}})
	conn, err := net.Dial("unixgram", path)
	require.NoError(t, err)
	defer conn.Close()
	const delivery = "4F0AC5E: to=<a@b>, relay=none, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)"
	lines := []string{
		"<22>Nov 21 02:35:28 postfix/smtp[21]: " + delivery + "\n",
		"<22>Nov 21 02:35:28 mx postfix/smtp[21]: " + delivery,
		"<22>2026-11-21T02:35:28.123456+00:00 mx postfix/smtp[21]: " + delivery,
		"<22>1 2026-11-21T02:35:28.1Z mx postfix/smtp 21 - - " + delivery + "\x00",
		"<38>Nov 21 02:35:28 evil[1]: x\nNov 21 02:35:28 mx postfix/smtp[21]: " + delivery,
		"<38>Nov 21 02:35:28 evil[1]: postfix/smtp[21]: " + delivery,
	}
	for _, line := range lines {
		_, err := io.WriteString(conn, line)
		require.NoError(t, err)
	}
	values := map[string]float64{}
	names := []string{"PostfixParser", "SyslogParser"}
	var log []byte
	for n := 0; n < len(lines); {
		b, err := src.Next(t.Context(), nil)
		if err == io.EOF {
			select {
			case <-woken:
			case <-time.After(20 * time.Second):
				require.FailNow(t, "not woken")
			}
			continue
		}
		require.NoError(t, err)
		for _, c := range b.Bytes {
			if c == '\n' {
				n++
			}
		}
		log = append(log, b.Bytes...)
	}
	for _, name := range names {
		factory, _, ok := parsers.Find(name)
		require.True(t, ok)
		rec := metric.NewRecorder(metric.RecorderOptions{})
		parser, err := factory.New(parsers.Options{}, rec)
		require.NoError(t, err)
		st := parser.Parse(parsers.Block{Bytes: log}, rec)
		assert.Equal(t, len(lines), st.Lines)
		assert.Zero(t, st.Rejected)
		var batch metric.Batch
		rec.Flush(&batch)
		for _, s := range batch.Samples {
			values[s.Name] = s.Sum
		}
	}
	for name, want := range map[string]float64{
		"numSent": 4, "lines": 6, "program.postfix_smtp": 4, "program.evil": 2,
		"facility.mail": 4, "facility.auth": 2, "severity.info": 6,
	} {
		assert.Equal(t, want, values[name], name)
	}
}
