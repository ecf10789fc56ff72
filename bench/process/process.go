//go:build linux

// Package process runs the servers that benchmarks compare: on the first CPU, each
// with a directory of its own, and ends them by their number.
//
// It promises that the CPU and memory it tells are those of one process. It is for
// programs below bench, and prints what is amiss with the machine. Start from Start.
package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a server that runs, with a directory of its own.
type Process struct {
	*exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start starts a server on the first CPU, and waits until it takes connections at
// a port of this host. What it prints is in dir/server.log; its input is open and empty.
func Start(port int, argv []string, dir string) (*Process, error) {
	p := &Process{exec.Command(argv[0], argv[1:]...), make(chan struct{})}
	p.Dir = dir
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Stderr = log, log
	if _, err := p.StdinPipe(); err != nil {
		return nil, err
	}
	if err := onFirstCPU(p.Start); err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // how a server that was killed ended says nothing
		close(p.done)
	}()
	if err := p.Answers(port); err != nil {
		p.End(syscall.SIGKILL)
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s: %w: %s", argv[0], err, text)
	}
	return p, nil
}

// Answers waits until the server takes connections at a port of this host.
func (p *Process) Answers(port int) error {
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return conn.Close()
		}
		select {
		case <-p.done:
			return errors.New("it ended")
		default:
		}
	}
	return fmt.Errorf("no answer at port %d", port)
}

// End ends the process by a signal, and waits for it.
func (p *Process) End(sig syscall.Signal) {
	_ = p.Process.Signal(sig) // it may have ended
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.Process.Kill()
		<-p.done
	}
}

// CPU is the seconds of CPU that the process has taken, by threads that have not
// ended; servers keep theirs. What the process has of itself are hundredths.
func (p *Process) CPU() float64 {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.Process.Pid))
	if err != nil {
		return 0
	}
	var ns float64
	for _, t := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", p.Process.Pid, t.Name()))
		if f := strings.Fields(string(text)); len(f) == 3 {
			ran, _ := strconv.ParseFloat(f[0], 64)
			ns += ran
		}
	}
	return ns / 1e9
}

// Memory is what the process has, and what of it is its own and not files', in bytes.
func (p *Process) Memory() (resident, anonymous float64) {
	return p.status("VmRSS:"), p.status("RssAnon:")
}

// Peak is the most memory that the process ever had, in bytes.
func (p *Process) Peak() float64 { return p.status("VmHWM:") }

// status is a line of bytes in the process's status.
func (p *Process) status(key string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == key {
			kib, _ := strconv.ParseFloat(f[1], 64)
			return kib * 1024
		}
	}
	return 0
}

// FreePort is a port of this host on which nobody listens.
func FreePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// LeaveFirstCPU keeps this process off the first CPU, if there are others.
func LeaveFirstCPU() error {
	var set unix.CPUSet
	for i := 1; i < runtime.NumCPU(); i++ {
		set.Set(i)
	}
	if set.Count() == 0 {
		fmt.Println("one CPU only: servers and load share it")
		return nil
	}
	tasks, err := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		id, _ := strconv.Atoi(t.Name())
		err = errors.Join(err, unix.SchedSetaffinity(id, &set))
	}
	return err
}

// onFirstCPU calls f, and what it starts stays on the first CPU.
func onFirstCPU(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var first, before unix.CPUSet
	first.Set(0)
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	err := unix.SchedSetaffinity(0, &first)
	if err == nil {
		err = f()
	}
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// Found returns the path of a program, "" without it, which is said.
func Found(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		fmt.Println("left out, absent:", program)
	}
	return path
}

// Loopback is a flag that says where on this host a server is to listen.
func Loopback(flag string, port int) string { return fmt.Sprintf("%s=127.0.0.1:%d", flag, port) }

// Get returns the answer of a server on this host.
func Get(port int, pathAndQuery string) (string, error) {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, pathAndQuery))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %s", pathAndQuery, resp.Status, text)
	}
	return string(text), err
}

// Figure returns the sum of the lines of a page of metrics that match.
func Figure(port int, line *regexp.Regexp) (int64, error) {
	page, err := Get(port, "/metrics")
	var sum float64
	for _, m := range line.FindAllStringSubmatch(page, -1) {
		v, _ := strconv.ParseFloat(m[1], 64)
		sum += v
	}
	return int64(sum), err
}

// InDirectory calls f with a new directory, which is removed.
func InDirectory(f func(dir string) error) error {
	dir, err := os.MkdirTemp("", "logmetrics-bench-")
	if err != nil {
		return err
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}
