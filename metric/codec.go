package metric

import "hash/crc32"

// The one encoding of a [Batch]: a file of the queue, an open interval in a
// state, the body sent to the gatherer. Numbers of fixed width are little
// endian; uv and zv are unsigned and zigzag varints; str is a uv of the
// length and the bytes.
//
//	batch                                      sample
//	+-----------------+----------------+       +------------------+---------------+
//	| "LMB"           | 3              |       | name             | str           |
//	| version, 1 or 2 | 1              |       | tags             | uv            |
//	| length of body  | 4              |       |   key, value     | str, str      | sorted by key
//	| body            | length         |       | kind, form       | 1, 1          |
//	| crc32c of all   | 4              |       | parts            | 1             | bits below
//	| that is above   |                |       | unit             | str           | if hasUnit
//	+-----------------+----------------+       | count            | uv            |
//	body                                       | sum min max m2   | 8 each        | those whose bit is
//	+-----------------+----------------+       | last             |               | set, others are 0
//	| job             | 16             |       | which of them    | 1, before     |
//	| seq             | uv             |       | distribution     | see below     |
//	| start end stamp | zv, zv, zv     |       | members          | see below     |
//	| flags, version 2| 1: 1, late     |       +------------------+---------------+
//	| prefix, suffix  | str, str       |
//	| samples         | uv             |
//	|   each          | a sample       |
//	+-----------------+----------------+
//
//	exact values: n uv, then n floats of 8 bytes, ascending
//	bins:         values near zero uv, then twice (positive, negative by magnitude):
//	              bins uv, index of the first zv, count of each uv; the first and last are not 0
//	members:      n uv, then n str, ascending
//	registers:    16384 bytes
//
// Equal batches have equal bytes: version 2 is written for a late batch alone.
// A change of any of this is a new version.
const (
	batchMagic   = "LMB"
	batchVersion = 1
	lateVersion  = 2 // has flags
	batchHeader  = 8 // magic, version, length
	batchTrailer = 4 // checksum
)

// isLate is the one flag of a batch.
const isLate = 1

// The parts of a sample that are not always there.
const (
	hasUnit = 1 << iota
	hasExact
	hasBins
	hasMembers
	hasRegisters
)

// minSample is the length of the shortest sample: a name of one byte and
// nothing else. It bounds how many samples a body can claim to hold.
const minSample = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
