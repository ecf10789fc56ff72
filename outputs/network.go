package outputs

import (
	"context"
	"fmt"

	"github.com/logmetrics/logmetrics/metric"
)

// encoder turns a batch into packets, the same ones each time, and hands them
// to send, which must not keep them. It stops at send's first error. Once its
// buffers have grown it does not allocate, except for the members of sets.
type encoder interface {
	encode(b *metric.Batch, send func(packet []byte) error) error
}

// transport opens a link for each batch.
type transport interface {
	open(ctx context.Context) (link, error)
}

// link carries the packets of one batch.
type link interface {
	send(ctx context.Context, packet []byte) error
	finish(ctx context.Context) error // nil only when the destination took all that was sent
	close()
}

// output is an encoder and where its packets go. A dry run has the same
// encoder and a transport that prints: the two cannot drift apart.
type output struct {
	encoder   encoder
	transport transport
}

// newOutput is a network output, or its dry run.
func newOutput(opt Options, e encoder, t transport, d dryRun) *output {
	if opt.DryRun != nil {
		d.w = opt.DryRun
		t = d
	}
	return &output{e, t}
}

// stateful is an output whose encoder adds to running totals.
type stateful struct {
	*output
	*totals
}

// Write implements Output.
func (o *output) Write(ctx context.Context, b *metric.Batch) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send batch: %w", err)
	}
	l, err := o.transport.open(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	send := func(packet []byte) error { return l.send(ctx, packet) }
	if err := o.encoder.encode(b, send); err != nil {
		return err
	}
	return l.finish(ctx)
}

// Close implements Output. Links do not outlive a Write, but for what a
// transport keeps to use again.
func (o *output) Close() error {
	if t, ok := o.transport.(interface{ end() error }); ok {
		return t.end()
	}
	return nil
}
