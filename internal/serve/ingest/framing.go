package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"
)

// headerLen is the length of a frame's length.
const headerLen = 4

// lines hands over all whole lines of the buffer in one block.
func (s *stream) lines(ctx context.Context) bool {
	filled := s.n == len(s.buf)
	if s.skipping {
		i := bytes.IndexByte(s.buf[:s.n], '\n')
		if i < 0 {
			s.n = 0
			return true
		}
		s.skipping = false
		s.drop(i + 1)
	}
	end := bytes.LastIndexByte(s.buf[s.scanned:s.n], '\n') + 1
	if end > 0 || filled {
		if s.http() {
			return false
		}
	}
	if end > 0 {
		end += s.scanned
		s.t.handOver(ctx, s.buf[:end])
		s.drop(end)
	}
	if s.scanned = s.n; s.n > s.t.opt.MaxLine {
		s.t.counts.longLines.Add(1)
		s.skipping, s.n, s.scanned = true, 0, 0
	}
	if filled && len(s.buf) == len(s.first) {
		return s.more()
	}
	return true
}

// more takes a larger buffer for a connection that has filled the first one.
func (s *stream) more() bool {
	if len(s.buf) == s.t.large || s.grow() {
		return true
	}
	s.t.counts.greedy.Add(1)
	return false
}

// frames hands over all whole frames of the buffer, each in a block.
func (s *stream) frames(ctx context.Context) bool {
	filled, used := s.n == len(s.buf), 0
	for s.n-used >= headerLen {
		size := int(binary.BigEndian.Uint32(s.buf[used:]))
		if size == 0 || size > s.t.opt.MaxFrame {
			if !s.http() {
				s.t.counts.badFrames.Add(1)
			}
			return false
		}
		end := used + headerLen + size
		if end > s.n {
			break
		}
		s.begun = true
		if !s.t.handOver(ctx, s.buf[used+headerLen:end]) {
			s.t.counts.badFrames.Add(1)
			return false
		}
		used = end
	}
	s.drop(used)
	switch {
	case s.n == 0:
		s.since = time.Time{}
	case used > 0 || s.since.IsZero():
		s.since = time.Now()
	}
	if filled && len(s.buf) == len(s.first) {
		return s.more()
	}
	return true
}

// http reports whether the connection begins with the method of an HTTP request, and
// counts it: a browser can be made to send one anywhere, with lines of others in it.
func (s *stream) http() bool {
	if s.begun {
		return false
	}
	s.begun = true
	word, _, ok := bytes.Cut(s.buf[:min(s.n, 16)], []byte{' '})
	if !ok || !isMethod(word) {
		return false
	}
	s.t.counts.http.Add(1)
	return true
}

func isMethod(word []byte) bool {
	switch string(word) {
	case "GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE", "PRI":
		return true
	}
	return false
}

// handOver gives a block to a Receiver that is free, and waits until it could be
// handed on. It returns false when the Receiver finds the stream broken.
func (t *TCP) handOver(ctx context.Context, block []byte) bool {
	r := <-t.receivers
	defer func() { t.receivers <- r }()
	// Also when nothing was left of the block before: the Receiver may not have been asked for long.
	if !t.settle(ctx, r) {
		t.counts.lost.Add(1)
		return true
	}
	r.Block(block)
	t.settle(ctx, r)
	j, ok := r.(Judge)
	return !ok || !j.Broken()
}

// settle waits until what r has is handed on: connections are not read meanwhile,
// so that clients wait, too. It returns false when that cannot be, soon after the end.
func (t *TCP) settle(ctx context.Context, r Receiver) bool {
	for {
		err := r.Idle()
		if err == nil {
			return true
		}
		t.counts.waits.Add(1)
		if t.trouble.due() {
			t.opt.Log.Error("connections wait", "source", t.opt.Name, "err", err)
		}
		if !wait(ctx, retryTime) && !t.lastTry() {
			return false
		}
	}
}

// lastTry waits a little once the end has come: the store may be full of what it
// is just writing. It returns false when that took too long.
func (t *TCP) lastTry() bool {
	time.Sleep(lastRetryTime)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending.IsZero() || time.Now().Before(t.ending.Add(settleTime-endTime))
}
