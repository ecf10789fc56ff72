// Package archtest holds the rules of the house that the compiler does not
// know, as tests: who may import whom, that every package says what it does,
// that links in the docs lead somewhere, and what is said of the test data. It
// has no code of its own; start from its tests.
package archtest
