package outputs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// remoteWrite is the transport of remote write 1.0: packets are requests.
type remoteWrite struct {
	post      *httpPost
	tokenFile string
	body      []byte // scratch
}

// prometheusBody is how many bytes a request has before it is compressed:
// some 5000 numbers, and far under what receivers take (Prometheus 32 MiB,
// Mimir 100 MiB).
const prometheusBody = 1 << 20

func newRemoteWrite(opt Options, e *prometheusEncoder) (Output, error) {
	to, err := endpoint(opt, webPorts(9090), "/api/v1/write")
	if err != nil {
		return nil, err
	}
	post, err := newHTTPPost(to.String(), http.Header{
		"Content-Encoding":                  {"snappy"},
		"Content-Type":                      {"application/x-protobuf"},
		"User-Agent":                        {"logmetrics"},
		"X-Prometheus-Remote-Write-Version": {prometheus.RequestVersion},
	}, opt)
	if err != nil {
		return nil, err
	}
	t := &remoteWrite{post: post, tokenFile: opt.Prometheus.TokenFile}
	if opt.DryRun == nil {
		if err := t.authorize(); err != nil {
			return nil, err
		}
	}
	pack := &packer{limit: prometheusBody}
	e.render = func(p *prometheus.Page, b *metric.Batch, send func([]byte) error) error {
		pack.begin(send)
		err := p.Each(func(labels []prometheus.Label, value float64) error {
			pack.buf = prometheus.AppendSeries(pack.buf, labels, prometheus.Sample{Value: value, Milliseconds: b.Stamp * 1000})
			return pack.unit()
		})
		if err != nil {
			return err
		}
		return pack.end()
	}
	print := dryRun{to: Address{to.Scheme, to.Host + to.RequestURI()}, what: "request", text: requestText}
	return &prometheusOutput{newOutput(opt, e, t, print), e}, nil
}

// requestText prints what a request holds.
func requestText(request []byte) (text []byte) {
	var p prometheus.RequestParser
	err := p.Parse(request, func(labels []prometheus.RawLabel, samples []prometheus.Sample) error {
		for _, s := range samples {
			text = prometheus.AppendSample(text, labels, s)
		}
		return nil
	})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return text
}

// authorize reads the token. It is read for each batch, so that a new one
// mends what a wrong one broke.
func (t *remoteWrite) authorize() error {
	if t.tokenFile == "" {
		return nil
	}
	secret, err := readSecret(t.tokenFile)
	if err != nil {
		return err
	}
	scheme := "Bearer "
	if strings.Contains(secret, ":") { // a token has none, by RFC 6750
		scheme, secret = "Basic ", base64.StdEncoding.EncodeToString([]byte(secret))
	}
	t.post.header.Set("Authorization", scheme+secret)
	return nil
}

func (t *remoteWrite) open(context.Context) (link, error) {
	if err := t.authorize(); err != nil {
		return nil, err
	}
	return &remoteBatch{t: t}, nil
}

func (t *remoteWrite) end() error { return t.post.end() }

// remoteBatch sends the requests of one batch. One that is refused for good
// does not keep the others.
type remoteBatch struct {
	t       *remoteWrite
	refused error // the first refusal
}

func (l *remoteBatch) send(ctx context.Context, request []byte) error {
	l.t.body = prometheus.Compress(l.t.body, request)
	err := l.t.post.send(ctx, l.t.body)
	if !errors.Is(err, ErrPermanent) {
		return err
	}
	l.t.post.client.CloseIdleConnections() // servers end a connection behind a refusal, or are about to
	if l.refused == nil {
		l.refused = fmt.Errorf("remote write: %w", err)
	}
	return nil
}

func (l *remoteBatch) finish(context.Context) error { return l.refused }
func (l *remoteBatch) close()                       {}
