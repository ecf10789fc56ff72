// Package gatherer is the protocol by which batches of the extractor reach a
// gatherer, both directions of it: POST [Path] over HTTP. It promises that what one side
// encodes the other decodes to the same batch, and that no body, whoever sent
// it, costs more memory than a small multiple of [MaxPlain]. It opens no connections.
// Start from [Split] on the sender's side, and from [Decoder] on the receiver's.
//
//	POST /gatherer/v1/batch
//	Content-Encoding: zstd
//
//	body      one frame of zstd that tells its length, at most MaxBody
//	  plain   one batch as metric.AppendBatch encodes it, at most MaxPlain,
//	          with version, checksum, and the ID by which a repeat is known
//
//	200       {"repeated":false,"refused":0}: durable, together with the ID
//	other     nothing of the batch was taken
package gatherer

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/logmetrics/logmetrics/metric"
)

// Path is that of the request; Type and Encoding are its Content-Type and
// Content-Encoding.
const (
	Path     = "/gatherer/v1/batch"
	Type     = "application/x-logmetrics-batch"
	Encoding = "zstd"
)

// Limits on a body.
const (
	MaxBody    = 1 << 20 // bytes as they travel
	MaxPlain   = 4 << 20 // bytes of the batch: eight parts of Split, and twenty times that in memory at worst
	MaxSamples = 100_000 // each costs the receiver up to 150 bytes beside its own
)

// partBytes is the length beyond which a batch goes in parts: half of MaxBody,
// so that one which zstd cannot shorten fits, and so little that the names in it
// are not more than a store lets be made in a second.
const partBytes = 512 << 10

// ErrTooLarge says that a batch, or a body, is beyond the limits.
var ErrTooLarge = errors.New("larger than a gatherer takes")

// Answer is what a gatherer says about a batch that it has.
type Answer struct {
	Repeated bool   `json:"repeated"` // it had the batch before
	Refused  uint64 `json:"refused"`  // samples that it cannot keep: their time is too old, or there are too many series
}

// AppendAnswer appends the body of a 200.
func AppendAnswer(dst []byte, a Answer) []byte {
	return fmt.Appendf(dst, `{"repeated":%t,"refused":%d}`+"\n", a.Repeated, a.Refused)
}

// ParseAnswer reads the body of an answer that says that the batch was taken;
// it may be empty. An error means that it was no gatherer that answered.
func ParseAnswer(body []byte) (a Answer, err error) {
	if len(body) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("not the answer of a gatherer: %w", err)
	}
	return a, nil
}

// Split calls part with the encodings that carry b: b's own, or, of a large
// batch, several, each with some of the samples and an ID of its own. Equal batches are
// split alike, so that a repeat has the same IDs. buf is used for all of them,
// and returned, to be used again. It stops at part's first error.
//
// Part n has the batch's sequence, and the job's identity with n exclusive-ored
// to its last four bytes: the first part has the batch's own ID, and each
// identity's sequences ascend. A change of where a batch is cut would make a
// repeat after an upgrade count again.
func Split(buf []byte, b *metric.Batch, part func(plain []byte) error) ([]byte, error) {
	s := splitter{buf: buf, part: part}
	err := s.split(b, b.Samples)
	return s.buf, err
}

type splitter struct {
	buf  []byte
	n    uint32 // parts handed over
	part func([]byte) error
}

// split halves the samples until they fit.
func (s *splitter) split(b *metric.Batch, samples []metric.Sample) error {
	piece := *b
	piece.Samples = samples
	last := piece.ID.Job[len(piece.ID.Job)-4:]
	binary.BigEndian.PutUint32(last, binary.BigEndian.Uint32(last)^s.n)
	s.buf = metric.AppendBatch(s.buf[:0], &piece)
	switch n := len(samples); {
	case len(s.buf) <= partBytes:
	case n > 1:
		if err := s.split(b, samples[:n/2]); err != nil {
			return err
		}
		return s.split(b, samples[n/2:])
	case len(s.buf) > MaxBody: // beyond what names, tags and members can make of one sample
		return fmt.Errorf("%w: %d bytes of one sample", ErrTooLarge, len(s.buf))
	}
	s.n++
	return s.part(s.buf)
}
