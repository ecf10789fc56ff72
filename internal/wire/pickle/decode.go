package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// ErrFrame is returned for a frame that is no pickle of a list, or that uses
// an opcode beyond strings, numbers, tuples, lists and the memo.
var ErrFrame = errors.New("not a pickle of points")

// Row is one point. Name points into the frame.
type Row struct {
	Name  []byte // not empty
	Time  int64  // Unix seconds, or -1: now
	Value float64
}

// What a frame may hold. A real one cannot hold more points: name, time and
// value take 16 bytes at least. Together they bound what a Decoder takes to
// some 12 MiB, whatever the frame is made of.
const (
	maxPoints = MaxFrame / 16
	maxItems  = 5 * maxPoints // name, time, value and two tuples
)

// Decoder reads frames; its memory is used again. Not safe for concurrent use.
type Decoder struct {
	frame []byte
	at    int // where the argument of the opcode begins
	stack []ref
	marks []int32 // depths of stack
	items []item
	cells []cell
	memo  []ref
}

// ref is an index in Decoder.items.
type ref int32

type kind uint8

const (
	other    kind = iota // None, a string that cannot be read in place
	text                 // part of the frame
	number               // value
	sequence             // cells
)

// item is one Python object. Sequences are tuples and lists alike: chains of
// cells, because one object can be in several of them.
type item struct {
	value       float64
	first, last int32 // cells of a sequence, -1: none; of a text, where it begins and ends
	kind        kind
}

type cell struct {
	item ref
	next int32
}

// Parse appends the points of one frame, given without its length, to dst.
// Numbers may be given as strings; fractions of times are cut. bad counts
// elements that are no point; the others are taken. The error is ErrFrame.
func (d *Decoder) Parse(dst []Row, frame []byte) (rows []Row, bad int, err error) {
	if len(frame) > MaxFrame || !d.build(frame) {
		return dst, 0, ErrFrame
	}
	top, ok := d.top()
	if !ok || top.kind != sequence {
		return dst, 0, ErrFrame
	}
	n := 0
	for c := top.first; c >= 0; c = d.cells[c].next {
		if n++; n > maxPoints {
			return dst, 0, ErrFrame
		}
		row, ok := d.point(d.cells[c].item)
		if !ok {
			bad++
			continue
		}
		dst = append(dst, row)
	}
	return dst, bad, nil
}

// build runs the opcodes of frame up to STOP.
func (d *Decoder) build(frame []byte) bool {
	d.frame, d.at = frame, 1
	d.stack, d.marks, d.items, d.cells, d.memo = d.stack[:0], d.marks[:0], d.items[:0], d.cells[:0], d.memo[:0]
	for d.at <= len(frame) {
		op := frame[d.at-1]
		if op == opStop {
			return true
		}
		n, ok := d.step(op, frame[d.at:])
		if !ok || max(len(d.items), len(d.cells), len(d.stack), len(d.marks)) > maxItems {
			return false
		}
		d.at += n + 1
	}
	return false
}

func (d *Decoder) point(r ref) (row Row, ok bool) {
	name, data, ok := d.pair(r)
	if !ok || d.items[name].kind != text || len(d.text(name)) == 0 {
		return Row{}, false
	}
	at, value, ok := d.pair(data)
	if !ok {
		return Row{}, false
	}
	t, okTime := d.number(at)
	v, okValue := d.number(value)
	if !okTime || !okValue || t != -1 && (t < 0 || t > 1<<53) {
		return Row{}, false
	}
	return Row{Name: d.text(name), Time: int64(t), Value: v}, true
}

// pair returns the two objects of a sequence of two.
func (d *Decoder) pair(r ref) (a, b ref, ok bool) {
	it := &d.items[r]
	if it.kind != sequence || it.first < 0 {
		return 0, 0, false
	}
	first := d.cells[it.first]
	if first.next < 0 || first.next != it.last {
		return 0, 0, false
	}
	return first.item, d.cells[first.next].item, true
}

func (d *Decoder) text(r ref) []byte {
	from, to := d.items[r].first, d.items[r].last
	return d.frame[from:to:to]
}

func (d *Decoder) number(r ref) (float64, bool) {
	switch it := &d.items[r]; it.kind {
	case number:
		return it.value, it.value-it.value == 0
	case text:
		return metric.ParseValue(d.text(r))
	}
	return 0, false
}

