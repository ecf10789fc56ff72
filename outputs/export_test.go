package outputs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

func encoderOf(out Output) encoder {
	switch out := out.(type) {
	case stateful:
		return out.encoder
	case gathererOutput:
		return out.encoder
	case *prometheusOutput:
		return out.encoder
	case *scrape:
		return out.prometheusEncoder
	}
	return out.(*output).encoder
}

// Encoder returns an output's encoder, which returns the number of bytes.
func Encoder(t testing.TB, name string, opt Options) func(*metric.Batch) int {
	t.Helper()
	f, ok := Find(name)
	require.True(t, ok)
	out, err := f.New(opt)
	require.NoError(t, err)
	e := encoderOf(out)
	n := 0
	count := func(packet []byte) error {
		n += len(packet)
		return nil
	}
	return func(b *metric.Batch) int {
		n = 0
		if err := e.encode(b, count); err != nil {
			panic(err)
		}
		return n
	}
}

// Packets gives what the output would send, and returns the output.
func Packets(t testing.TB, name string, opt Options, b *metric.Batch, packet func([]byte)) Output {
	t.Helper()
	f, ok := Find(name)
	require.True(t, ok)
	out, err := f.New(opt)
	require.NoError(t, err)
	require.NoError(t, encoderOf(out).encode(b, func(p []byte) error {
		packet(p)
		return nil
	}))
	return out
}

// Program returns what runs a program.
func Program(path, install string, timeout time.Duration, env []string, args ...string) func(ctx context.Context, input []byte, more ...string) error {
	p := newChild(Options{Timeout: timeout}, path, install, args...)
	p.env = env
	return p.run
}

// PartialSuccess reads a collector's answer.
var PartialSuccess = partialSuccess

// Asking returns an error of a destination that asks to be left alone.
func Asking(d time.Duration) error { return &patienceError{errors.New("busy"), d} }
