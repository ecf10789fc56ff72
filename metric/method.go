package metric

// Method says which one value a plain read shows of a coarser bucket, or of one
// that was merged from several.
type Method uint8

// The methods, as storage-aggregation.conf names them. Their numbers are part of
// the store's format.
const (
	Unset   Method = iota // the store takes the one that its configuration has for the name
	Average               // the mean of all values
	Sum
	Min
	Max
	Last
	AvgZero // the sum divided by how many values there should have been
	AbsMax  // the value farthest from 0
	AbsMin  // the value nearest to 0
)
