package aggregate

import "context"

// Forwarder sends.
type Forwarder struct{}

func (f *Forwarder) run(ctx context.Context) {}
func (f *Forwarder) finish()                 {}
func (f *Forwarder) offer(text []byte)       {}

// Debug prints.
type Debug struct{}

func (d *Debug) lines(b []byte) {}
