// Package pagetest uses the page of `logmetrics serve` as a person would, in a
// real browser, with mouse and keys, against a real server with real series. It
// has no code of its own; start from TestExplore.
package pagetest
