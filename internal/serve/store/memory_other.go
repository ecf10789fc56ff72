//go:build !unix

package store

import "unsafe"

func mapMemory(size int) []byte {
	words := make([]uint64, (size+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}

func unmapMemory([]byte) {}
