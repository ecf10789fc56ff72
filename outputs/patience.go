package outputs

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// maxPatience bounds how long a destination may ask to be left alone.
const maxPatience = 5 * time.Minute

// patienceError is a refusal with the time after which the destination wants to
// be asked again.
type patienceError struct {
	error
	wait time.Duration
}

// Unwrap returns the refusal.
func (e *patienceError) Unwrap() error { return e.error }

// Patience returns for how long the destination whose error it is asked to be
// left alone, at most five minutes; 0 when it did not ask.
func Patience(err error) time.Duration {
	var p *patienceError
	if errors.As(err, &p) {
		return p.wait
	}
	return 0
}

// askedFor reads Retry-After in seconds. A date is not taken: of two clocks one
// may be wrong.
func askedFor(header http.Header) time.Duration {
	n, err := strconv.ParseUint(header.Get("Retry-After"), 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxPatience)
}
