// Package archtest holds the rules of the house that the compiler does not
// know, as tests: who may import whom, and that every package says what it
// does. It has no code of its own; start from its test.
package archtest
