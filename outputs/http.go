package outputs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// httpPost is a transport whose packets are the bodies of requests.
type httpPost struct {
	url    string
	header http.Header // of each request; its values may be secret
	client *http.Client
}

// newHTTPPost checks the URL and returns a transport for it. Proxies are those
// of the environment; redirects are not followed, for a POST would become a GET.
func newHTTPPost(target string, header http.Header, opt Options) (*httpPost, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("address %q: http://HOST[:PORT][/PATH] is expected", target)
	}
	timeout := opt.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	transport.IdleConnTimeout = time.Minute
	return &httpPost{url: target, header: header, client: &http.Client{Timeout: timeout, Transport: transport, CheckRedirect: stay}}, nil
}

func (h *httpPost) open(context.Context) (link, error) { return h, nil }

// send posts one body. An answer that says that the same body would be refused
// again wraps ErrPermanent.
func (h *httpPost) send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post to %s: %w", h.url, err)
	}
	req.Header = h.header.Clone()
	res, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", err) // it names the method and the URL
	}
	defer res.Body.Close()
	return answered(h.url, res)
}

func (h *httpPost) finish(context.Context) error { return nil }
func (h *httpPost) close()                       {}

// end closes idle connections.
func (h *httpPost) end() error {
	h.client.CloseIdleConnections()
	return nil
}

// maxAnswer is how much of an answer is looked at, in bytes.
const maxAnswer = 512

// answered turns an answer into an error, nil for 2xx.
func answered(to string, res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // of a refusal that broke off its beginning is enough
	if res.StatusCode/100 == 2 {
		_, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("post to %s: read the answer: %w", to, err)
		}
		return nil
	}
	err := fmt.Errorf("post to %s: %s %q", to, res.Status, strings.TrimSpace(string(text)))
	if permanent(res.StatusCode) {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

// permanent reports whether a request with that answer would get it again. What
// an operator can mend (a wrong token, a database that is still to be made, a
// path) is worth waiting for.
func permanent(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

// readSecret returns the first line of the file name, which others must not be
// able to read.
func readSecret(name string) (string, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if fi.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("read secret %s: everybody may read or change it; chmod o= %s", name, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSpace(line); line == "" || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("read secret %s: its first line holds none", name)
	}
	return line, nil
}
