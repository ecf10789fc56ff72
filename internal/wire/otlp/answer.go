package otlp

import (
	"encoding/json"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// AppendResponse appends the ExportMetricsServiceResponse that says how many
// points were rejected and why; none for 0, which in protobuf is no byte.
func AppendResponse(dst []byte, rejected uint64, why string) []byte {
	if rejected == 0 {
		return dst
	}
	part := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), rejected)
	part = protowire.AppendString(protowire.AppendTag(part, 2, protowire.BytesType), why)
	return protowire.AppendBytes(protowire.AppendTag(dst, 1, protowire.BytesType), part)
}

// AppendResponseJSON is AppendResponse in JSON.
func AppendResponseJSON(dst []byte, rejected uint64, why string) []byte {
	if rejected == 0 {
		return append(dst, "{}"...)
	}
	dst = strconv.AppendUint(append(dst, `{"partialSuccess":{"rejectedDataPoints":"`...), rejected, 10)
	dst = appendJSON(append(dst, `","errorMessage":`...), why)
	return append(dst, "}}"...)
}

// AppendStatus appends the google.rpc.Status that a refused request is answered
// with: a code of gRPC and a message.
func AppendStatus(dst []byte, code int, message string) []byte {
	dst = protowire.AppendVarint(protowire.AppendTag(dst, 1, protowire.VarintType), uint64(code))
	return protowire.AppendString(protowire.AppendTag(dst, 2, protowire.BytesType), message)
}

// AppendStatusJSON is AppendStatus in JSON.
func AppendStatusJSON(dst []byte, code int, message string) []byte {
	dst = strconv.AppendInt(append(dst, `{"code":`...), int64(code), 10)
	return append(appendJSON(append(dst, `,"message":`...), message), '}')
}

func appendJSON(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return append(dst, quoted...)
}
