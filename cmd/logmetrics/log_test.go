package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newConsole() (c *console, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return &console{stdout: stdout, stderr: stderr, now: time.Now}, stdout, stderr
}

func TestMessagesArePlainLines(t *testing.T) {
	c, _, stderr := newConsole()
	log, closeLog := c.logger(false, "")
	defer closeLog()
	log.Debug("not shown")
	log.With("source", "/a b").WithGroup("g").Info("read", "lines", 3, "text", "x\x1b[1m\ny")
	assert.Equal(t, `logmetrics: read source="/a b" g.lines=3 g.text="x\x1b[1m\ny"`+"\n", stderr.String())
}

func TestLogFileIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	c, _, stderr := newConsole()
	file := filepath.Join(dir, "logmetrics.log")
	say := func(text string) {
		log, closeLog := c.logger(true, dir)
		log.Debug(text)
		closeLog()
	}
	say("first")
	require.NoError(t, os.Truncate(file, maxLogFile))
	say("second")
	old, err := os.Stat(file + ".1")
	require.NoError(t, err)
	assert.EqualValues(t, maxLogFile, old.Size())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(data), "second")
	assert.NotContains(t, string(data), "first")
	assert.Equal(t, 2, strings.Count(stderr.String(), "\n"))
}

// TestLogFileOfAProcessThatGoesOnIsBounded: it is full while two jobs have it
// open. Whoever finds that sets it aside, and the other writes into the new one.
func TestLogFileOfAProcessThatGoesOnIsBounded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "logmetrics.log")
	c, _, _ := newConsole()
	one, closeOne := c.logger(false, dir)
	defer closeOne()
	two, closeTwo := c.logger(false, dir)
	defer closeTwo()
	one.Info("first")
	require.NoError(t, os.Truncate(file, maxLogFile))
	one.Info("second")
	two.Info("third")
	require.NoError(t, os.Remove(file))
	two.Info("fourth")
	old, err := os.Stat(file + ".1")
	require.NoError(t, err)
	assert.EqualValues(t, maxLogFile, old.Size())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "third")
	assert.Contains(t, string(data), "fourth")
}

func TestLogDirThatCannotBeIsSaidAndNoMore(t *testing.T) {
	c, _, stderr := newConsole()
	log, closeLog := c.logger(false, "/dev/null/x")
	defer closeLog()
	log.Info("goes on")
	assert.Contains(t, stderr.String(), "--log-dir")
	assert.Contains(t, stderr.String(), "logmetrics: goes on\n")
	assert.True(t, log.Enabled(t.Context(), slog.LevelInfo))
}

func TestInterruptedExits130AndKeepsNothing(t *testing.T) {
	dir := t.TempDir()
	mail := filepath.Join(dir, "mail.log")
	require.NoError(t, os.WriteFile(mail, []byte("x\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, stdout, stderr := newConsole()
	args := []string{"-s", filepath.Join(dir, "state"), "--job=j", "-o", "stdout", "--from=begin", "PostfixParser", mail}
	assert.Equal(t, exitInterrupted, c.main(ctx, args))
	assert.Empty(t, stdout.String())
	assert.Contains(t, stderr.String(), "interrupted")
	assert.NoFileExists(t, filepath.Join(dir, "state", "j.state"))
}

func TestFlagsWithoutMeaningAreSaidOnATerminal(t *testing.T) {
	dir := t.TempDir()
	mail := filepath.Join(dir, "mail.log")
	require.NoError(t, os.WriteFile(mail, []byte("x\n"), 0o600))
	args := []string{"-s", filepath.Join(dir, "state"), "--from=begin", "-o", "stdout", "-t", "pygtail", "--locker=fcntl", "PostfixParser", mail}
	for _, terminal := range []bool{false, true} {
		c, _, stderr := newConsole()
		c.terminal = terminal
		require.Equal(t, exitOK, c.main(t.Context(), args))
		if terminal {
			assert.Equal(t, "logmetrics: --tailer, --locker: accepted for Logster's sake, without a meaning here\n", stderr.String())
		} else {
			assert.Empty(t, stderr.String())
		}
	}
}
