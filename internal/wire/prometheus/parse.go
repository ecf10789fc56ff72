package prometheus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxLabels is how many labels a series may have.
const MaxLabels = 64

// maxSymbols is how many texts a request of version 2 may have: twice as many
// as samples that fit into the largest requests that are sent.
const maxSymbols = 1 << 19

// What is wrong with the labels of a series.
var (
	ErrLabel      = bad("a label is empty or no UTF-8")
	ErrLabelOrder = bad("labels are not in order, or one is there twice")
	ErrManyLabels = bad("a series has too many labels")
	ErrLabelRef   = bad("a label is none of the symbols")
)

// Version is one of the protocol.
type Version uint8

// The versions.
const (
	Version1 Version = iota
	Version2
)

// Received is one series of a request. What it points to is valid during the
// call, and points into the request.
type Received struct {
	Labels  []RawLabel // valid UTF-8, sorted, each once and with a name and a value
	Samples []Sample

	// What the parser does not read: native histograms and exemplars.
	Histograms, Exemplars int

	// Err is ErrLabel, ErrLabelOrder, ErrManyLabels or ErrLabelRef; then Labels
	// are not as said.
	Err error
}

// RequestParser reads requests. Its buffers are used again: one goroutine at a
// time. The zero value works.
type RequestParser struct {
	MaxSamples int // of one request, and native histograms and exemplars as well; 0: any number

	series  Received
	left    int // samples
	request []byte
	symbols []span
	refs    int
	name    []byte // of the label whose value comes next
	valid   bool   // that name is UTF-8
}

// span is where a symbol stands in a request. One that is no UTF-8 is looked at
// once, however many labels have it.
type span struct {
	from, to uint32
	valid    bool
}

// Parse calls fn for each series of a request of version 1, up to fn's first
// error, which it returns. After an error of Parse's own, which the labels of a
// series are as well, fn has had the series before.
func (p *RequestParser) Parse(request []byte, fn func(labels []RawLabel, samples []Sample) error) error {
	return p.Each(request, Version1, func(s *Received) error {
		if s.Err != nil {
			return s.Err
		}
		return fn(s.Labels, s.Samples)
	})
}

// Each calls fn for each series of a request, up to fn's first error, which it
// returns. Metadata and the times at which counters began are skipped. After an
// error of its own, which is of the whole request, fn has had the series before.
func (p *RequestParser) Each(request []byte, v Version, fn func(s *Received) error) error {
	if p.left = p.MaxSamples; p.left == 0 {
		p.left = math.MaxInt
	}
	tag, read := uint64(tagSeries), p.series1
	if v == Version2 {
		if err := p.table(request); err != nil {
			return err
		}
		tag, read = tagSeries2, p.series2
	}
	return fields(request, func(t uint64, value []byte, _ uint64) error {
		if t != tag {
			return nil
		}
		p.series = Received{Labels: p.series.Labels[:0], Samples: p.series.Samples[:0]}
		if err := read(value); err != nil {
			return err
		}
		return fn(&p.series)
	})
}

// The tags of what is in a series besides labels and samples.
const (
	tagExemplars1  = 3<<3 | 2
	tagHistograms1 = 4<<3 | 2
)

func (p *RequestParser) series1(msg []byte) error {
	return fields(msg, func(tag uint64, value []byte, _ uint64) error {
		switch tag {
		case tagSeries:
			return p.label(value)
		case tagSamples:
			return p.sample(value)
		case tagExemplars1:
			p.series.Exemplars++
			return p.count()
		case tagHistograms1:
			p.series.Histograms++
			return p.count()
		}
		return nil
	})
}

func (p *RequestParser) label(msg []byte) error {
	var name, value []byte
	err := fields(msg, func(tag uint64, text []byte, _ uint64) error {
		switch tag {
		case tagSeries:
			name = text
		case tagSamples:
			value = text
		}
		return nil
	})
	p.addLabel(name, value, utf8.Valid(name) && utf8.Valid(value))
	return err
}