func (d *Decoder) top() (*item, bool) {
	if len(d.stack) == 0 {
		return nil, false
	}
	return &d.items[d.stack[len(d.stack)-1]], true
}

func (d *Decoder) push(it item) bool {
	d.items = append(d.items, it)
	d.stack = append(d.stack, ref(len(d.items)-1))
	return true
}

func (d *Decoder) add(to *item, r ref) {
	d.cells = append(d.cells, cell{item: r, next: -1})
	n := int32(len(d.cells) - 1)
	if to.first < 0 {
		to.first = n
	} else {
		d.cells[to.last].next = n
	}
	to.last = n
}

// gather makes a sequence of the stack above depth and pushes it there.
func (d *Decoder) gather(depth int) bool {
	if depth < d.floor() || depth > len(d.stack) {
		return false
	}
	it := item{kind: sequence, first: -1}
	for _, r := range d.stack[depth:] {
		d.add(&it, r)
	}
	d.stack = d.stack[:depth]
	return d.push(it)
}

// extend appends the stack above depth to the list below it.
func (d *Decoder) extend(depth int) bool {
	if depth <= d.floor() || depth > len(d.stack) {
		return false
	}
	list := &d.items[d.stack[depth-1]]
	if list.kind != sequence {
		return false
	}
	for _, r := range d.stack[depth:] {
		d.add(list, r)
	}
	d.stack = d.stack[:depth]
	return true
}

// floor is the depth below which only a mark reaches.
func (d *Decoder) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return int(d.marks[len(d.marks)-1])
}

func (d *Decoder) popMark() int {
	if len(d.marks) == 0 {
		return -1
	}
	m := d.floor()
	d.marks = d.marks[:len(d.marks)-1]
	return m
}

func (d *Decoder) store(index uint64) bool {
	if len(d.stack) == 0 || index >= maxItems {
		return false
	}
	for uint64(len(d.memo)) <= index {
		d.memo = append(d.memo, -1)
	}
	d.memo[index] = d.stack[len(d.stack)-1]
	return true
}

func (d *Decoder) load(index uint64) bool {
	if index >= uint64(len(d.memo)) || d.memo[index] < 0 {
		return false
	}
	d.stack = append(d.stack, d.memo[index])
	return true
}

// long reads a little-endian two's complement number of any length.
func long(b []byte) item {
	if len(b) > 8 {
		return wide(b)
	}
	var v int64
	for i, c := range b {
		v |= int64(c) << (8 * i)
	}
	if n := uint(len(b)) * 8; n > 0 && n < 64 {
		v = v << (64 - n) >> (64 - n)
	}
	return item{kind: number, value: float64(v)}
}

// maxWide is how many bytes of a number are read: metric.MaxValue has as many.
const maxWide = 42

// wide is long for what has more than 64 bits, as the counters that are not signed.
func wide(b []byte) item {
	if len(b) > maxWide {
		return item{}
	}
	b = slices.Clone(b)
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	value, _ := v.Float64()
	return item{kind: number, value: value}
}

// line returns the argument of the opcodes of protocol 0, and its length with the '\n'.
func line(b []byte) (arg []byte, n int, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, 0, false
	}
	return bytes.TrimSuffix(b[:i], []byte{'\r'}), i + 1, true
}

// quoted reads the repr of a string, which is the opcode's argument; one with
// escapes is not read in place.
func (d *Decoder) quoted(arg []byte) item {
	n := len(arg)
	if n < 2 || arg[0] != arg[n-1] || arg[0] != '\'' && arg[0] != '"' {
		return item{}
	}
	return d.plainText(1, arg[1:n-1])
}

// plainText is b, which begins at from in the opcode's argument.
func (d *Decoder) plainText(from int, b []byte) item {
	if bytes.IndexByte(b, '\\') >= 0 {
		return item{}
	}
	return d.textAt(from, len(b))
}

// textAt is the text of n bytes that begins at from in the opcode's argument.
func (d *Decoder) textAt(from, n int) item {
	return item{kind: text, first: int32(d.at + from), last: int32(d.at + from + n)}
}

func decimal(arg []byte) item {
	v, ok := metric.ParseValue(arg)
	if !ok {
		return item{}
	}
	return item{kind: number, value: v}
}

func float(b []byte) item {
	return item{kind: number, value: math.Float64frombits(binary.BigEndian.Uint64(b))}
}
