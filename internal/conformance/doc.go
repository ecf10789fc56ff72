// Package conformance asks the same of `logmetrics serve` and of graphite-web,
// over the same series, and compares what they answer. It has no code of its
// own; start from testdata/requests, and from TestConformance.
//
// It promises that answers are compared strictly: status, content type, names
// and their order, tags, times, and values to the last bit. Differences that are
// meant are in testdata/differences.txt with a reason; one that is listed there
// and no longer is one fails the test.
package conformance