// addLabel notes the first thing that is wrong with the labels.
func (p *RequestParser) addLabel(name, value []byte, valid bool) {
	list := p.series.Labels
	switch {
	case p.series.Err != nil:
	case len(name) == 0 || len(value) == 0 || !valid:
		p.series.Err = ErrLabel
	case len(list) > 0 && bytes.Compare(list[len(list)-1].Name, name) >= 0:
		p.series.Err = ErrLabelOrder
	case len(list) == MaxLabels:
		p.series.Err = ErrManyLabels
	default:
		p.series.Labels = append(list, RawLabel{name, value})
	}
}

func (p *RequestParser) sample(msg []byte) error {
	var s Sample
	err := fields(msg, func(tag uint64, _ []byte, number uint64) error {
		switch tag {
		case tagValue:
			s.Value = math.Float64frombits(number)
		case tagTime:
			s.Milliseconds = int64(number)
		}
		return nil
	})
	if err == nil {
		err = p.count()
	}
	p.series.Samples = append(p.series.Samples, s)
	return err
}

// count counts a sample, or what takes its place.
func (p *RequestParser) count() error {
	if p.left--; p.left < 0 {
		return fmt.Errorf("%w: more than %d samples", ErrTooLarge, p.MaxSamples)
	}
	return nil
}

// The tags of version 2: of a request, and of a series what differs from version 1.
const (
	tagSymbols     = 4<<3 | 2
	tagSeries2     = 5<<3 | 2
	tagRefs        = 1<<3 | 2
	tagRef         = 1 << 3
	tagHistograms2 = 3<<3 | 2
	tagExemplars2  = 4<<3 | 2
)

// table reads the texts of a request. The first is the empty one.
func (p *RequestParser) table(request []byte) error {
	p.request, p.symbols = request, p.symbols[:0]
	if uint64(len(request)) > math.MaxUint32 {
		return ErrTooLarge
	}
	err := fields(request, func(tag uint64, text []byte, _ uint64) error {
		switch {
		case tag != tagSymbols:
			return nil
		case len(p.symbols) == maxSymbols:
			return fmt.Errorf("%w: more than %d symbols", ErrTooLarge, maxSymbols)
		}
		// The capacities tell where text begins, for both slices end where the array does.
		from := cap(request) - cap(text)
		p.symbols = append(p.symbols, span{uint32(from), uint32(from + len(text)), utf8.Valid(text)})
		return nil
	})
	if err == nil && len(p.symbols) > 0 && p.symbols[0].from != p.symbols[0].to {
		return bad("its first symbol is not the empty one")
	}
	return err
}

func (p *RequestParser) series2(msg []byte) error {
	p.refs, p.name = 0, nil
	err := fields(msg, func(tag uint64, value []byte, number uint64) error {
		switch tag {
		case tagRefs:
			return p.packed(value)
		case tagRef:
			p.ref(number)
		case tagSamples:
			return p.sample(value)
		case tagExemplars2:
			p.series.Exemplars++
			return p.count()
		case tagHistograms2:
			p.series.Histograms++
			return p.count()
		}
		return nil
	})
	if p.refs%2 != 0 && p.series.Err == nil {
		p.series.Err = ErrLabelRef
	}
	return err
}

// packed reads the numbers of labels' texts.
func (p *RequestParser) packed(list []byte) error {
	for len(list) > 0 {
		number, n := binary.Uvarint(list)
		if n <= 0 {
			return bad("it ends within a list of numbers")
		}
		list = list[n:]
		p.ref(number)
	}
	return nil
}

// ref takes the number of a label's name, or of its value, in turns.
func (p *RequestParser) ref(number uint64) {
	if number >= uint64(len(p.symbols)) {
		p.series.Err = ErrLabelRef
		return
	}
	at := p.symbols[number]
	text := p.request[at.from:at.to:at.to]
	if p.refs++; p.refs%2 != 0 {
		p.name, p.valid = text, at.valid
		return
	}
	p.addLabel(p.name, text, p.valid && at.valid)
}
