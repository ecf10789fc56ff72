//go:build amd64 || arm64

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGiveBack(t *testing.T) {
	statm, err := os.Open("/proc/self/statm")
	require.NoError(t, err)
	defer statm.Close()
	var before, after [100]byte // read without a detour: what is looked at comes back
	_, _ = statm.ReadAt(before[:], 0)
	giveBack()
	_, _ = statm.ReadAt(after[:], 0)
	files := func(line [100]byte) (pages int) {
		var all, resident int
		_, err := fmt.Sscan(string(line[:]), &all, &resident, &pages)
		require.NoError(t, err)
		return pages
	}
	t.Logf("%d pages of files, then %d", files(before), files(after))
	assert.Less(t, files(after), files(before)*4/5)
}

func TestConstantsOfHeaders(t *testing.T) {
	elf := func(kind, offset, size, n uint16) []byte {
		h := make([]byte, 4096)
		binary.LittleEndian.PutUint16(h[16:], kind)
		binary.LittleEndian.PutUint64(h[32:], uint64(offset))
		binary.LittleEndian.PutUint16(h[54:], size)
		binary.LittleEndian.PutUint16(h[56:], n)
		for i, flags := range []uint32{4, 5, 6} {
			s := h[64+56*i:]
			binary.LittleEndian.PutUint32(s, 1)
			binary.LittleEndian.PutUint32(s[4:], flags)
			binary.LittleEndian.PutUint64(s[16:], 0x1000)
			binary.LittleEndian.PutUint64(s[40:], 5)
		}
		return h
	}
	assert.Equal(t, []segment{{0x1000, 5}}, constants(elf(2, 64, 56, 3)))
	assert.Empty(t, constants(elf(3, 64, 56, 3)), "relocated: it is written to at the start")
	assert.Empty(t, constants(elf(2, 64, 56, 100)), "headers beyond the page")
	assert.Empty(t, constants(elf(2, 5000, 56, 1)))
	assert.Empty(t, constants(elf(2, 64, 8, 3)))
}
