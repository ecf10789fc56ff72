package otlp

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Parser reads requests. Its buffers are used again: one goroutine at a time.
// The zero value works.
type Parser struct {
	pt   Point
	text []byte // of attributes that are numbers
	fn   func(*Point) error
}

// Parse calls fn for each point of a request in protobuf, up to fn's first
// error, which it returns. After an error of Parse's own, which wraps
// [ErrBadRequest], fn has had the points before.
func (p *Parser) Parse(request []byte, fn func(*Point) error) error {
	p.fn, p.text = fn, p.text[:0]
	defer func() { p.fn = nil }()
	return fields(request, func(f field) error {
		if f.number == 1 {
			return p.resource(f.bytes)
		}
		return nil
	})
}

// field is one field of a message: bytes, or a number.
type field struct {
	number protowire.Number
	bytes  []byte // nil for numbers
	value  uint64
}

func (f field) float() float64 { return math.Float64frombits(f.value) }

func (f field) optional() Optional { return Optional{f.float(), true} }

// fields calls fn for each field of a message. Those that are not known are
// fn's to skip. Groups are in no version of the protocol.
func fields(msg []byte, fn func(field) error) error {
	for len(msg) > 0 {
		number, kind, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return bad("a field has no valid number")
		}
		msg = msg[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(msg)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(msg)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(msg)
			f.value = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(msg)
		default:
			return bad("a field is of no type that the protocol has")
		}
		if n < 0 {
			return bad("it ends within a field")
		}
		msg = msg[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

// resource reads a ResourceMetrics.
func (p *Parser) resource(msg []byte) error {
	p.pt.Resource = p.pt.Resource[:0]
	mark, tooMany := len(p.text), false
	defer func() { p.text = p.text[:mark] }()
	err := fields(msg, func(f field) (err error) {
		if f.number == 1 {
			p.pt.Resource, tooMany, err = p.attributes(p.pt.Resource, f.bytes, 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	return fields(msg, func(f field) error {
		if f.number == 2 {
			return p.scope(f.bytes, tooMany)
		}
		return nil
	})
}

// scope reads a ScopeMetrics.
func (p *Parser) scope(msg []byte, tooMany bool) error {
	p.pt.Scope = p.pt.Scope[:0]
	mark := len(p.text)
	defer func() { p.text = p.text[:mark] }()
	err := fields(msg, func(f field) (err error) {
		if f.number == 1 {
			var more bool
			p.pt.Scope, more, err = p.attributes(p.pt.Scope, f.bytes, 3)
			tooMany = tooMany || more
		}
		return err
	})
	if err != nil {
		return err
	}
	return fields(msg, func(f field) error {
		if f.number == 2 {
			return p.metric(f.bytes, tooMany)
		}
		return nil
	})
}

// kinds are by the numbers of a metric's fields.
var kinds = [...]Kind{5: Gauge, 7: Sum, 9: Histogram, 10: Exponential, 11: Summary}

// metric reads a Metric. Of several kinds of data the last counts, as in any oneof.
func (p *Parser) metric(msg []byte, tooMany bool) error {
	p.pt.Metric = nil
	var data []byte
	err := fields(msg, func(f field) error {
		switch f.number {
		case 1:
			p.pt.Metric = f.bytes
		case 5, 7, 9, 10, 11:
			p.pt.Kind, data = kinds[f.number], f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.pt.Temporality, p.pt.Monotonic = Unspecified, false
	err = fields(data, func(f field) error {
		switch f.number {
		case 2:
			p.pt.Temporality = Temporality(min(f.value, 3))
		case 3:
			p.pt.Monotonic = f.value != 0
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fields(data, func(f field) error {
		if f.number == 1 {
			return p.point(f.bytes, tooMany)
		}
		return nil
	})
}

// point reads a data point of any kind.
func (p *Parser) point(msg []byte, tooMany bool) error {
	p.clear()
	if tooMany {
		p.pt.Err = ErrManyAttributes
	}
	mark := len(p.text)
	defer func() { p.text = p.text[:mark] }()
	read := p.number
	switch p.pt.Kind {
	case Histogram:
		read = p.histogram
	case Exponential:
		read = p.exponential
	case Summary:
		read = p.summary
	}
	if err := fields(msg, read); err != nil {
		return err
	}
	return p.fn(&p.pt)
}

// clear forgets a point and keeps what is of its metric, and the buffers.
func (p *Parser) clear() {
	o := p.pt
	p.pt = Point{
		Metric: o.Metric, Kind: o.Kind, Temporality: o.Temporality, Monotonic: o.Monotonic, Resource: o.Resource, Scope: o.Scope,
		Attributes: o.Attributes[:0], Bounds: o.Bounds[:0], Bins: o.Bins[:0], Quantiles: o.Quantiles[:0],
		Positive: Bins{Counts: o.Positive.Counts[:0]}, Negative: Bins{Counts: o.Negative.Counts[:0]},
	}
}

// attributes appends those that a message has under the given number.
func (p *Parser) attributes(list []Attribute, msg []byte, number protowire.Number) (_ []Attribute, tooMany bool, err error) {
	err = fields(msg, func(f field) (err error) {
		switch {
		case f.number != number:
		case len(list) == MaxAttributes:
			tooMany = true
		default:
			list, err = p.attribute(list, f.bytes)
		}
		return err
	})
	return list, tooMany, err
}

// pointAttribute takes an attribute of the point itself.
func (p *Parser) pointAttribute(msg []byte) (err error) {
	if len(p.pt.Attributes) == MaxAttributes {
		p.pt.Err = ErrManyAttributes
		return nil
	}
	p.pt.Attributes, err = p.attribute(p.pt.Attributes, msg)
	return err
}

// attribute appends a KeyValue unless it has no key or no text for its value.
func (p *Parser) attribute(list []Attribute, msg []byte) ([]Attribute, error) {
	var a Attribute
	err := fields(msg, func(f field) (err error) {
		switch f.number {
		case 1:
			a.Key = f.bytes
		case 2:
			a.Value, err = p.value(f.bytes)
		}
		return err
	})
	if err == nil && len(a.Key) > 0 && len(a.Value) > 0 {
		list = append(list, a)
	}
	return list, err
}

// value returns an AnyValue as text, "" if it has none.
func (p *Parser) value(msg []byte) (text []byte, err error) {
	err = fields(msg, func(f field) error {
		mark := len(p.text)
		switch f.number {
		case 1:
			text = f.bytes
			return nil
		case 2:
			p.text = strconv.AppendBool(p.text, f.value != 0)
		case 3:
			p.text = strconv.AppendInt(p.text, int64(f.value), 10)
		case 4:
			p.text = strconv.AppendFloat(p.text, f.float(), 'g', -1, 64)
		default:
			text = nil
			return nil
		}
		text = p.text[mark:len(p.text):len(p.text)]
		return nil
	})
	return text, err
}
