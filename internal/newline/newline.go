// Package newline finds the ends of many lines in one pass.
//
// Where a line ends cannot be foretold, so a search for one '\n' after the
// other costs a mispredicted branch a line. On amd64 with AVX2 64 bytes are
// looked at in a step, and the ends in them are noted without a branch;
// elsewhere bytes.IndexByte does it. It promises the same result on both, and
// allocates nothing. Start from [Ends].
package newline

import "bytes"

// step is how many bytes are looked at at once.
const step = 64

// MinDst is the least length of dst for Ends: the most lines that a step can end.
const MinDst = step

// Ends notes in dst where the '\n' in data[from:next] are, as offsets into data,
// and returns how many there are. It goes on until data is exhausted, and then
// next is len(data), or until dst has no room for what a step may find. dst has
// MinDst elements or more, and what is in them beyond n means nothing; data is
// shorter than 4 GiB.
func Ends(dst []uint32, data []byte, from int) (n, next int) {
	n, next = steps(dst, data, from)
	if fast && len(data)-next >= step {
		return n, next
	}
	for n < len(dst) {
		i := bytes.IndexByte(data[next:], '\n')
		if i < 0 {
			return n, len(data)
		}
		dst[n] = uint32(next + i)
		n, next = n+1, next+i+1
	}
	return n, next
}
