//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// sink is a Graphite that adds up what others send, but for rates.
type sink struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu   sync.Mutex
	sums map[string]float64 // by what stands before "bench."
}

// newSink listens on a port of this host.
func newSink(port int) (*sink, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	s := &sink{listener: l, sums: map[string]float64{}}
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			s.wg.Go(func() { s.read(conn) })
		}
	})
	return s, nil
}

func (s *sink) read(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		f := bytes.Fields(lines.Bytes())
		if len(f) != 3 || bytes.HasSuffix(f[0], []byte(".rate")) {
			continue
		}
		before, _, ok := bytes.Cut(f[0], []byte("bench."))
		v, err := strconv.ParseFloat(string(f[1]), 64)
		if !ok || err != nil {
			continue
		}
		s.mu.Lock()
		s.sums[string(before)] += v
		s.mu.Unlock()
	}
}

// sum returns the sum of the series with a prefix.
func (s *sink) sum(prefix string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sums[prefix]
}

// close waits until those who send have ended.
func (s *sink) close() {
	_ = s.listener.Close()
	s.wg.Wait()
}
