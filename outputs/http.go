package outputs

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
)

// httpPost is a transport whose packets are the bodies of requests.
type httpPost struct {
	url    string
	to     string            // the URL without its query, where tokens may be
	header http.Header       // of each request; its values may be secret
	vary   func(http.Header) // not nil: adds what differs between requests
	client *http.Client
	zip    func(body []byte) ([]byte, error) // returns a body as it travels, in memory of its own
}

// endpoint returns the URL that opt names by its protocol and an address
// [PROTOCOL://]HOST[:PORT][/PATH]; ports holds the protocols, http among them,
// with the port of each that is taken when the address has none, and path is
// the path taken when it has none.
func endpoint(opt Options, ports map[string]int, path string) (*url.URL, error) {
	host, own := opt.Address, ""
	begin := 0
	if i := strings.Index(host, "://"); i >= 0 {
		begin = i + len("://")
	}
	if i := strings.IndexAny(host[begin:], "/?#"); i >= 0 {
		host, own = host[:begin+i], host[begin+i:]
	}
	if strings.Contains(host, "@") {
		return nil, errors.New("an address must not hold a password: others can see it there")
	}
	opt.Address = host
	to, err := networkOf(opt, "http", ports)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(to.String() + cmp.Or(strings.TrimSuffix(own, "/"), path))
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", opt.Address+own, err)
	}
	return u, nil
}

// webPorts are the protocols of an output over HTTP whose servers listen at
// port; over TLS they stand behind the usual one.
func webPorts(port int) map[string]int { return map[string]int{"http": port, "https": 443} }

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// newHTTPPost checks the URL and returns a transport for it. With a header
// Content-Encoding, gzip or zstd, it compresses the bodies. Proxies are those of the
// environment; redirects are not followed, for a POST would become a GET.
func newHTTPPost(target string, header http.Header, opt Options) (*httpPost, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("an address as http://HOST[:PORT][/PATH] is expected, without a password")
	}
	timeout := opt.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	transport.IdleConnTimeout = time.Minute
	transport.MaxResponseHeaderBytes = maxHeader
	shown := *u
	shown.RawQuery, shown.Fragment = "", ""
	h := &httpPost{url: target, to: shown.String(), header: header, client: &http.Client{Timeout: timeout, Transport: transport, CheckRedirect: stay}}
	switch header.Get("Content-Encoding") {
	case "gzip":
		h.zip = gzipped(gzip.NewWriter(nil))
	case gatherer.Encoding:
		h.zip = zstded(gatherer.NewEncoder())
	default:
		h.zip = func(body []byte) ([]byte, error) { return bytes.Clone(body), nil }
	}
	return h, nil
}

// shown is where a dry run says that it would send.
func (h *httpPost) shown() Address {
	protocol, target, _ := strings.Cut(h.to, "://")
	return Address{protocol, target}
}

func (h *httpPost) open(context.Context) (link, error) { return h, nil }

// send posts one body. An answer that says that the same body would be refused
// again wraps ErrPermanent.
func (h *httpPost) send(ctx context.Context, body []byte) error {
	_, err := h.exchange(ctx, body)
	return err
}

// exchange is send that also returns what was answered, up to maxAnswer bytes.
func (h *httpPost) exchange(ctx context.Context, body []byte) ([]byte, error) {
	body, err := h.zip(body)
	if err != nil {
		return nil, fmt.Errorf("compress a body for %s: %w", h.to, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("post to %s: %w", h.to, err)
	}
	req.Header = h.header.Clone()
	if h.vary != nil {
		h.vary(req.Header)
	}
	res, err := h.client.Do(req)
	if err != nil {
		var named *url.Error // names the whole URL
		if errors.As(err, &named) {
			err = named.Err
		}
		return nil, fmt.Errorf("post to %s: %w", h.to, err)
	}
	defer res.Body.Close()
	return answered(h.to, res)
}

// gzipped compresses by w. Each body is a copy, for the transport may read it
// still when an answer or a cancelled context has ended the request.
func gzipped(w *gzip.Writer) func([]byte) ([]byte, error) {
	return func(body []byte) ([]byte, error) {
		var zipped bytes.Buffer
		w.Reset(&zipped)
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		err := w.Close()
		return zipped.Bytes(), err
	}
}

// zstded is gzipped for the gatherer's encoding.
func zstded(e *gatherer.Encoder) func([]byte) ([]byte, error) {
	return func(body []byte) ([]byte, error) { return e.Append(nil, body), nil }
}

func (h *httpPost) finish(context.Context) error { return nil }
func (h *httpPost) close()                       {}

// end closes idle connections.
func (h *httpPost) end() error {
	h.client.CloseIdleConnections()
	return nil
}

// How much of an answer is looked at, and how much of a refusal is told, in bytes.
const (
	maxAnswer  = 64 << 10
	maxRefusal = 512
)

// answered returns the answer to a request, or turns one that is not 2xx into
// an error.
func answered(to string, res *http.Response) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // whole answers, so that the connection can be used again
	if res.StatusCode/100 == 2 {
		if err != nil {
			return nil, fmt.Errorf("post to %s: read the answer: %w", to, err)
		}
		return text, nil
	}
	text = bytes.TrimSpace(text[:min(len(text), maxRefusal)]) // of one that broke off its beginning is enough
	err = fmt.Errorf("post to %s: %s %q", to, res.Status, text)
	switch {
	case permanent(res.StatusCode):
		err = fmt.Errorf("%w: %w", ErrPermanent, err)
	default:
		if wait := askedFor(res.Header); wait > 0 {
			err = &patienceError{err, wait}
		}
	}
	return nil, err
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
	data, err := readPrivate(name)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSpace(line); line == "" || hasControl(line) {
		return "", fmt.Errorf("read secret %s: its first line holds none", name)
	}
	return line, nil
}

// readHeaders returns the headers in the file name, one "Name: value" a line,
// without empty lines and those that begin with '#'. Others must not be able to
// read the file. Without a name there are none.
func readHeaders(name string) (http.Header, error) {
	header := make(http.Header)
	if name == "" {
		return header, nil
	}
	data, err := readPrivate(name)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if key, value = strings.TrimSpace(key), strings.TrimSpace(value); !ok || !validHeader(key) || hasControl(value) {
			return nil, fmt.Errorf("read secret %s: line %d is not as in Authorization: Bearer TOKEN", name, n) // the line may be secret
		}
		header.Add(key, value)
	}
	return header, nil
}

func validHeader(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// readPrivate reads a file which others must not be able to read or change.
func readPrivate(name string) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if fi.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("read secret %s: everybody may read or change it; chmod o= %s", name, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return data, nil
}
