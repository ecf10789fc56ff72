// Package state keeps what must survive between runs: the positions of a job's
// logs, its open intervals, and the queue of its batches with a cursor for
// each output.
//
// It promises that a position moves only in the write that makes its batch
// durable, that a batch leaves the queue only when each output took it (or the
// spool limit says so, counted), and that damage is noticed and said. It does
// not read logs and does not send. Start from [Open].
package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"path"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// Errors that callers tell apart.
var (
	// ErrLocked says that another run of the same job is under way.
	ErrLocked = errors.New("held by another run")
	// ErrCorrupt says that a file does not hold what was written to it.
	ErrCorrupt = errors.New("damaged")
	// ErrUncertain says that a write may or may not have become durable. The
	// Job takes no more writes: Close it and Open it again, which finds out.
	ErrUncertain = errors.New("not known to be on disk")
	// ErrNotQueued says that a batch is not in the queue, or not any more: Trim
	// has deleted it since the queue was listed.
	ErrNotQueued = errors.New("it is not in the queue")
)

// Key tells jobs apart.
type Key struct {
	Job            string   // a name given by the user stands for all the rest
	Parser         string   // as in "PostfixParser"
	Options        []string // the parser's own
	Prefix, Suffix string
	Outputs        []string // names with addresses, as given to [Job.Took]
	Logs           []string // patterns, as given by the user
}

// Name returns the name of the job's files: the user's name for the job, or
// parser, first log and a hash of all fields. It is safe as a file's name.
func (k Key) Name() string {
	if k.Job != "" {
		if name := fileName(k.Job); name == k.Job {
			return name
		}
		return fileName(k.Job) + "-" + digest(appendText(nil, k.Job))
	}
	name := fileName(k.Parser)
	if len(k.Logs) > 0 {
		name += "-" + fileName(path.Base(k.Logs[0]))
	}
	return name + "-" + digest(k.append(nil))
}

// maxName keeps the longest of a job's file names under the 255 bytes that
// file systems allow.
const maxName = 100

// fileName returns s with all but letters, digits, '-', '_' and inner dots made '_'.
func fileName(s string) string {
	b := []byte(s[:min(len(s), maxName)])
	for i, c := range b {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0
		if !ok {
			b[i] = '_'
		}
	}
	return string(b)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// twin reports whether the two read the same logs with the same parser, so
// that one may be the other after an edit of its flags. Two that the user gave
// names are two on purpose.
func (k Key) twin(o Key) bool {
	return (k.Job == "" || o.Job == "") && k.Parser == o.Parser && slices.Equal(slices.Sorted(slices.Values(k.Logs)), slices.Sorted(slices.Values(o.Logs)))
}

// alike counts in what two twins agree: an edit changes one thing, mostly.
func (k Key) alike(o Key) (n int) {
	for _, same := range []bool{k.Prefix == o.Prefix, k.Suffix == o.Suffix, slices.Equal(k.Options, o.Options), slices.Equal(k.Outputs, o.Outputs)} {
		if same {
			n++
		}
	}
	return n
}

// State is what a job knows of itself. Between Commits its user changes Logs,
// Open, End and First; the rest is changed by the Job.
type State struct {
	Key     Key
	Job     [16]byte            // identity, drawn with the state
	Seq     uint64              // newest batch written, 0 before the first
	End     int64               // Unix second at which the newest interval ended, 0 before the first
	First   int64               // Unix second at which the job first ran
	Logs    map[string]Position // by path as opened
	Open    []*metric.Batch     // open intervals; a batch must not be changed after it was committed here
	Taken   map[string]uint64   // by output: the newest batch that it took
	Dropped uint64              // batches that the spool limit dropped
	Damaged uint64              // batches whose files were damaged
}

// record is a State as it is written: with the generation that tells which of
// two is newer, and the open intervals encoded.
type record struct {
	State // without Open
	gen   uint64
	open  [][]byte
}

// clone returns a copy that shares only what is never changed.
func (r *record) clone() *record {
	c := *r
	c.Logs, c.Taken = maps.Clone(r.Logs), maps.Clone(r.Taken)
	return &c
}

// view returns the State for the job's user.
func (r *record) view() (State, error) {
	s := r.clone().State
	for _, src := range r.open {
		b, err := metric.ParseBatch(src)
		if err != nil {
			return State{}, err
		}
		s.Open = append(s.Open, b)
	}
	return s, nil
}
