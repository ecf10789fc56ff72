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
)

// httpPost is a transport whose packets are the bodies of requests.
type httpPost struct {
	url    string
	header http.Header // of each request; its values may be secret
	client *http.Client
	zip    *gzip.Writer // nil: bodies go as they are
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
// Content-Encoding: gzip it compresses the bodies. Proxies are those of the
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
	h := &httpPost{url: target, header: header, client: &http.Client{Timeout: timeout, Transport: transport, CheckRedirect: stay}}
	if header.Get("Content-Encoding") == "gzip" {
		h.zip = gzip.NewWriter(nil)
	}
	return h, nil
}

func (h *httpPost) open(context.Context) (link, error) { return h, nil }

// send posts one body. An answer that says that the same body would be refused
// again wraps ErrPermanent.
func (h *httpPost) send(ctx context.Context, body []byte) error {
	body, err := h.pack(body)
	if err != nil {
		return fmt.Errorf("compress a body for %s: %w", h.url, err)
	}
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

// pack returns a copy of the body as it travels: the transport may read it
// still when an answer or a cancelled context has ended the request.
func (h *httpPost) pack(body []byte) ([]byte, error) {
	if h.zip == nil {
		return bytes.Clone(body), nil
	}
	var zipped bytes.Buffer
	h.zip.Reset(&zipped)
	if _, err := h.zip.Write(body); err != nil {
		return nil, err
	}
	err := h.zip.Close()
	return zipped.Bytes(), err
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
