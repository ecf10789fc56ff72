package outputs

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/logmetrics/logmetrics/internal/wire/otlp"
	"github.com/logmetrics/logmetrics/metric"
)

// OTLP/HTTP: an ExportMetricsServiceRequest in protobuf, whose bytes are those
// of a MetricsData, so that gRPC is not needed. Sums and histograms are deltas
// of the interval: a repeat adds again.

// OTLPOptions are those of the otlp output alone.
type OTLPOptions struct {
	// HeadersFile has headers of each request, one "Name: value" a line, besides
	// empty lines and those that begin with '#'. Others must not be able to read
	// it. "": no headers.
	HeadersFile string
	Hostname    string // of this machine, for the resource attribute host.name; "": none
}

// otlpPoints is how many points a request has at most. Collectors take 20 MiB;
// a timer's point has two sides of otlpBins bins, most with one byte.
const otlpPoints = 5000

func newOTLP(opt Options) (Output, error) {
	names, err := newNamingApart(opt)
	if err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	header, err := readHeaders(opt.OTLP.HeadersFile)
	if err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	header.Set("Content-Type", "application/x-protobuf")
	header.Set("Content-Encoding", "gzip")
	to, err := endpoint(opt, webPorts(4318), "/v1/metrics")
	if err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	post, err := newHTTPPost(to.String(), header, opt)
	if err != nil {
		return nil, fmt.Errorf("otlp: %w", err)
	}
	e := &otlpEncoder{names: names, resource: otlpResource(opt.OTLP.Hostname)}
	return newOutput(opt, e, &otlpPost{httpPost: post}, dryRun{to: post.shown(), what: "body", binary: true}), nil
}

func otlpResource(hostname string) []otlp.Attribute {
	list := []otlp.Attribute{otlpAttribute("service.name", "logmetrics")}
	if hostname != "" {
		list = append(list, otlpAttribute("host.name", hostname))
	}
	return list
}

// otlpAttribute makes its texts UTF-8, which protobuf's texts must be.
func otlpAttribute(key, value string) otlp.Attribute {
	return otlp.Attribute{Key: []byte(key), Value: []byte(strings.ToValidUTF8(value, "_"))}
}

type otlpEncoder struct {
	names    naming
	resource []otlp.Attribute
	buf      []byte
}

func (e *otlpEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	for first := 0; first < len(b.Samples); first += otlpPoints {
		part := b.Samples[first:min(first+otlpPoints, len(b.Samples))]
		e.buf = otlp.AppendMetrics(e.buf[:0], e.resource, "logmetrics", e.metrics(b, part))
		if err := send(e.buf); err != nil {
			return err
		}
	}
	return nil
}

// metrics joins neighbours that differ in their tags alone into one metric.
func (e *otlpEncoder) metrics(b *metric.Batch, samples []metric.Sample) (list []otlp.Metric) {
	var kind metric.Kind
	for i := range samples {
		s := &samples[i]
		e.names.set(b, s, "")
		if len(list) == 0 || kind != s.Kind || list[len(list)-1].Name != string(e.names.name) {
			kind = s.Kind
			m := otlp.Metric{Name: string(e.names.name)}
			m.Unit, m.Description = otlpUnit(s)
			list = append(list, m)
		}
		last := &list[len(list)-1]
		last.Points = append(last.Points, otlpPoint(b, s))
	}
	return list
}

// otlpUnit returns the sample's unit as what it is there: a code of UCUM, which
// has no blank, or a text for people, as "Total Sent".
func otlpUnit(s *metric.Sample) (code, text string) {
	unit := strings.ToValidUTF8(jsonUnit(s), "_")
	if strings.Contains(unit, " ") {
		return "", unit
	}
	return unit, ""
}

func otlpPoint(b *metric.Batch, s *metric.Sample) otlp.Point {
	pt := otlp.Point{Kind: otlp.Gauge, Time: nanoseconds(b.End), Attributes: otlpTags(s.Tags)}
	switch s.Kind {
	case metric.Counter:
		pt.Kind, pt.Monotonic = otlp.Sum, true
	case metric.Timer:
		pt.Kind = otlp.Exponential
	}
	if pt.Kind != otlp.Gauge {
		pt.Temporality, pt.Start = otlp.Delta, nanoseconds(b.Start)
	}
	if pt.Kind == otlp.Exponential {
		fillHistogram(&pt, s)
	} else {
		pt.Value = otlp.Optional{Value: finite(s.Value()), OK: true}
	}
	return pt
}

func otlpTags(tags metric.Tags) (list []otlp.Attribute) {
	for _, t := range tags {
		list = append(list, otlpAttribute(string(appendNode(nil, t.Key)), string(appendNode(nil, t.Value))))
	}
	return list
}

func nanoseconds(unix int64) uint64 { return uint64(max(0, unix)) * 1e9 }

// otlpPost posts requests and counts the points that were refused in answers
// which take the others.
type otlpPost struct {
	*httpPost
	refused int64
	why     string
}

func (p *otlpPost) open(context.Context) (link, error) {
	p.refused, p.why = 0, ""
	return p, nil
}

func (p *otlpPost) send(ctx context.Context, body []byte) error {
	answer, err := p.exchange(ctx, body)
	if err != nil {
		return err
	}
	if refused, why := partialSuccess(answer); refused > 0 {
		p.refused, p.why = p.refused+refused, why
	}
	return nil
}

// finish says what was refused. It would be again, and what was taken would be
// added again, so that the error is permanent.
func (p *otlpPost) finish(context.Context) error {
	if p.refused == 0 {
		return nil
	}
	return fmt.Errorf("%w: post to %s: the collector refused %d data points and took the others: %q", ErrPermanent, p.to, p.refused, p.why)
}

// partialSuccess reads an ExportMetricsServiceResponse: its field 1, the
// partial_success, has the number of refused points as field 1 and the reason
// as field 2. The package that has it in Go imports gRPC. What is no such
// answer, as many servers' empty JSON, says nothing of points.
func partialSuccess(answer []byte) (refused int64, why string) {
	eachField(answer, func(n protowire.Number, value []byte, _ uint64) {
		if n != 1 {
			return
		}
		eachField(value, func(n protowire.Number, text []byte, number uint64) {
			switch n {
			case 1:
				refused = max(0, int64(number))
			case 2:
				why = strings.ToValidUTF8(string(text[:min(len(text), maxRefusal)]), "_")
			}
		})
	})
	return refused, why
}

// eachField calls fn with each field of a message that is a number or bytes, up
// to the first that is cut.
func eachField(message []byte, fn func(n protowire.Number, value []byte, number uint64)) {
	for len(message) > 0 {
		n, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(n, kind, message[head:])
		if size < 0 {
			return
		}
		switch field := message[head : head+size]; kind {
		case protowire.VarintType:
			number, _ := protowire.ConsumeVarint(field)
			fn(n, nil, number)
		case protowire.BytesType:
			value, _ := protowire.ConsumeBytes(field)
			fn(n, value, 0)
		}
		message = message[head+size:]
	}
}
