//go:build !faults

package vfs

// Point marks a place at which builds with the tag "faults" can be told to
// die; in others it does nothing.
func Point(string) {}
