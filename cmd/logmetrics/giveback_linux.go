//go:build amd64 || arm64

package main

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// giveBack takes the program's constants out of the process's memory: tables of
// functions and types, which initialising its packages walked through, a third of
// all that is resident. What is needed again comes back from the page cache, in
// some 0.3 ms in all: too much for a run that has nothing to do.
//
// It touches nothing but what is mapped from the file and never written to: a
// program that is relocated when it starts, and so has written there, is left alone.
func giveBack() {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return
	}
	defer f.Close()
	page := make([]byte, 4096) // has the headers, if the linker is Go's
	if n, _ := f.ReadAt(page, 0); n < len(page) {
		return
	}
	for _, s := range constants(page) {
		// An error means that they stay.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.address, s.size, unix.MADV_DONTNEED)
	}
}

type segment struct{ address, size uintptr }

// constants returns what the headers of a 64-bit ELF file say is mapped to a fixed
// place and can only be read.
func constants(header []byte) (list []segment) {
	const (
		fixed    = 2 // ET_EXEC
		loaded   = 1 // PT_LOAD
		readOnly = 4 // PF_R
	)
	le := binary.LittleEndian
	at, size, n := le.Uint64(header[32:]), uint64(le.Uint16(header[54:])), uint64(le.Uint16(header[56:]))
	if le.Uint16(header[16:]) != fixed || at > uint64(len(header)) || at+n*size > uint64(len(header)) || size < 56 {
		return nil
	}
	for ; n > 0; n, at = n-1, at+size {
		h := header[at:]
		if le.Uint32(h) == loaded && le.Uint32(h[4:]) == readOnly {
			list = append(list, segment{uintptr(le.Uint64(h[16:])), uintptr(le.Uint64(h[40:]))})
		}
	}
	return list
}
