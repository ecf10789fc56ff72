package outputs_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// answers returns a peer that takes requests until the test has seen enough,
// and writes the answer to each. What it returns are the bodies, unpacked.
func answers(answer string) serve {
	return func(c *net.TCPConn, released <-chan struct{}) (bodies []byte) {
		defer untilReleased(c, released)()
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return bodies
			}
			body, err := unpacked(req)
			if err != nil {
				return bodies
			}
			bodies = append(bodies, body...)
			if _, err := io.WriteString(c, answer); err != nil || !strings.Contains(answer, "HTTP/1.1 204") {
				return bodies
			}
		}
	}
}

// untilReleased ends the peer's reading when the test needs it no longer, for a
// client that keeps the connection for later does not. The caller calls ended.
func untilReleased(c *net.TCPConn, released <-chan struct{}) (ended func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-released:
			_ = c.SetReadDeadline(time.Unix(1, 0))
		case <-done:
		}
	}()
	return func() { close(done) }
}

func unpacked(req *http.Request) ([]byte, error) {
	switch req.Header.Get("Content-Encoding") {
	default:
		return io.ReadAll(req.Body)
	case gatherer.Encoding:
		return unpackedBatch(req.Body)
	case "gzip":
	}
	z, err := gzip.NewReader(req.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// unpackedBatch returns the batch that is in a body of the gatherer output.
func unpackedBatch(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	d := gatherer.NewDecoder()
	defer d.Close()
	b, err := d.Parse(body)
	if err != nil {
		return nil, err
	}
	return metric.AppendBatch(nil, b), nil
}

const taken = "HTTP/1.1 204 No Content\r\n\r\n"

var takeAll = answers(taken)

// takeSlowly makes the client's writes partial.
func takeSlowly(c *net.TCPConn, released <-chan struct{}) []byte {
	_ = c.SetReadBuffer(16 << 10)
	return takeAll(c, released)
}

// listenOnly never answers.
func listenOnly(c *net.TCPConn, released <-chan struct{}) []byte {
	defer untilReleased(c, released)()
	return readAll(c, released)
}

// answerForEver begins an answer and repeats its end.
func answerForEver(begin, again string) serve {
	return func(c *net.TCPConn, _ <-chan struct{}) []byte {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, err = io.WriteString(c, begin)
		}
		for more := strings.Repeat(again, 100); err == nil; {
			_, err = io.WriteString(c, more)
		}
		return nil
	}
}

// TestPeersOverHTTP are servers that behave badly. Write says nil only to
// those that said that they have all.
func TestPeersOverHTTP(t *testing.T) {
	each(t, variant.http, func(t *testing.T, v variant) {
		want := encoded(t, v, someRequests())
		for name, c := range map[string]struct {
			serve         serve
			ok, permanent bool
		}{
			"takes all":                 {serve: takeAll, ok: true},
			"takes slowly":              {serve: takeSlowly, ok: true},
			"answers, then closes":      {serve: answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"), ok: true},
			"resets at once":            {serve: reset},
			"closes at once":            {serve: closeAtOnce},
			"reads some, resets":        {serve: readSomeAndReset},
			"never reads":               {serve: stall},
			"never answers":             {serve: listenOnly},
			"closes without an answer":  {serve: answers("")},
			"breaks off the status":     {serve: answers("HTTP/1.1 20")},
			"breaks off the header":     {serve: answers("HTTP/1.1 200 OK\r\nContent-")},
			"breaks off the answer":     {serve: answers("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")},
			"is no server of HTTP":      {serve: answers("220 mx.example.com ESMTP\r\n")},
			"has a header without end":  {serve: answerForEver("HTTP/1.1 200 OK\r\n", "A: b\r\n")},
			"has a refusal without end": {serve: answerForEver("HTTP/1.1 503 No\r\n\r\n", "no ")},
			"redirects":                 {serve: answers("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")},
			"has no place":              {serve: answers(refusal("503 Service Unavailable"))},
			"asks for patience":         {serve: answers(refusal("429 Too Many Requests"))},
			"wants a password":          {serve: answers(refusal("401 Unauthorized"))},
			"knows no such path":        {serve: answers(refusal("404 Not Found"))},
			"does not like it":          {serve: answers(refusal("400 Bad Request")), permanent: true},
			"finds it too large":        {serve: answers(refusal("413 Content Too Large")), permanent: true},
		} {
			t.Run(name, func(t *testing.T) {
				v := v
				v.opt.Timeout = time.Minute
				if !c.ok && !c.permanent { // what never answers, or not enough; a refusal is waited for
					v.opt.Timeout = 300 * time.Millisecond
				}
				p := listen(t, v, "127.0.0.1:0", c.serve)
				v.opt.Address = p.address
				start := time.Now()
				err := newVariant(t, v).Write(t.Context(), someRequests())
				got := p.stop(t)
				assert.Less(t, time.Since(start), 30*time.Second)
				if c.ok {
					require.NoError(t, err)
					require.True(t, bytes.Equal(want, got))
					return
				}
				require.Error(t, err)
				assert.ErrorContains(t, err, p.address)
				assert.Equal(t, c.permanent, errors.Is(err, outputs.ErrPermanent), "%v", err)
				assert.Less(t, len(err.Error()), 2000)
			})
		}
	})
}

// someRequests is a batch that makes several requests of most outputs.
func someRequests() *metric.Batch { return gauges(20_000) }

// refusal is an answer with a reason.
func refusal(status string) string {
	return "HTTP/1.1 " + status + "\r\nContent-Length: 7\r\n\r\nbecause"
}

func readSomeAndReset(c *net.TCPConn, _ <-chan struct{}) []byte {
	_, _ = io.CopyN(io.Discard, c, 1000)
	_ = c.SetLinger(0)
	return nil
}
