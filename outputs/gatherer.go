package outputs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// The gatherer of `logmetrics serve`: batches as they are, with all that was
// recorded, over HTTP. The gatherer keeps a batch and its ID together, so that a
// repeat changes nothing there.

// GathererOptions are those of the gatherer output alone.
type GathererOptions struct {
	// TokenFile holds the token in its first line; others must not be able to
	// read it. "": no token.
	TokenFile string
}

func newGatherer(opt Options) (Output, error) {
	if _, err := newNaming(opt, ".", tagsAsNodes); err != nil {
		return nil, fmt.Errorf("gatherer: %w", err)
	}
	header := http.Header{"Content-Type": {gatherer.Type}, "Content-Encoding": {gatherer.Encoding}}
	if opt.Gatherer.TokenFile != "" {
		token, err := readSecret(opt.Gatherer.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("gatherer: %w", err)
		}
		header.Set("Authorization", "Bearer "+token)
	}
	to, err := endpoint(opt, webPorts(8080), "")
	if err != nil {
		return nil, fmt.Errorf("gatherer: %w", err)
	}
	post, err := newHTTPPost(to.JoinPath(gatherer.Path).String(), header, opt)
	if err != nil {
		return nil, fmt.Errorf("gatherer: %w", err)
	}
	g := &gathererPost{httpPost: post}
	return gathererOutput{newOutput(opt, new(gathererEncoder), g, dryRun{to: post.shown(), what: "body", binary: true}), g}, nil
}

// gathererOutput counts what is refused.
type gathererOutput struct {
	*output
	post *gathererPost
}

// Dropped implements Dropper: samples that the gatherer cannot keep.
func (g gathererOutput) Dropped() uint64 { return g.post.refused.Load() }

type gathererEncoder struct{ buf []byte }

// encode does not mend names as other encoders do: the receiver refuses a batch
// with one that is not valid.
func (e *gathererEncoder) encode(b *metric.Batch, send func([]byte) error) (err error) {
	if err := b.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	e.buf, err = gatherer.Split(e.buf, b, send)
	if errors.Is(err, gatherer.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

type gathererPost struct {
	*httpPost
	refused atomic.Uint64
}

// open implements transport: httpPost's would return itself.
func (p *gathererPost) open(context.Context) (link, error) { return p, nil }

// send posts a batch, or a part of one. Some other server that says yes to
// everything has not taken it.
func (p *gathererPost) send(ctx context.Context, body []byte) error {
	text, err := p.exchange(ctx, body)
	if err != nil {
		return err
	}
	answer, err := gatherer.ParseAnswer(text)
	if err != nil {
		return fmt.Errorf("post to %s: %w", p.to, err)
	}
	p.refused.Add(answer.Refused)
	return nil
}
