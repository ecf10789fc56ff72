package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under test.
type process struct {
	*exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts a server and waits until it takes connections at address.
func start(address string, argv []string, dir string) (*process, error) {
	p := &process{exec.Command(argv[0], argv[1:]...), make(chan struct{})}
	p.Dir = dir
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // how a server that was killed ended says nothing
		close(p.done)
	}()
	for range 3000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			return p, conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not answer at %s: %s", argv[0], address, text)
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

// cpu is the seconds of CPU that the process has taken. USER_HZ is 100 on every
// Linux that Go runs on.
func (p *process) cpu() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// resident is the memory that the process has and had at most, in MiB, and what
// of it is its own and not files'.
func (p *process) resident() (now, peak, anonymous float64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		case "RssAnon:":
			anonymous = kib / 1024
		}
	}
	return now, peak, anonymous
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
