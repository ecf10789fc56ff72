package testutil

import (
	"bytes"
	"sync"
)

// Transcript is what a process, or a logger, says while a test goes on. The
// zero value is empty and ready; it is safe for concurrent use.
type Transcript struct {
	mu  sync.Mutex // protects buf
	buf bytes.Buffer
}

// Write implements io.Writer.
func (s *Transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// String returns all that was said up to now.
func (s *Transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}
