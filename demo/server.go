package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// server is a logmetrics serve that runs.
type server struct {
	url, token string
	cmd        *exec.Cmd
	ended      chan error // how it ended
}

// start starts the server at a port that is free, and returns when it listens.
func start(ctx context.Context, o options, dir string) (*server, error) {
	data := filepath.Join(dir, "data")
	args := []string{"serve", "--data=" + data, "--schemas=demo/storage-schemas.conf", "--http=127.0.0.1:0", "--statsd=off", "--carbon=off", "--pickle=off", "--influx-udp=off"}
	o.print(args)
	s := &server{cmd: exec.Command(o.program, args...), ended: make(chan error, 1)}
	s.cmd.SysProcAttr = apart()
	log, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", o.program, err)
	}
	at := make(chan string, 1)
	go s.watch(log, at)
	if err := s.ready(ctx, at, filepath.Join(data, "token")); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// watch reads the server's log until it ends. The address that it says first is at's.
func (s *server) watch(log io.Reader, at chan<- string) {
	var last []string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if last = append(last, lines.Text()); len(last) > 10 {
			last = last[1:]
		}
		if _, address, ok := strings.Cut(lines.Text(), "source=http address="); ok {
			select {
			case at <- address:
			default:
			}
		}
	}
	_, _ = io.Copy(io.Discard, log) // it would wait for its reader after a line that is too long
	err := s.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.Join(last, "\n"))
	}
	s.ended <- err
	close(s.ended)
}

// ready waits until the server listens, and learns where, and its token.
func (s *server) ready(ctx context.Context, at <-chan string, file string) error {
	select {
	case address := <-at:
		s.url = "http://" + address
	case err := <-s.ended:
		return errors.Join(errors.New("the server ended"), err)
	case <-time.After(patience):
		return errors.New("the server does not say where it listens")
	case <-ctx.Done():
		return ctx.Err()
	}
	token, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	s.token = strings.TrimSpace(string(token))
	return nil
}

// end ends the server, and waits for it.
func (s *server) end() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-s.ended: // nil again when it was known
		return err
	case <-time.After(patience):
		return errors.Join(errors.New("the server does not end"), s.cmd.Process.Kill())
	}
}
