package gatherer

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/logmetrics/logmetrics/metric"
)

// Encoder makes bodies. It is not safe for concurrent use.
type Encoder struct{ zstd *zstd.Encoder }

// NewEncoder returns an Encoder. It takes a few hundred KB when it is first used.
func NewEncoder() *Encoder {
	// The window covers a part; a single segment always tells its length; the
	// batch has a checksum of its own.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(partBytes),
		zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic("BUG: " + err.Error()) // the options are ours
	}
	return &Encoder{z}
}

// Append appends the body that carries the encoding of a batch.
func (e *Encoder) Append(dst, plain []byte) []byte { return e.zstd.EncodeAll(plain, dst) }

// Size returns the length of the batch in a body, in bytes, which the frame's header tells:
// what decoding will need. The error wraps ErrTooLarge or metric.ErrBadBatch.
func Size(body []byte) (int64, error) {
	var h zstd.Header
	switch err := h.Decode(body); {
	case len(body) > MaxBody:
		return 0, fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, len(body), MaxBody)
	case err != nil || h.Skippable || !h.HasFCS:
		return 0, fmt.Errorf("%w: it does not begin with a frame of zstd that tells its length", metric.ErrBadBatch)
	case h.FrameContentSize > MaxPlain:
		return 0, fmt.Errorf("%w: %d bytes when unpacked, more than %d", ErrTooLarge, h.FrameContentSize, MaxPlain)
	}
	return int64(h.FrameContentSize), nil
}

// Decoder reads bodies. It is not safe for concurrent use.
type Decoder struct {
	zstd  *zstd.Decoder
	plain []byte
}

// NewDecoder returns a Decoder. It takes memory when it is first used.
func NewDecoder() *Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxPlain), zstd.WithDecoderMaxWindow(MaxPlain))
	if err != nil {
		panic("BUG: " + err.Error()) // the options are ours
	}
	return &Decoder{zstd: z}
}

// Close frees what the Decoder has.
func (d *Decoder) Close() { d.zstd.Close() }

// keepBytes is up to which length a buffer is kept for the next body.
const keepBytes = 2 * partBytes

// Parse returns the batch in a body. The error wraps ErrTooLarge or
// metric.ErrBadBatch. The batch has an ID, and shares nothing with the body.
func (d *Decoder) Parse(body []byte) (*metric.Batch, error) {
	size, err := Size(body)
	if err != nil {
		return nil, err
	}
	if int64(cap(d.plain)) < size {
		d.plain = make([]byte, 0, size)
	}
	plain, err := d.zstd.DecodeAll(body, d.plain[:0])
	if d.plain = plain[:0]; cap(plain) > keepBytes {
		d.plain = nil
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: unpack: %w", metric.ErrBadBatch, err)
	case int64(len(plain)) != size:
		return nil, fmt.Errorf("%w: %d bytes, and its header tells %d", metric.ErrBadBatch, len(plain), size)
	}
	b, err := metric.ParseBounded(plain, MaxSamples)
	if err == nil && (b.ID.Seq == 0 || b.ID.Job == [16]byte{}) {
		return nil, fmt.Errorf("%w: it has no ID", metric.ErrBadBatch)
	}
	return b, err
}
