package pickle

import (
	"bytes"
	"encoding/binary"
)

// step does one opcode. arg is all that follows it; used is how much of that
// belongs to it. GLOBAL, REDUCE, BUILD, INST, OBJ and all else that could
// build or call something end here: ok is false.
func (d *Decoder) step(op byte, arg []byte) (used int, ok bool) {
	switch op {
	case opMark:
		d.marks = append(d.marks, int32(len(d.stack)))
		return 0, true
	case opList, ')':
		return 0, d.push(item{kind: sequence, first: -1})
	case 'l', 't':
		return 0, d.gather(d.popMark())
	case opAppends:
		return 0, d.extend(d.popMark())
	case 'a':
		return 0, d.extend(len(d.stack) - 1)
	case 0x85, opTuple2, 0x87:
		return 0, d.gather(len(d.stack) - int(op-0x84))
	case 'N': // None
		return 0, d.push(item{})
	case 0x88, 0x89: // True and False are numbers to Python
		return 0, d.push(item{kind: number, value: float64(0x89 - op)})
	case 0x94: // memoize
		return 0, d.store(uint64(len(d.memo)))
	case 'S', 'V', 'I', 'L', 'F', 'p', 'g':
		return d.stepLine(op, arg)
	}
	return d.stepBinary(op, arg)
}

// stepLine does the opcodes of protocol 0, whose argument is a line.
func (d *Decoder) stepLine(op byte, arg []byte) (used int, ok bool) {
	arg, used, ok = line(arg)
	if !ok {
		return 0, false
	}
	switch op {
	case 'S':
		return used, d.push(d.quoted(arg))
	case 'V':
		return used, d.push(d.plainText(0, arg))
	case 'L':
		return used, d.push(decimal(bytes.TrimSuffix(arg, []byte{'L'})))
	case 'I', 'F':
		return used, d.push(decimal(arg))
	}
	index := decimal(arg)
	if index.kind != number || index.value < 0 || index.value >= maxItems {
		return 0, false
	}
	if op == 'p' {
		return used, d.store(uint64(index.value))
	}
	return used, d.load(uint64(index.value))
}

// fixed is how many bytes follow an opcode; for strings, how many bytes of
// length. 0: the opcode is refused.
var fixed = [256]uint8{
	opProto: 1, 0x95: 8, // FRAME
	'U': 1, 'T': 4, opUnicode: 4, 0x8c: 1, 'C': 1, 'B': 4, opLong1: 1,
	'K': 1, 'M': 2, opInt32: 4, opFloat: 8,
	'q': 1, 'r': 4, 'h': 1, 'j': 4,
}

// stepBinary does the opcodes whose argument has a length that is known.
func (d *Decoder) stepBinary(op byte, arg []byte) (used int, ok bool) {
	n := int(fixed[op])
	if n == 0 || len(arg) < n {
		return 0, false
	}
	arg, rest := arg[:n], arg[n:]
	switch op {
	case opProto:
		return n, arg[0] <= 5 // which says points as 4 does
	case 0x95:
		return n, true
	case opFloat:
		return n, d.push(float(arg))
	case opInt32:
		return n, d.push(long(arg))
	}
	v := unsigned(arg)
	switch op {
	case 'K', 'M':
		return n, d.push(item{kind: number, value: float64(v)})
	case 'q', 'r':
		return n, d.store(v)
	case 'h', 'j':
		return n, d.load(v)
	}
	if v > uint64(len(rest)) {
		return 0, false
	}
	if op == opLong1 {
		return n + int(v), d.push(long(rest[:v]))
	}
	return n + int(v), d.push(d.textAt(n, int(v)))
}

func unsigned(b []byte) uint64 {
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:])
}
