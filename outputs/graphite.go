package outputs

import (
	"fmt"

	"github.com/logmetrics/logmetrics/internal/wire/graphite"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
	"github.com/logmetrics/logmetrics/metric"
)

// Graphite's carbon: "servers.web1.postfix.numSent 97 1760000000" over TCP or
// UDP, or the same as pickles over TCP. A repeat is the same name and time:
// it changes nothing there.

func newGraphite(opt Options) (Output, error) {
	to, err := networkOf(opt, "tcp", map[string]int{"tcp": 2003, "udp": 2003, "pickle": 2004})
	if err != nil {
		return nil, fmt.Errorf("graphite: %w", err)
	}
	names, err := newNaming(opt, ".", tagsAsNodes, tagsGraphite)
	if err != nil {
		return nil, fmt.Errorf("graphite: %w", err)
	}
	e := &graphiteEncoder{plain: plain{names: names}, pack: packer{limit: streamLimit}}
	print := dryRun{to: to, what: "stream"}
	switch to.Protocol {
	case "pickle":
		return newOutput(opt, &pickleEncoder{plain: plain{names: names}}, newDialer(to, opt), dryRun{to: to, what: "frame", binary: true}), nil
	case "udp":
		e.pack.limit = packetSize(opt)
		print.what = "datagram"
	}
	return newOutput(opt, e, newDialer(to, opt), print), nil
}

// packetSize is what fits into an Ethernet frame with room for tunnels.
func packetSize(opt Options) int {
	if opt.PacketSize <= 0 {
		return 1432
	}
	return opt.PacketSize
}

type graphiteEncoder struct {
	plain
	pack packer
}

func (e *graphiteEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.pack.begin(send)
	err := e.each(b, func(f field) error {
		e.pack.buf = graphite.AppendLine(e.pack.buf, e.names.name, f.value, f.form, b.Stamp)
		return e.pack.unit()
	})
	if err != nil {
		return err
	}
	return e.pack.end()
}

type pickleEncoder struct {
	plain
	frame []byte
}

func (e *pickleEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.frame = pickle.AppendHeader(e.frame[:0])
	empty := len(e.frame)
	err := e.each(b, func(f field) error {
		e.frame = pickle.AppendPoint(e.frame, e.names.name, b.Stamp, f.value)
		// Names are short, so a frame that passes this is far from pickle.MaxFrame.
		if len(e.frame) < streamLimit {
			return nil
		}
		err := send(pickle.Finish(e.frame))
		e.frame = pickle.AppendHeader(e.frame[:0])
		return err
	})
	if err != nil || len(e.frame) == empty {
		return err
	}
	e.frame = pickle.Finish(e.frame)
	return send(e.frame)
}
