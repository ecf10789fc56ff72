package extract_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// mailWorld is a world whose log is what the name names, with a mail server's
// lines. Its first run begins at the end, as without a flag.
func mailWorld(t *testing.T, log string, args ...string) *world {
	t.Helper()
	w := emptyWorld(t, args...)
	w.args = slices.DeleteFunc(w.args, func(arg string) bool { return arg == "--from=begin" })
	w.parser, w.logs = "PostfixParser", []string{log}
	return w
}

// sent returns n lines of deliveries. They are counted in written.
func (w *world) sent(n int) (lines []string) {
	for range n {
		lines = append(lines, "Nov 21 08:00:00 mx postfix/smtp[9]: "+delivered(w.written, "sent"))
		w.written++
	}
	return lines
}

// follow starts the program so that it goes on, and waits until it is ready.
func (w *world) follow(flags ...string) *process {
	w.t.Helper()
	p := w.starts(flags...)
	ready(w.t, p.address)
	return p
}

// starts is follow without waiting.
func (w *world) starts(flags ...string) *process {
	w.t.Helper()
	address, cmd := testutil.FreeAddress(w.t), w.command()
	cmd.Args = append(cmd.Args, append(flags, "--follow", "--telemetry", address)...)
	p := launch(w.t, cmd)
	p.address = address
	return p
}

// told gives the ledger what a process printed that has ended.
func (w *world) told(p *process) {
	w.ledger.take("stdout", []byte(p.printed()), func(f []string) (string, string) { return f[1], f[2] })
}

// allSent holds both sinks to what was written.
func (w *world) allSent() {
	w.t.Helper()
	for _, name := range w.outputs {
		assert.EqualValues(w.t, w.written, w.ledger.total(name, "numSent"), name)
		assert.Zero(w.t, w.ledger.sum(name, "rejected"), name)
		assert.Zero(w.t, w.ledger.sum(name, "datagramsDropped"), name)
	}
	assert.Empty(w.t, w.ledger.faults)
}

// journaled is a world that reads a journal.
type journaled struct {
	*world
	journal *testutil.Journal
}

func newJournaled(t *testing.T) *journaled {
	t.Helper()
	j := testutil.NewJournal(t)
	w := &journaled{mailWorld(t, "journal:facility=mail", "--journal-dir", j.Dir), j}
	w.add(3)
	w.exits(0)
	assert.Zero(t, w.ledger.count("graphite"), "it begins at the end")
	w.written = 0
	return w
}

// add writes n entries, and some of another facility.
func (w *journaled) add(n int) {
	w.t.Helper()
	var export []byte
	for _, line := range w.sent(n) {
		_, message, _ := strings.Cut(line, "]: ")
		export = w.journal.AppendEntry(export, "MESSAGE="+message)
		if w.rand.IntN(4) == 0 {
			export = w.journal.AppendEntry(export, "MESSAGE="+message, "SYSLOG_FACILITY=3")
		}
	}
	w.journal.Write(w.t, "mail.journal", export)
}

// TestJournalFromCron has entries added between runs that are killed at random.
func TestJournalFromCron(t *testing.T) {
	t.Parallel()
	w := newJournaled(t)
	for w.killed < 8 {
		w.add(1 + w.rand.IntN(100))
		w.run(time.Duration(1+w.rand.IntN(60000)) * time.Microsecond)
	}
	w.add(1)
	for range 2 {
		assert.Empty(t, w.exits(0))
		w.allSent()
	}
}

// TestJournalFollowed is ended in each way while entries are added.
func TestJournalFollowed(t *testing.T) {
	t.Parallel()
	w := newJournaled(t)
	for round := range 4 {
		p := w.follow("--interval=1s")
		for range 3 {
			w.add(1 + w.rand.IntN(100))
		}
		testutil.Eventually(t, patience, func() bool { return int(w.ledger.total("graphite", "numSent")) == w.written })
		w.add(1 + w.rand.IntN(100))
		if round%2 == 0 {
			p.kill()
		} else {
			p.end()
		}
		w.told(p)
		assert.Empty(t, p.said())
	}
	w.exits(0)
	w.allSent()
}

// TestStandardInput is read to its end, without a first run that begins
// elsewhere, and its last line needs no end.
func TestStandardInput(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{{}, {"--follow", "--interval=1s"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			w := mailWorld(t, "-")
			for range 3 {
				cmd := w.command()
				cmd.Args = append(cmd.Args, flags...)
				cmd.Stdin = strings.NewReader(strings.Join(w.sent(2000), "\n"))
				p := launch(t, cmd)
				p.exits(0)
				assert.Empty(t, p.said())
				w.told(p)
				w.allSent()
			}
		})
	}
}

// TestFIFOFromCron waits for a writer and ends when it has gone.
func TestFIFOFromCron(t *testing.T) {
	t.Parallel()
	w := mailWorld(t, filepath.Join(t.TempDir(), "fifo"))
	require.NoError(t, syscall.Mkfifo(w.logs[0], 0o600))
	for range 3 {
		p := launch(t, w.command())
		w.intoFIFO(w.sent(2000))
		p.exits(0)
		assert.Empty(t, p.said())
		w.told(p)
		w.allSent()
	}
}

// intoFIFO writes lines, once somebody reads.
func (w *world) intoFIFO(lines []string) {
	w.t.Helper()
	fifo, err := os.OpenFile(w.logs[0], os.O_WRONLY, 0)
	require.NoError(w.t, err)
	defer fifo.Close()
	_, err = io.WriteString(fifo, strings.Join(lines, "\n")+"\n")
	require.NoError(w.t, err)
}

// datagrams sends lines as syslog does.
func (w *world) datagrams(network, address string, lines []string) {
	w.t.Helper()
	conn, err := net.Dial(network, address)
	require.NoError(w.t, err)
	defer conn.Close()
	for _, line := range lines {
		_, err := io.WriteString(conn, "<22>"+line)
		require.NoError(w.t, err)
	}
}

// TestStreamsAreReadToTheirEndAtTheEnd: what came before SIGTERM is counted and
// delivered, in an interval that is long from over.
func TestStreamsAreReadToTheirEndAtTheEnd(t *testing.T) {
	t.Parallel()
	socket, address := filepath.Join(t.TempDir(), "log"), testutil.FreeAddress(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for log, send := range map[string]func(*world, []string){
		fifo:                 func(w *world, lines []string) { w.intoFIFO(lines) },
		"unixgram:" + socket: func(w *world, lines []string) { w.datagrams("unixgram", socket, lines) },
		"udp:" + address:     func(w *world, lines []string) { w.datagrams("udp", address, lines) },
	} {
		name, _, _ := strings.Cut(log, ":")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			w := mailWorld(t, log)
			for range 3 {
				p := w.follow("--interval=1h")
				for range 3 {
					send(w, w.sent(300))
				}
				p.end()
				assert.Empty(t, p.said())
				w.told(p)
				w.allSent()
			}
			if name == "unixgram" {
				assert.NoFileExists(t, socket)
			}
		})
	}
}
