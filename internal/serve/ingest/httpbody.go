package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	blockSize = 64 << 10  // of a body of lines, read at once
	maxLine   = 1 << 20   // bytes of one line
	smallBody = 256 << 10 // bytes of a body for which no place is needed
	keepPlain = 1 << 20   // bytes that a turn keeps for the next body
)

// refusal is an error that says how a request is answered.
type refusal struct {
	reason reason
	status int
	retry  int    // seconds until the client may come again; 0: never with this body
	says   string // to the client
	cause  error  // for the log alone; nil: there is nothing to add
}

func (e *refusal) Error() string { return e.says }

func refuse(r reason, status int, format string, args ...any) *refusal {
	return &refusal{reason: r, status: status, says: fmt.Sprintf(format, args...)}
}

// later refuses with 503: the same body may be taken after some seconds.
func later(r reason, seconds int, format string, args ...any) *refusal {
	e := refuse(r, http.StatusServiceUnavailable, format, args...)
	e.retry = seconds
	return e
}

func tooLong(limit int64) *refusal {
	return refuse(tooLarge, http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
}

// take waits for a turn, which is given back by [HTTP.give].
func (h *HTTP) take(ctx context.Context) (*turn, *refusal) {
	select {
	case t := <-h.turns:
		return t, nil
	default:
	}
	timer := time.NewTimer(h.opt.Wait)
	defer timer.Stop()
	select {
	case t := <-h.turns:
		return t, nil
	case <-timer.C:
		return nil, later(busy, 5, "too many requests at a time")
	case <-ctx.Done():
		return nil, later(clientGone, 5, "the client is gone")
	}
}

// give drops what was put and not flushed.
func (h *HTTP) give(t *turn, c *counts) {
	t.w.Reset()
	c.add(&t.tally)
	t.dropped, t.first, t.example = 0, taken, ""
	if cap(t.plain) > keepPlain {
		t.plain = nil
	}
	h.turns <- t
}

// flush makes what was put readable.
func (t *turn) flush() *refusal {
	if err := t.w.Flush(); err != nil {
		t.tally[taken] = 0
		e := later(storeFull, 10, "the store takes nothing now")
		e.cause = err
		return e
	}
	return nil
}

// hurry gives the client until BodyTime from now to send what is read next, and
// as long after that to take the answer.
func (h *HTTP) hurry(w http.ResponseWriter) {
	c, now := http.NewResponseController(w), time.Now()
	// Not supported by writers of tests, which do not wait either.
	_ = c.SetReadDeadline(now.Add(h.opt.BodyTime))
	_ = c.SetWriteDeadline(now.Add(2*h.opt.BodyTime + h.opt.Wait))
}

// gone says why a body ended before its end.
func gone(err error) *refusal {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLong(large.Limit)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return refuse(badRequest, http.StatusBadRequest, "the body is not compressed by gzip")
	}
	return refuse(clientGone, http.StatusBadRequest, "the body is cut, or came too slowly")
}

// bodies hold bodies; those that are large are not put back.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// whole reads a body that is held whole, as it is sent. It is valid until done
// is called, which gives its place back.
func (h *HTTP) whole(w http.ResponseWriter, r *http.Request) (body []byte, done func(), e *refusal) {
	if r.ContentLength > int64(h.opt.MaxBytes) {
		return nil, func() {}, tooLong(int64(h.opt.MaxBytes))
	}
	h.hurry(w)
	buf := bodies.Get().(*bytes.Buffer)
	buf.Reset()
	done = func() { bodies.Put(buf) }
	n, err := buf.ReadFrom(io.LimitReader(r.Body, smallBody))
	if err == nil && n == smallBody {
		if e := h.place(r.Context()); e != nil {
			return nil, done, e
		}
		done = func() { <-h.large }
		_, err = buf.ReadFrom(io.LimitReader(r.Body, int64(h.opt.MaxBytes)-smallBody+1))
	}
	switch {
	case err != nil:
		return nil, done, gone(err)
	case buf.Len() > h.opt.MaxBytes:
		return nil, done, tooLong(int64(h.opt.MaxBytes))
	}
	return buf.Bytes(), done, nil
}

// place waits for a place for a large body.
func (h *HTTP) place(ctx context.Context) *refusal {
	timer := time.NewTimer(h.opt.Wait)
	defer timer.Stop()
	select {
	case h.large <- struct{}{}:
		return nil
	case <-timer.C:
		return later(busy, 5, "too many large requests at a time")
	case <-ctx.Done():
		return later(clientGone, 5, "the client is gone")
	}
}

// gzipped reports whether the body is compressed by gzip. Another encoding is refused.
func gzipped(r *http.Request) (bool, *refusal) {
	switch encoding := r.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	default:
		return false, refuse(wrongType, http.StatusUnsupportedMediaType, "Content-Encoding %s is not known here, only gzip", quoted(encoding))
	}
}

// quoted is what an answer shows of what a client sent.
func quoted(text string) string { return excerpt([]byte(text)) }

// refused counts and, once a minute, logs why a request was not taken, and
// sets the headers that all protocols share.
func (h *HTTP) refused(w http.ResponseWriter, r *http.Request, c *counts, e *refusal) {
	c.by[e.reason].Add(1)
	h.example(c, r.RemoteAddr, e)
	if e.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retry))
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
}
