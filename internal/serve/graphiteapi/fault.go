package graphiteapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// fault is an error that the client is told of, and the code to do it with.
type fault struct {
	code int
	text string
}

func (f fault) Error() string { return f.text }

// limited is a fault of a client that asked for more than may be.
type limited struct{ fault }

// Unwrap makes it a fault.
func (l limited) Unwrap() error { return l.fault }

// refusals counts requests that were refused, by why.
type refusals struct{ busy, invalid, limit, slow atomic.Int64 }

// count counts an error, f to the client. Who asks for what is not there, or has gone, is not refused.
func (c *refusals) count(err error, f fault) {
	var beyond limited
	switch {
	case f == errBusy:
		c.busy.Add(1)
	case f.code == http.StatusServiceUnavailable:
		c.slow.Add(1)
	case errors.As(err, &beyond), errors.Is(err, names.ErrTooMany), f.code == http.StatusRequestEntityTooLarge:
		c.limit.Add(1)
	case f.code == http.StatusBadRequest:
		c.invalid.Add(1)
	}
}

// invalid says in graphite-web's words what is wrong with a request.
func invalid(format string, args ...any) fault {
	return fault{http.StatusBadRequest, "Invalid parameters (" + fmt.Sprintf(format, args...) + ")"}
}

// asked makes a fault of an error that the client caused.
func asked(err error) error {
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return fault{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", long.Limit)}
	}
	return fault{http.StatusBadRequest, err.Error()}
}

// faultOf returns what the client is told of an error.
func faultOf(err error) fault {
	var f fault
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &long):
		return asked(err).(fault)
	case errors.Is(err, names.ErrPattern), errors.Is(err, names.ErrTooMany):
		return fault{http.StatusBadRequest, err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return fault{http.StatusServiceUnavailable, "this takes too long"}
	case errors.Is(err, context.Canceled):
		return fault{statusGone, "the client has gone"}
	}
	return fault{http.StatusInternalServerError, "internal error"}
}

// statusGone is what nobody sees: nginx's code for clients that do not wait.
const statusGone = 499
