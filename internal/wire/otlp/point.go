package otlp

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// noRecordedValue is the flag of a point that says that there is no value.
const noRecordedValue = 1

// number reads a field of a NumberDataPoint.
func (p *Parser) number(f field) error {
	pt := &p.pt
	switch f.number {
	case 2:
		pt.Start = f.value
	case 3:
		pt.Time = f.value
	case 4:
		pt.Value = f.optional()
	case 6:
		pt.Value = Optional{float64(int64(f.value)), true}
	case 7:
		return p.pointAttribute(f.bytes)
	case 8:
		pt.NoValue = f.value&noRecordedValue != 0
	}
	return nil
}

// histogram reads a field of a HistogramDataPoint.
func (p *Parser) histogram(f field) error {
	pt := &p.pt
	switch f.number {
	case 2:
		pt.Start = f.value
	case 3:
		pt.Time = f.value
	case 4:
		pt.Count = f.value
	case 5:
		pt.Sum = f.optional()
	case 6:
		return p.fixed(f, func(v uint64) { pt.Bins = push(p, pt.Bins, v) })
	case 7:
		return p.fixed(f, func(v uint64) { pt.Bounds = push(p, pt.Bounds, math.Float64frombits(v)) })
	case 9:
		return p.pointAttribute(f.bytes)
	case 10:
		pt.NoValue = f.value&noRecordedValue != 0
	case 11:
		pt.Min = f.optional()
	case 12:
		pt.Max = f.optional()
	}
	return nil
}

// exponential reads a field of an ExponentialHistogramDataPoint.
func (p *Parser) exponential(f field) error {
	pt := &p.pt
	switch f.number {
	case 1:
		return p.pointAttribute(f.bytes)
	case 2:
		pt.Start = f.value
	case 3:
		pt.Time = f.value
	case 4:
		pt.Count = f.value
	case 5:
		pt.Sum = f.optional()
	case 6:
		pt.Scale = int32(protowire.DecodeZigZag(f.value))
	case 7:
		pt.Zero = f.value
	case 8:
		return p.side(&pt.Positive, f.bytes)
	case 9:
		return p.side(&pt.Negative, f.bytes)
	case 10:
		pt.NoValue = f.value&noRecordedValue != 0
	case 12:
		pt.Min = f.optional()
	case 13:
		pt.Max = f.optional()
	case 14:
		pt.ZeroThreshold = f.float()
	}
	return nil
}

// side reads one side of an exponential histogram.
func (p *Parser) side(b *Bins, msg []byte) error {
	return fields(msg, func(f field) error {
		switch {
		case f.number == 1:
			b.Offset = int32(protowire.DecodeZigZag(f.value))
		case f.number == 2 && f.bytes == nil:
			b.Counts = push(p, b.Counts, f.value)
		case f.number == 2:
			for list := f.bytes; len(list) > 0; {
				v, n := protowire.ConsumeVarint(list)
				if n < 0 {
					return bad("it ends within a list of numbers")
				}
				list = list[n:]
				b.Counts = push(p, b.Counts, v)
			}
		}
		return nil
	})
}

// summary reads a field of a SummaryDataPoint.
func (p *Parser) summary(f field) error {
	pt := &p.pt
	switch f.number {
	case 2:
		pt.Start = f.value
	case 3:
		pt.Time = f.value
	case 4:
		pt.Count = f.value
	case 5:
		pt.Sum = f.optional()
	case 6:
		var q Quantile
		err := fields(f.bytes, func(f field) error {
			switch f.number {
			case 1:
				q.Quantile = f.float()
			case 2:
				q.Value = f.float()
			}
			return nil
		})
		pt.Quantiles = push(p, pt.Quantiles, q)
		return err
	case 7:
		return p.pointAttribute(f.bytes)
	case 8:
		pt.NoValue = f.value&noRecordedValue != 0
	}
	return nil
}

// fixed calls fn with each number of a list, or with the one that the field has.
func (p *Parser) fixed(f field, fn func(uint64)) error {
	if f.bytes == nil {
		fn(f.value)
		return nil
	}
	for list := f.bytes; len(list) > 0; {
		v, n := protowire.ConsumeFixed64(list)
		if n < 0 {
			return bad("it ends within a list of numbers")
		}
		list = list[n:]
		fn(v)
	}
	return nil
}

// push appends unless there are too many.
func push[T any](p *Parser, list []T, v T) []T {
	if len(list) == MaxBins {
		p.pt.Err = ErrManyBins
		return list
	}
	return append(list, v)
}
