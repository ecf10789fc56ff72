package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Entries in the journal's export format
// (https://systemd.io/JOURNAL_EXPORT_FORMATS/) are fields, each a text line or
// binary, and an empty line:
//
//	__CURSOR=s=9cfd...;i=1;b=...;m=...;t=...;x=...
//	PRIORITY=6
//	MESSAGE
//	<length, 64 bits little endian><that many bytes>
//
//	__CURSOR=...

const (
	// maxMessage bounds MESSAGE in bytes; what is longer is passed and counted.
	maxMessage = 1 << 20
	// maxField bounds the other fields that are looked at; what is longer counts as absent.
	maxField = 1 << 10
	// exportBuffer holds the longest text field that is read in one piece, and
	// any name of a field, which systemd cuts at 64 bytes.
	exportBuffer = 64 << 10
)

// errFormat says that what journalctl wrote is not the export format.
var errFormat = errors.New("this is not the journal's export format")

// field is one of those that make a line.
type field int

const (
	fCursor field = iota
	fRealtime
	fMessage
	fPriority
	fFacility
	fIdentifier
	fSyslogPID
	fComm
	fPID
	fHost
	fSource
	fieldCount
)

var fieldNames = [fieldCount]string{"__CURSOR", "__REALTIME_TIMESTAMP", "MESSAGE", "PRIORITY", "SYSLOG_FACILITY",
	"SYSLOG_IDENTIFIER", "SYSLOG_PID", "_COMM", "_PID", "_HOSTNAME", "_SOURCE_REALTIME_TIMESTAMP"}

// outputFields are those that journalctl has to be asked for.
func outputFields() string { return strings.Join(fieldNames[fMessage:], ",") }

func fieldOf(name []byte) (field, bool) {
	for f, s := range fieldNames {
		if string(name) == s {
			return field(f), true
		}
	}
	return 0, false
}

// entry is what we want to know of an entry.
type entry struct {
	value   [fieldCount][]byte
	seen    [fieldCount]bool // of a field that comes twice the first counts
	tooLong int64            // bytes of a message that was passed
}

func (e *entry) reset() {
	for f := range e.value {
		e.value[f] = e.value[f][:0]
	}
	e.seen = [fieldCount]bool{}
	e.tooLong = 0
}

// exportReader reads entries.
type exportReader struct {
	r *bufio.Reader
	e entry
}

func newExportReader(r io.Reader) *exportReader {
	return &exportReader{r: bufio.NewReaderSize(r, exportBuffer)}
}

// next returns the next entry, which is overwritten by the one after. It
// returns io.EOF at the end, io.ErrUnexpectedEOF within an entry.
func (x *exportReader) next() (*entry, error) {
	x.e.reset()
	for empty := true; ; {
		line, err := x.r.ReadSlice('\n')
		switch {
		case len(line) == 1 && line[0] == '\n':
			if !empty {
				return &x.e, nil
			}
			continue
		case errors.Is(err, io.EOF) && len(line) == 0 && empty:
			return nil, io.EOF
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, unexpected(err)
		}
		if err := x.field(line); err != nil {
			return nil, unexpected(err)
		}
		empty = false
	}
}

// field reads the field that line begins, which is all of it if it ends in '\n'.
func (x *exportReader) field(line []byte) error {
	whole := line[len(line)-1] == '\n'
	name, text, isText := bytes.Cut(line, []byte{'='})
	if !isText && !whole {
		return fmt.Errorf("%w: a line without a name", errFormat)
	}
	if !isText {
		return x.binary(line[:len(line)-1])
	}
	f, wanted := x.want(name)
	for n := 0; ; {
		if whole {
			text = text[:len(text)-1]
		}
		if n += len(text); wanted && n <= maxOf(f) {
			x.e.value[f] = append(x.e.value[f], text...)
		}
		if whole {
			if wanted && n > maxOf(f) {
				x.pass(f, int64(n))
			}
			return nil
		}
		var err error
		text, err = x.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		whole = text[len(text)-1] == '\n'
	}
}

// maxOf returns how long the field may be.
func maxOf(f field) int {
	if f == fMessage {
		return maxMessage
	}
	return maxField
}

// pass makes a field of n bytes absent, and says so of a message.
func (x *exportReader) pass(f field, n int64) {
	x.e.value[f] = x.e.value[f][:0]
	if f == fMessage {
		x.e.tooLong = n
	}
}

// want says which field of the entry name is; false when it is to be passed.
func (x *exportReader) want(name []byte) (field, bool) {
	f, ok := fieldOf(name)
	if !ok || x.e.seen[f] {
		return 0, false
	}
	x.e.seen[f] = true
	return f, true
}

// binary reads the value of the field with the given name: its length, itself
// and a '\n'.
func (x *exportReader) binary(name []byte) error {
	f, wanted := x.want(name) // before name is overwritten by reading on
	var head [8]byte
	if _, err := io.ReadFull(x.r, head[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > math.MaxInt64 {
		return fmt.Errorf("%w: a field of %d bytes", errFormat, n)
	}
	if err := x.value(f, wanted, int64(n)); err != nil {
		return err
	}
	if c, err := x.r.ReadByte(); err != nil || c != '\n' {
		return errors.Join(err, fmt.Errorf("%w: no line end behind a field", errFormat))
	}
	return nil
}

// value reads a value of n bytes, or passes it.
func (x *exportReader) value(f field, wanted bool, n int64) error {
	if wanted && n <= int64(maxOf(f)) {
		v := slices.Grow(x.e.value[f], int(n))[:n]
		x.e.value[f] = v
		_, err := io.ReadFull(x.r, v)
		return err
	}
	if wanted {
		x.pass(f, n)
	}
	_, err := io.CopyN(io.Discard, x.r, n)
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
