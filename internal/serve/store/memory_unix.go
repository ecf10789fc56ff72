//go:build unix

package store

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory returns zeroed memory of the system's, or of the heap when the
// system has none to give.
func mapMemory(size int) []byte {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return heapMemory(size)
	}
	return b
}

// unmapMemory gives it back; memory of the heap is not known to the system, and
// is left to the garbage collector.
func unmapMemory(b []byte) { _ = unix.Munmap(b) }

// heapMemory returns memory that is aligned as the widest number is.
func heapMemory(size int) []byte {
	words := make([]uint64, (size+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}
