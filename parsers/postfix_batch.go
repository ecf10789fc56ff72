package parsers

import (
	"math/bits"

	"github.com/logmetrics/logmetrics/internal/marks"
	"github.com/logmetrics/logmetrics/metric"
)

// postfixBatch holds what is known of the lines of one lineEnds before they are
// read one by one.
type postfixBatch struct {
	stamp  marks.Stamp // of the last line that had one, not as in RFC 3164
	heads  [len(lineEnds{})]marks.Head
	picks  [len(lineEnds{})]uint8  // the lines that may count
	places [len(lineEnds{})]uint32 // where the ": to=" is of those that may be deliveries
	fields [len(lineEnds{})]marks.Fields
}

// batch counts the lines that start at from and end at ends, of which there is
// at least one, as line does.
//
// A processor foretells badly of what kind the next line is, and where in it
// which byte stands. So first it is worked out for all lines, without a branch
// on the text, which of them may count: two of five. Of those, deliveries are the
// most work, and where their fields are is noted in another pass. Whatever is
// unlike most is left to line and message.
func (p *postfix) batch(data []byte, from int, ends []uint32, rec *metric.Recorder) (matched, rejected int) {
	b := &p.scratch
	marks.Heads(b.heads[:], data, from, ends, b.stampOf(data[from:ends[0]]))
	picks, places := b.pick(data, ends)
	marks.FieldsAt(b.fields[:], data, places, queueIDSet)
	var verdicts [Rejected + 1]int
	fields := b.fields[:]
	for _, i := range picks {
		h := &b.heads[i]
		if h.Text == 0 {
			start := from
			if i > 0 {
				start = int(ends[i-1]) + 1
			}
			verdicts[p.line(data[start:ends[i]], rec)]++
			continue
		}
		text := data[h.At:ends[i]]
		tag, msg := text[:h.Name], text[h.Text:]
		if load(text, 0) != stockTag {
			tag, msg = ofPostfix(tag, msg)
		}
		if h.Key&toMask == toKey {
			f := &fields[0]
			fields = fields[1:]
			d := postfixDelivery{tag: tag}
			if id := h.Word - h.Text; tag != nil && id >= minQueueID && f.Words(id) && d.marked(f, text[h.Word:]) {
				verdicts[p.count(&d, rec)]++
				continue
			}
		}
		verdicts[p.message(tag, msg, rec)]++
	}
	return verdicts[Matched], verdicts[Rejected]
}

const stockTag = 0x2f78696674736f70 // "postfix/", as load reads it

// stampOf returns the form of the stamp that line starts with.
func (b *postfixBatch) stampOf(line []byte) *marks.Stamp {
	if len(line) >= minStamped && isRFC3164(line) {
		return &marks.RFC3164
	}
	if end := stampEnd(line); end > 0 {
		b.stamp = marks.Like(line[:end])
	}
	return &b.stamp
}

// pick returns the lines whose head may be of interest, or is not known, and
// where in data the ": to=" is of those that may be deliveries. It lets others
// pass that look alike: message knows them.
func (b *postfixBatch) pick(data []byte, ends []uint32) (picks []uint8, places []uint32) {
	var n, m uint
	heads := b.heads[:len(ends)]
	for i := range heads {
		h := &heads[i]
		letters := uint32(h.Key>>16) & 0xffffff
		k := &postfixKeys[letters>>16%uint32(len(postfixKeys))]
		last := data[max(int(ends[i]), 1)-1]
		unlike := letters ^ k.letters | uint32((h.Word-h.Text^k.word)&k.wordMask) | uint32(notExpiry[last]&k.lastMask)
		take, is := zero(unlike), zero(h.Key&toMask^toKey)
		if h.Text == 0 {
			take, is = 1, 0
		}
		b.picks[n%uint(len(b.picks))] = uint8(i)
		b.places[m%uint(len(b.places))] = h.At + uint32(h.Word)
		n, m = n+take, m+is
	}
	return b.picks[:n], b.places[:m]
}

// postfixKey is what stands where the first word of a message of interest ends.
type postfixKey struct {
	letters        uint32 // the third to fifth byte from there on
	word, wordMask uint8  // the word's length, where the mask is set
	lastMask       uint8  // set where notExpiry decides on the line's last byte
}

// postfixKeys are found by the last of their letters.
var postfixKeys = [32]postfixKey{
	'=' % 32: {letters: 't' | 'o'<<8 | '='<<16},                                              // ": to="
	'o' % 32: {letters: 'f' | 'r'<<8 | 'o'<<16, lastMask: 1},                                 // ": from=<"
	'j' % 32: {letters: 'r' | 'e'<<8 | 'j'<<16},                                              // ": reject"
	'm' % 32: {letters: 'r' | 'o'<<8 | 'm'<<16, word: uint8(len("connect")), wordMask: 0xff}, // " from "
}

// notExpiry is 0 for what a line that isExpiry ends with, else 1.
var notExpiry = func() (not [256]uint8) {
	for c := range not {
		not[c] = 1
	}
	not['r'], not['\r'] = 0, 0
	return not
}()

// zero returns 1 for 0, else 0.
func zero[T uint32 | uint64](v T) (n uint) {
	if v == 0 {
		n = 1
	}
	return n
}

// marked reads b as read does what follows the ": to=" that it starts with, if
// it has the usual fields and no more, with f for where they are; ok is false when
// read has to say what it is.
func (d *postfixDelivery) marked(f *marks.Fields, b []byte) (ok bool) {
	i := bits.TrailingZeros64(f.Angle) // a '"' makes it another address
	if f.Angle == 0 || !keyed(b, i+1, relayKey) || b[len(": to=")] != '<' || b[i] != '>' {
		return false
	}
	start := i + len(">, relay=")
	if i, ok = f.Next(start); !ok || !keyed(b, i, delayKey) {
		return false
	}
	d.relay = b[start:i]
	i += len(", delay=")
	delay, n := shortDecimal(load(b, i))
	if i += n; n == 0 || !keyed(b, i+1, delaysKey) {
		return false
	}
	d.delay = delay
	start = i + len(", delays=")
	if i, ok = f.Next(start); !ok || !keyed(b, i+1, dsnKey) {
		return false
	}
	d.delays = b[start:i]
	start = i + len(", dsn=")
	if i, ok = f.Next(start); !ok || !keyed(b, i+1, statusKey) {
		return false
	}
	d.dsn = b[start:i]
	d.status, ok = statusOf(b[i+len(", status="):])
	return ok
}

// keyed reports whether the bytes of key that are not 0 are at b[i], and as
// many as a word has behind them.
func keyed(b []byte, i int, key uint64) bool {
	return len(b) >= i+16 && (load(b, i)^key)<<(bits.LeadingZeros64(key)&^7) == 0
}

// The fields' keys, as load reads them; where a comma is known to be, without it.
const (
	relayKey  = 0x3d79616c6572202c // ", relay="
	delayKey  = 0x3d79616c6564202c // ", delay="
	delaysKey = 0x3d7379616c656420 // " delays="
	dsnKey    = 0x3d6e736420       // " dsn="
	statusKey = 0x3d73757461747320 // " status="
)
