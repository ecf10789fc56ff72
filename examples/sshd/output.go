package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// jsonLines is an output: one JSON object a sample.
type jsonLines struct{ w io.Writer }

var _ outputs.Output = jsonLines{}

// Write returns nil only when w took every line.
func (o jsonLines) Write(_ context.Context, b *metric.Batch) error {
	w := bufio.NewWriter(o.w)
	enc := json.NewEncoder(w)
	for i := range b.Samples {
		s := &b.Samples[i]
		err := enc.Encode(map[string]any{"time": b.Stamp, "name": s.Name, "kind": s.Kind.String(), "value": s.Value()})
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// Close has nothing to close.
func (o jsonLines) Close() error { return nil }
