package outputs

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
)

// JSON posted to a URL of the user's: one object for each batch, see
// jsonEncoder. A repeat has the same bytes and the same Idempotency-Key, by
// which the receiver knows it.

// HTTPOptions are those of the http output alone.
type HTTPOptions struct {
	// HeadersFile has headers of each request, one "Name: value" a line, besides
	// empty lines and those that begin with '#'. Others must not be able to read
	// it. "": no headers.
	HeadersFile string
}

func newHTTP(opt Options) (Output, error) {
	e, err := newJSONEncoder(opt)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	if opt.Address == "" {
		return nil, errors.New("http: the URL is missing")
	}
	header, err := readHeaders(opt.HTTP.HeadersFile)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	header.Set("Content-Type", "application/json")
	post, err := newHTTPPost(cmp.Or(opt.Protocol, "http")+"://"+opt.Address, header, opt)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	post.vary = func(h http.Header) { h.Set("Idempotency-Key", string(e.id)) }
	return newOutput(opt, e, post, dryRun{to: post.shown(), what: "body"}), nil
}
