//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server that runs, with a directory of its own.
type process struct {
	*exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts a server on the first CPU, and waits until it takes connections at
// a port of this host.
func start(port int, argv []string, dir string) (*process, error) {
	p := &process{exec.Command(argv[0], argv[1:]...), make(chan struct{})}
	p.Dir = dir
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Stderr = log, log
	if err := onFirstCPU(p.Start); err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // how a server that was killed ended says nothing
		close(p.done)
	}()
	if err := p.answers(port); err != nil {
		p.end(syscall.SIGKILL)
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s: %w: %s", argv[0], err, text)
	}
	return p, nil
}

func (p *process) answers(port int) error {
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

// end ends the process by a signal, and waits for it.
func (p *process) end(sig syscall.Signal) {
	_ = p.Process.Signal(sig) // it may have ended
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.Process.Kill()
		<-p.done
	}
}

// cpu is the seconds of CPU that the process has taken, by threads that have not
// ended; servers keep theirs. What the process has of itself are hundredths.
func (p *process) cpu() float64 {
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

// memory is what the process has, and what of it is its own and not files', in bytes.
func (p *process) memory() (resident, anonymous float64) {
	return p.status("VmRSS:"), p.status("RssAnon:")
}

// peak is the most that the process ever had, in bytes.
func (p *process) peak() float64 { return p.status("VmHWM:") }

// status is a line of bytes in the process's status.
func (p *process) status(key string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == key {
			kib, _ := strconv.ParseFloat(f[1], 64)
			return kib * 1024
		}
	}
	return 0
}

// diskUse is what the files below dir take, in bytes.
func diskUse(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what goes while it is counted is not counted
		}
		if fi, err := d.Info(); err == nil {
			n += fi.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return n
}

// freePort is a port of this host on which nobody listens.
func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// leaveFirstCPU keeps this process off the first CPU, if there are others.
func leaveFirstCPU() error {
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
