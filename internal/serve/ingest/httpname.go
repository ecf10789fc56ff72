package ingest

import "github.com/logmetrics/logmetrics/metric"

// maxName is how long a name may be with its tags.
const maxName = 4 << 10

// appendTag appends a tag to the name of a series.
func appendTag(dst, key, value []byte) []byte {
	dst = metric.AppendName(append(dst, ';'), key)
	return metric.AppendName(append(dst, '='), value)
}
