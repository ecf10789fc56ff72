package outputs

import (
	"context"
	"fmt"
	"io"
)

// dryRun prints packets instead of sending them. Each packet has a line
// "# ADDRESS WHAT N bytes" before it.
type dryRun struct {
	w      io.Writer
	to     Address
	what   string                     // what a packet is: "stream", "datagram", "frame"
	binary bool                       // packets are printed as Python bytes literals
	text   func(packet []byte) []byte // not nil: how packets are printed
}

func (d dryRun) open(context.Context) (link, error) { return d, nil }

func (d dryRun) send(_ context.Context, packet []byte) error {
	text := string(packet)
	switch {
	case d.text != nil:
		text = string(d.text(packet))
	case len(packet) == 0:
	case d.binary:
		text = pyBytes(packet)
	case text[len(text)-1] != '\n':
		text += "\n"
	}
	if _, err := fmt.Fprintf(d.w, "# %s %s %d bytes\n%s", d.to, d.what, len(packet), text); err != nil {
		return fmt.Errorf("print dry run: %w", err)
	}
	return nil
}

func (d dryRun) finish(context.Context) error { return nil }
func (d dryRun) close()                       {}

// pyBytes returns the bytes literal that Python's repr writes, and a '\n'.
func pyBytes(b []byte) string {
	out := []byte("b'")
	for _, c := range b {
		switch {
		case c == '\'' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ' || c > '~':
			out = fmt.Appendf(out, "\\x%02x", c)
		default:
			out = append(out, c)
		}
	}
	return string(append(out, "'\n"...))
}
