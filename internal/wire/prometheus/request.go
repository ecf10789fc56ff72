package prometheus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/klauspost/compress/s2"
)

// RequestVersion is the value of the header X-Prometheus-Remote-Write-Version.
const RequestVersion = "0.1.0"

// ErrBadRequest is wrapped by the errors of [Uncompress] and [RequestParser].
var ErrBadRequest = errors.New("bad remote write request")

// ErrTooLarge is wrapped, too, where a request is larger than it may be.
var ErrTooLarge = bad("it is too large")

// badRequest says what is wrong; it wraps ErrBadRequest.
type badRequest string

func bad(what string) error { return badRequest(what) }

func (e badRequest) Error() string { return ErrBadRequest.Error() + ": " + string(e) }

func (e badRequest) Unwrap() error { return ErrBadRequest }

// Sample is one number at one time.
type Sample struct {
	Value        float64
	Milliseconds int64 // since 1970
}

// The fields' tags: number << 3 | wire type.
const (
	tagSeries  = 1<<3 | 2 // of a request; of a series its labels, of a label its name
	tagSamples = 2<<3 | 2 // of a series; of a label its value
	tagValue   = 1<<3 | 1
	tagTime    = 2 << 3
)

// AppendSeries appends one number of one series to a request. A request is
// any number of them, one behind the other. labels are sorted by name and hold
// __name__.
func AppendSeries(dst []byte, labels []Label, s Sample) []byte {
	sample := 1 + 8 + 1 + varintLen(uint64(s.Milliseconds))
	size := 1 + varintLen(uint64(sample)) + sample
	for _, l := range labels {
		n := stringLen(l.Name) + stringLen(l.Value)
		size += 1 + varintLen(uint64(n)) + n
	}
	dst = binary.AppendUvarint(append(dst, tagSeries), uint64(size))
	for _, l := range labels {
		dst = binary.AppendUvarint(append(dst, tagSeries), uint64(stringLen(l.Name)+stringLen(l.Value)))
		dst = append(binary.AppendUvarint(append(dst, tagSeries), uint64(len(l.Name))), l.Name...)
		dst = append(binary.AppendUvarint(append(dst, tagSamples), uint64(len(l.Value))), l.Value...)
	}
	dst = binary.AppendUvarint(append(dst, tagSamples), uint64(sample))
	dst = binary.LittleEndian.AppendUint64(append(dst, tagValue), math.Float64bits(s.Value))
	return binary.AppendUvarint(append(dst, tagTime), uint64(s.Milliseconds))
}

func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func stringLen(s string) int { return 1 + varintLen(uint64(len(s))) + len(s) }

// Compress returns the body of a POST: the request in snappy's block format,
// in dst when it is large enough.
func Compress(dst, request []byte) []byte { return s2.EncodeSnappy(dst[:cap(dst)], request) }

// Uncompress returns the request that a body holds, of at most limit bytes, in
// dst when it is large enough.
func Uncompress(dst, body []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(body)
	if err != nil {
		return nil, bad("it is not compressed by snappy")
	}
	if n > limit {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrTooLarge, n, limit)
	}
	request, err := s2.Decode(dst[:cap(dst)], body)
	if err != nil {
		return nil, bad("it is not compressed by snappy")
	}
	return request, nil
}

// RawLabel is a label of a request, in which its bytes stand.
type RawLabel struct{ Name, Value []byte }

// fields calls fn for each field of a message, with the bytes of one that has
// a length, else with its number. Fields that are not known are fn's to skip.
func fields(msg []byte, fn func(tag uint64, value []byte, number uint64) error) error {
	for len(msg) > 0 {
		tag, n := binary.Uvarint(msg)
		if n <= 0 || tag>>3 == 0 || tag > math.MaxUint32 {
			return bad("a field has no valid number")
		}
		value, number, rest, ok := field(tag&7, msg[n:])
		if !ok {
			return bad("it ends within a field")
		}
		msg = rest
		if err := fn(tag, value, number); err != nil {
			return err
		}
	}
	return nil
}

// field reads a field of the given wire type. Groups, which no version of the
// protocol has, are not taken.
func field(wire uint64, msg []byte) (value []byte, number uint64, rest []byte, ok bool) {
	switch wire {
	case 0:
		v, n := binary.Uvarint(msg)
		if n <= 0 {
			return nil, 0, nil, false
		}
		return nil, v, msg[n:], true
	case 1:
		if len(msg) < 8 {
			return nil, 0, nil, false
		}
		return nil, binary.LittleEndian.Uint64(msg), msg[8:], true
	case 2:
		size, n := binary.Uvarint(msg)
		if n <= 0 || size > uint64(len(msg)-n) {
			return nil, 0, nil, false
		}
		return msg[n : n+int(size)], 0, msg[n+int(size):], true
	case 5:
		if len(msg) < 4 {
			return nil, 0, nil, false
		}
		return nil, uint64(binary.LittleEndian.Uint32(msg)), msg[4:], true
	}
	return nil, 0, nil, false
}
