// Command follow writes to many logs at a steady rate while logmetrics, and
// mtail if it is there, follow them, and prints what each of them took: seconds
// of CPU and resident memory at the end. With -rate=0 it shows the cost of idle
// logs. The lines that logmetrics counted must be those that were written.
//
// Usage: follow [-logs N] [-rate LINES] [-seconds N] LOGMETRICS MTAIL_PROGRAM
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	logs    = flag.Int("logs", 100, "how many logs")
	rate    = flag.Int("rate", 1000, "lines a second, of each log; 0: none")
	seconds = flag.Int("seconds", 30, "how long")
)

// line is what is written: a delivery, of which both count the status.
const line = "Nov 21 03:08:56 mx postfix/smtp[601]: 4F0AC5E123: to=<ann@example.org>, relay=mx.example.org[192.0.2.7]:25, " +
	"delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7D3F1)\n"

func main() {
	flag.Parse()
	dir, err := os.MkdirTemp("", "logmetrics-follow-")
	if err == nil {
		err = run(dir)
	}
	_ = os.RemoveAll(dir) // what is left is in the system's temporary directory
	if err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	files, err := open(dir)
	if err != nil {
		return err
	}
	glob := filepath.Join(dir, "*.log")
	var counted bytes.Buffer
	list := []*follower{start("logmetrics", &counted, flag.Arg(0), "-f", "--interval=5s", "-s", filepath.Join(dir, "state"), "-o", "stdout", "PostfixParser", glob)}
	if path, err := exec.LookPath("mtail"); err == nil {
		list = append(list, start("mtail", nil, path, "--progs="+flag.Arg(1), "--logs="+glob, "--address=127.0.0.1", "--port=0"))
	} else {
		fmt.Println("left out, absent: mtail")
	}
	time.Sleep(3 * time.Second) // both have opened their logs
	for _, f := range list {
		f.before = f.cpu()
	}
	written, err := write(files)
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // what was written last is read
	fmt.Printf("%d logs, %d lines/s each, %d s: %d lines\n", *logs, *rate, *seconds, written)
	for _, f := range list {
		f.report()
	}
	if got := sum(counted.String(), "numSent"); got != written {
		return fmt.Errorf("logmetrics counted %d lines of %d", got, written)
	}
	return nil
}

func open(dir string) (files []*os.File, err error) {
	for i := range *logs {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.log", i)))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// write writes to all logs a hundred times a second, as programs that log do:
// each line by itself.
func write(files []*os.File) (n int, err error) {
	const ticks = 100
	tick := time.NewTicker(time.Second / ticks)
	defer tick.Stop()
	for range *seconds * ticks {
		<-tick.C
		for _, f := range files {
			for range *rate / ticks {
				if _, err := f.WriteString(line); err != nil {
					return n, err
				}
				n++
			}
		}
	}
	return n, nil
}

// follower is a process that is measured.
type follower struct {
	name   string
	cmd    *exec.Cmd
	before float64 // seconds of CPU before anything was written
}

func start(name string, stdout *bytes.Buffer, path string, args ...string) *follower {
	f := &follower{name: name, cmd: exec.Command(path, args...)}
	if stdout != nil {
		f.cmd.Stdout = stdout
	}
	if err := f.cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return f
}

// cpu returns the seconds that the process has taken.
func (f *follower) cpu() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.cmd.Process.Pid))
	if err != nil {
		log.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100 // USER_HZ
}

func (f *follower) report() {
	took := f.cpu() - f.before
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		log.Fatal(err)
	}
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	rss, _, _ = strings.Cut(rss, "kB")
	kib, _ := strconv.Atoi(strings.TrimSpace(rss))
	fmt.Printf("%-11s %7.2f s CPU, %5.1f %% of a core, %8.1f s an hour, RSS %5.1f MiB\n",
		f.name, took, 100*took/float64(*seconds), 3600*took/float64(*seconds), float64(kib)/1024)
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	_ = f.cmd.Wait()
}

// sum adds up the values of a metric in what stdout has.
func sum(text, metric string) (n int) {
	for l := range strings.Lines(text) {
		if f := strings.Fields(l); len(f) == 3 && f[1] == metric {
			v, _ := strconv.Atoi(f[2])
			n += v
		}
	}
	return n
}
