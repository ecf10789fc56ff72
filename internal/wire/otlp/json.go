package otlp

import (
	"fmt"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Bounds of a request in JSON, which the protocol's library makes objects of,
// each many times as large as its text.
const (
	maxObjects = 200_000
	maxDepth   = 40
)

// FromJSON returns a request in JSON as one in protobuf. An error wraps [ErrBadRequest].
func FromJSON(text []byte) ([]byte, error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	var data metricspb.MetricsData
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &data); err != nil {
		return nil, fmt.Errorf("%w: it is not the JSON of one: %v", ErrBadRequest, err)
	}
	request, err := proto.Marshal(&data)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBadRequest, err)
	}
	return request, nil
}

// bounded counts values and depth without understanding more than strings.
func bounded(text []byte) error {
	objects, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			objects++
		case c == ',':
			objects++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxDepth || objects > maxObjects {
			return bad("its JSON is too deep or has too many values")
		}
	}
	return nil
}
